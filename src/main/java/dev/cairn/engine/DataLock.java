package dev.cairn.engine;

import dev.cairn.StoreReplaced;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * A kernel lock on the data file itself, far behind its bytes. It shows who uses a store even if
 * the lock file was removed, replaced or left behind by a rename.
 *
 * <p>The lock file decides who is alive (RULE 16). If an opener finds there that nobody is, it also
 * asks here: it locks every byte that a member may hold, and refuses the store if another process
 * holds one. That process has another lock file, so neither would see the other's locks, and both
 * would write to the data file. All bytes stay locked while the store is being opened. Then they
 * are exchanged for the member's own byte; if another opener came in between, both notice it.
 *
 * <p>If an opener finds in the lock file that somebody is alive, it asks here for each member that
 * is dead according to the lock file, since it would take over that member's slot and locks: a
 * reader may have the current lock file, and a writer in another container the one that was
 * removed.
 *
 * <p>This lock is only a second witness. If native calls are not allowed, and something in the
 * process closes the data file, the lock is dropped, and the lock file decides alone.
 */
final class DataLock implements AutoCloseable {
    /** An offset that no data file reaches. */
    static final long AT = 1L << 62;

    /**
     * How long to wait for a dying process. When the kernel closes its files, there may be many
     * others between the two lock files.
     */
    private static final long DYING_NANOS = TimeUnit.SECONDS.toNanos(3);

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private final StoreFiles files;
    private final KernelLocks kernel;
    private KernelLocks.@Nullable Held held;

    private DataLock(StoreFiles files, KernelLocks kernel) {
        this.files = files;
        this.kernel = kernel;
    }

    /** Opens the lock of an existing data file; takes no lock yet. */
    static DataLock open(StoreFiles files, boolean writable) throws IOException {
        return new DataLock(files, KernelLocks.openExisting(files.data(), writable));
    }

    /** Shows, as long as it is open, that a file which has no name yet is being created. */
    static DataLock making(StoreFiles target, Path made) throws IOException {
        DataLock lock = new DataLock(target, KernelLocks.openExisting(made, true));
        boolean held = false;
        try {
            lock.joinReaders();
            held = true;
            return lock;
        } finally {
            if (!held) {
                lock.close();
            }
        }
    }

    /** Whether a process uses or creates a data file, judged by its own locks; takes none. */
    static boolean isUsed(Path data) throws IOException {
        try (KernelLocks kernel = KernelLocks.openExisting(data, Files.isWritable(data))) {
            return kernel.isLocked(AT + ProcessTable.READERS_BYTE, ProcessTable.MEMBERS_LENGTH);
        }
    }

    /**
     * Keeps all others out until {@link #join}.
     *
     * @throws StoreReplaced if a process has the store open with another lock file
     */
    void requireNobody() {
        hold(
                () ->
                        kernel.tryExclusive(
                                AT + ProcessTable.READERS_BYTE, ProcessTable.MEMBERS_LENGTH),
                false);
    }

    /**
     * Makes sure that members which are dead according to the lock file are dead. It is called if
     * others have the store open.
     *
     * @param bytes the bytes of these members in the lock file
     * @throws StoreReplaced if one of them is alive, with another lock file
     */
    void requireDead(List<Long> bytes) {
        if (held == null) { // otherwise all are locked
            for (long each : bytes) {
                hold(() -> kernel.tryExclusive(AT + each, 1), false);
                release();
            }
        }
    }

    /**
     * Shows that a member uses the store.
     *
     * @throws StoreReplaced if a process opens it with another lock file meanwhile
     */
    void join(ProcessTable processes) {
        release();
        hold(() -> kernel.tryExclusive(AT + processes.byteOfMember(), 1), false);
    }

    /**
     * Shows that a reader uses the store. If another reader of this JVM has the lock, that is
     * enough while it lasts.
     *
     * @throws StoreReplaced if a process recovers the store with another lock file
     */
    void joinReaders() {
        hold(() -> kernel.tryShared(AT + ProcessTable.READERS_BYTE, 1), true);
    }

    /**
     * Checks that no process has the store open for writing; keeps none out.
     *
     * @throws StoreReplaced if one has
     */
    void requireNoWriter() {
        hold(
                () -> kernel.tryShared(AT + ProcessTable.WRITERS_BYTE, ProcessTable.WRITERS_LENGTH),
                false);
        release();
    }

    /**
     * Tries for a while, because the kernel releases a dying process's lock on the lock file first.
     */
    private void hold(Supplier<KernelLocks.Attempt> attempt, boolean sharesWithItsJvm) {
        long deadline = System.nanoTime() + DYING_NANOS;
        boolean interrupted = false;
        try {
            while (true) {
                KernelLocks.Attempt found = attempt.get();
                if (found instanceof KernelLocks.Held one) {
                    held = one;
                    return;
                }
                if (sharesWithItsJvm && found instanceof KernelLocks.Here) {
                    return;
                }
                if (System.nanoTime() - deadline > 0) {
                    throw refusal();
                }
                interrupted |= Thread.interrupted();
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private StoreReplaced refusal() {
        return new StoreReplaced(
                files.lock(),
                "a process has the store open with another lock file, since the lock"
                        + " file was removed, or the data file renamed without it; close the store"
                        + " everywhere, then open it again");
    }

    /**
     * Releases the lock. It must be released before the lock on the lock file, or others would wait
     * for nothing.
     */
    void release() {
        if (held != null) {
            held.release();
            held = null;
        }
    }

    @Override
    public void close() throws IOException {
        try {
            release();
        } finally {
            kernel.close();
        }
    }
}
