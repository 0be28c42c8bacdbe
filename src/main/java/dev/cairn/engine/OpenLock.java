package dev.cairn.engine;

import dev.cairn.LockTimeout;
import dev.cairn.OpeningProgress;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.System.Logger;
import java.nio.file.Files;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/*
 * Actors    the holder of the open lock; those that wait for it, each by itself.
 * Words     OPENING_DONE and OPENING_ALL of the shared-memory file, or of the one that is being built.
 * Steps     the holder adds to OPENING_DONE whenever it has opened, repaired a stripe, or replayed,
 *           verified, stored again, filled or forced some more bytes ("O progress").
 *           A waiter tries for the lock each 2 ms, and looks at the words each 20 ms (WorkSeen). If
 *           they changed, its timeout begins anew.
 * Why it is safe
 *           The words decide nothing but how long somebody waits. They are read by the files' names,
 *           without a lock; torn, stale or another file's, they prolong or shorten a wait at worst.
 *           The lock file is not opened for it, since closing it would drop locks (RULE 16).
 * What is benign
 *           Each open adds to the words too, so a queue of short opens is waited out, not timed out.
 *           A file of another user that cannot be read shows nothing: then the timeout counts from
 *           the beginning.
 * If a process dies here
 *           The kernel gives its lock back, and a waiter has it at its next try. One that is stopped
 *           adds nothing more: those that wait time out.
 */
/**
 * The lock that whoever opens or closes a store holds meanwhile. Only tried for, never waited on,
 * because a waiting call on the lock file would be closed by an interrupt (RULE 16).
 */
final class OpenLock {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final Logger LOG = System.getLogger("dev.cairn");

    private OpenLock() {}

    /**
     * @throws LockTimeout if another process keeps it, and does not come on with what it does, for
     *     longer than that
     */
    static KernelLocks.Held exclusive(StoreFiles files, KernelLocks kernel, Duration timeout) {
        return repeatedly(files, timeout, () -> kernel.tryExclusive(ProcessTable.OPEN_BYTE, 1));
    }

    /** As {@link #exclusive}, beside others that do not write. */
    static KernelLocks.Held shared(StoreFiles files, KernelLocks kernel, Duration timeout) {
        return repeatedly(files, timeout, () -> tryShared(kernel));
    }

    private static KernelLocks.Attempt tryShared(KernelLocks kernel) {
        return kernel.tryShared(ProcessTable.OPEN_BYTE, 1);
    }

    /** What the holder does just now; null if nobody holds it against readers. */
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

    /** How long somebody has waited, and since when the holder has not come on. */
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
                        "another process has been opening or closing it for %d ms,"
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
                    LOG.log(
                            Logger.Level.INFO,
                            "{0}: waits for another process, which {1}",
                            files.data(),
                            sight.described());
                }
            }
            seen = sight;
        }
    }
}
