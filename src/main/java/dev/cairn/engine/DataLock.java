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
 * A kernel lock on the data file itself, far behind its bytes, by which whoever uses a store is seen
 * even if the lock file was removed, replaced or left behind by a rename.
 *
 * <p>The lock file decides who is alive (RULE 16). Whoever finds there that nobody is asks here too,
 * by locking every byte that a member may hold, and refuses the store if somebody does: that one has
 * another lock file, so the two would not see each other's locks, and would both write to the data
 * file. All bytes stay locked while the store is being opened. Then they are exchanged for the
 * member's own one, and another opener that came in between is noticed by both.
 *
 * <p>Whoever finds there that somebody is alive asks here for each member that is dead by the lock
 * file, since he would take its slot and its locks: a reader may have the lock file that is there by
 * now, and a writer of another container the one that was removed.
 *
 * <p>It is a second witness only. Where native calls are not allowed, a program that closes the data
 * file by itself drops the lock, and the lock file decides alone.
 */
final class DataLock implements AutoCloseable {
    /** No data file is that long. */
    static final long AT = 1L << 62;

    /** Between two files that the kernel closes for a dead process may stand many others. */
    private static final long DYING_NANOS = TimeUnit.SECONDS.toNanos(3);

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private final StoreFiles files;
    private final KernelLocks kernel;
    private KernelLocks.@Nullable Held held;

    private DataLock(StoreFiles files, KernelLocks kernel) {
        this.files = files;
        this.kernel = kernel;
    }

    /** Of a data file that exists; takes nothing yet. */
    static DataLock open(StoreFiles files, boolean writable) throws IOException {
        return new DataLock(files, KernelLocks.openExisting(files.data(), writable));
    }

    /** Tells, as long as it is open, that a file which has no name yet is being made. */
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

    /** Whether somebody uses or makes a data file, by its own locks; takes none. */
    static boolean isUsed(Path data) throws IOException {
        try (KernelLocks kernel = KernelLocks.openExisting(data, Files.isWritable(data))) {
            return kernel.isLocked(AT + ProcessTable.READERS_BYTE, ProcessTable.MEMBERS_LENGTH);
        }
    }

    /**
     * Keeps everybody out until {@link #join}.
     *
     * @throws StoreReplaced if somebody has the store open by another lock file
     */
    void requireNobody() {
        hold(
                () ->
                        kernel.tryExclusive(
                                AT + ProcessTable.READERS_BYTE, ProcessTable.MEMBERS_LENGTH),
                false);
    }

    /**
     * Where others have the store open, makes sure that members who are dead by the lock file are.
     *
     * @param bytes their bytes of the lock file
     * @throws StoreReplaced if one of them lives, by another lock file
     */
    void requireDead(List<Long> bytes) {
        if (held == null) { // else all are
            for (long each : bytes) {
                hold(() -> kernel.tryExclusive(AT + each, 1), false);
                release();
            }
        }
    }

    /**
     * Tells that a member uses the store.
     *
     * @throws StoreReplaced if somebody opens it by another lock file meanwhile
     */
    void join(ProcessTable processes) {
        release();
        hold(() -> kernel.tryExclusive(AT + processes.byteOfMember(), 1), false);
    }

    /**
     * Tells that a reader uses the store; another of this JVM serves as well while it lasts.
     *
     * @throws StoreReplaced if somebody recovers it by another lock file
     */
    void joinReaders() {
        hold(() -> kernel.tryShared(AT + ProcessTable.READERS_BYTE, 1), true);
    }

    /**
     * Looks whether somebody has the store open who may write; keeps nobody out.
     *
     * @throws StoreReplaced if so
     */
    void requireNoWriter() {
        hold(
                () -> kernel.tryShared(AT + ProcessTable.WRITERS_BYTE, ProcessTable.WRITERS_LENGTH),
                false);
        release();
    }

    /** Tries for a while: of one who dies the kernel drops the lock on the lock file first. */
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
                "somebody has the store open and does not use this lock file: it was removed, or the"
                        + " data file renamed without it; close the store everywhere, then open it"
                        + " again");
    }

    /** Lets others have it; before the lock on the lock file, or they would wait for nobody. */
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
