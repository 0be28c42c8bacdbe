package dev.cairn.engine;

import dev.cairn.LockTimeout;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * The lock that whoever opens or closes a store holds meanwhile. Only tried for, never waited on,
 * because a waiting call on the lock file would be closed by an interrupt (RULE 16).
 */
final class OpenLock {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private OpenLock() {}

    /**
     * @throws LockTimeout if another process keeps it longer than that
     */
    static KernelLocks.Held exclusive(StoreFiles files, KernelLocks kernel, Duration timeout) {
        return repeatedly(files, timeout, () -> kernel.tryExclusive(ProcessTable.OPEN_BYTE, 1));
    }

    /** As {@link #exclusive}, beside others that do not write. */
    static KernelLocks.Held shared(StoreFiles files, KernelLocks kernel, Duration timeout) {
        return repeatedly(files, timeout, () -> kernel.tryShared(ProcessTable.OPEN_BYTE, 1));
    }

    private static KernelLocks.Held repeatedly(
            StoreFiles files, Duration timeout, Supplier<KernelLocks.Attempt> attempt) {
        long deadline = System.nanoTime() + timeout.toNanos();
        boolean interrupted = false;
        try {
            while (true) {
                if (attempt.get() instanceof KernelLocks.Held held) {
                    return held;
                }
                if (System.nanoTime() - deadline > 0) {
                    throw new LockTimeout(
                            files.data(),
                            "another process has been opening or closing it for "
                                    + timeout.toMillis()
                                    + " ms; is one stopped?");
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
}
