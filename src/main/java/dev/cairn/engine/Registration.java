package dev.cairn.engine;

import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;

import org.jspecify.annotations.Nullable;

/**
 * The shared kernel lock by which a read-only process shows that it uses the shared-memory file. It
 * is on one of several bytes. If it may have been dropped, because something in the process closed
 * the lock file (RULE 16), it is renewed: another byte is locked before the present one is
 * released, so that the process is never without one.
 */
final class Registration {
    private final KernelLocks kernel;

    /** Both fields are guarded by this. */
    private long at;

    private KernelLocks.Held held;

    private Registration(KernelLocks kernel, long at, KernelLocks.Held held) {
        this.kernel = kernel;
        this.at = at;
        this.held = held;
    }

    /** Registers; null while a writer makes sure that no reader is there. */
    static @Nullable Registration tryFor(KernelLocks kernel) {
        for (long at = ProcessTable.READERS_BYTE; at < ProcessTable.WRITERS_BYTE; at++) {
            switch (kernel.tryShared(at, 1)) {
                case KernelLocks.Held held -> {
                    return new Registration(kernel, at, held);
                }
                case KernelLocks.Elsewhere _ -> {
                    return null;
                }
                case KernelLocks.Here _ -> {
                    // another copy of this library, in another class loader, has it
                }
            }
        }
        return null;
    }

    boolean mayGetLost() {
        return !kernel.areCertain();
    }

    /**
     * Makes sure that the lock is there. If a writer is looking just now, the next call does it.
     */
    synchronized void renew() {
        for (long other = ProcessTable.READERS_BYTE; other < ProcessTable.WRITERS_BYTE; other++) {
            if (other != at && kernel.tryShared(other, 1) instanceof KernelLocks.Held again) {
                held.release();
                held = again;
                at = other;
                return;
            }
        }
    }

    synchronized void release() {
        held.release();
    }
}
