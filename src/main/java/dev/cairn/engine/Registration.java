package dev.cairn.engine;

import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;

import org.jspecify.annotations.Nullable;

/**
 * The shared kernel lock by which a process that only reads says that it uses the shared-memory
 * file. It is on one of several bytes: where a foreign close may have dropped it (RULE 16), it is
 * renewed by taking another byte before the one that it has is released, so that it is never without.
 */
final class Registration {
    private final KernelLocks kernel;

    /** Both guarded by this. */
    private long at;

    private KernelLocks.Held held;

    private Registration(KernelLocks kernel, long at, KernelLocks.Held held) {
        this.kernel = kernel;
        this.at = at;
        this.held = held;
    }

    /** Null while a writer makes sure that nobody is here. */
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
                    // another copy of this library, by another class loader, has it
                }
            }
        }
        return null;
    }

    boolean mayGetLost() {
        return !kernel.areCertain();
    }

    /** Makes sure that it is there; if a writer is looking just now, the next time. */
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
