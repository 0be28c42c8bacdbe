package dev.cairn.engine;

import dev.cairn.LockTimeout;
import dev.cairn.OpeningProgress;
import dev.cairn.events.StoreLog;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/*
 * Actors    the holder of the open lock; those that wait for it, each by itself.
 * Words     OPENING_DONE and OPENING_ALL of the shared-memory file, or of the one that is being built.
 * Steps     The holder adds to OPENING_DONE whenever it has opened, repaired a stripe, or replayed,
 *           verified, stored again, filled or forced some more bytes ("O progress").
 *           A waiter tries for the lock every 2 ms, and looks at the words every 20 ms (WorkSeen). If
 *           they changed, its timeout begins anew.
 * Why it is safe
 *           Only the length of a wait depends on the words. They are read by the files' names, without
 *           a lock. If they are torn, stale or another file's, a wait becomes longer or shorter at worst.
 *           The lock file is not opened for it, since closing it would drop locks (RULE 16).
 * What is benign
 *           Each open adds to the words too, so a queue of short opens is waited out, not timed out.
 *           If a file belongs to another user and cannot be read, no progress is seen: then the timeout
 *           counts from the beginning.
 * If a process dies here
 *           The kernel releases its lock, and a waiter gets it at its next try. A process that is
 *           stopped adds nothing more: those that wait time out.
 */
/**
 * The lock that a process holds while it opens or closes a store. It is only tried for, never
 * waited on, because an interrupt of a waiting call would close the lock file (RULE 16).
 */
final class OpenLock {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private OpenLock() {}

    /**
     * @throws LockTimeout if another process keeps it, and makes no progress, for longer than the
     *     timeout
     */
    static KernelLocks.Held exclusive(StoreFiles files, KernelLocks kernel, Duration timeout) {
        return repeatedly(files, timeout, () -> kernel.tryExclusive(ProcessTable.OPEN_BYTE, 1));
    }

    /** Takes the lock as {@link #exclusive} does, but shares it with others that do not write. */
    static KernelLocks.Held shared(StoreFiles files, KernelLocks kernel, Duration timeout) {
        return repeatedly(files, timeout, () -> tryShared(kernel));
    }

    private static KernelLocks.Attempt tryShared(KernelLocks kernel) {
        return kernel.tryShared(ProcessTable.OPEN_BYTE, 1);
    }

    /** The progress of the holder; null if nobody holds the lock against readers. */
    static @Nullable OpeningProgress progress(StoreFiles files) throws IOException {
        if (!Files.isReadable(files.lock())) {
            return null;
        }
        try (KernelLocks kernel = KernelLocks.openExisting(files.lock(), false)) {
            if (tryShared(kernel) instanceof KernelLocks.Held held) {
                held.release();
                return null;
            }
            return WorkSeen.look(files).progress();
        }
    }

    private static KernelLocks.Held repeatedly(
            StoreFiles files, Duration timeout, Supplier<KernelLocks.Attempt> attempt) {
        Wait wait = new Wait(files, timeout.toNanos());
        boolean interrupted = false;
        try {
            while (true) {
                if (attempt.get() instanceof KernelLocks.Held held) {
                    return held;
                }
                wait.goOn();
                interrupted |= Thread.interrupted();
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** How long a process has waited, and since when the holder has made no progress. */
    private static final class Wait {
        private final StoreFiles files;
        private final long timeoutNanos;
        private final long start = System.nanoTime();
        private long since = start;
        private long lastLook = start - LOOK_NANOS;
        private @Nullable WorkSeen seen;
        private boolean logged;

        Wait(StoreFiles files, long timeoutNanos) {
            this.files = files;
            this.timeoutNanos = timeoutNanos;
        }

        void goOn() {
            long now = System.nanoTime();
            if (now - lastLook >= LOOK_NANOS || now - since > timeoutNanos) {
                look(now);
            }
            if (now - since > timeoutNanos) {
                throw new LockTimeout(
                        files.data(),
                        "another process that opens or closes the store",
                        OptionalLong.empty(),
                        Duration.ofNanos(now - start),
                        "another process has been opening or closing the store for %d ms,"
                                        .formatted(TimeUnit.NANOSECONDS.toMillis(now - start))
                                + " without any progress for %d ms; is one stopped?"
                                        .formatted(TimeUnit.NANOSECONDS.toMillis(now - since)));
            }
        }

        private void look(long now) {
            lastLook = now;
            WorkSeen sight = WorkSeen.look(files);
            if (seen != null && !seen.equals(sight)) {
                since = now;
                if (!logged && now - start > timeoutNanos) {
                    logged = true;
                    new StoreLog(files.data())
                            .info("waiting for another process: it " + sight.described());
                }
            }
            seen = sight;
        }
    }
}
