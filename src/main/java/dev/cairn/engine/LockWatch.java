package dev.cairn.engine;

import dev.cairn.events.StoreLog;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread that looks after the kernel lock of a process if that lock may be dropped because
 * something in the process closes the lock file (RULE 16). That is so if native calls are not
 * allowed. It is a thread of its own: a process that asks whether this one is alive waits for the
 * answer for a limited time, and the maintenance thread may be in a long force.
 */
final class LockWatch {
    /**
     * The period. A look takes one load or two system calls; other processes wait twenty times as
     * long for an answer.
     */
    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    private final Thread thread;
    private volatile boolean stopped;

    private LockWatch(StoreFiles files, Runnable look) {
        thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("cairn-lock-" + files.data().getFileName())
                        .unstarted(() -> watch(files, look));
    }

    static LockWatch start(StoreFiles files, Runnable look) {
        LockWatch watch = new LockWatch(files, look);
        watch.thread.start();
        return watch;
    }

    private void watch(StoreFiles files, Runnable look) {
        StoreLog log = new StoreLog(files.data());
        String lastFailure = "";
        while (!stopped) {
            try {
                look.run();
            } catch (RuntimeException e) { // otherwise nobody would answer any more
                if (!lastFailure.equals(e.toString())) {
                    lastFailure = e.toString();
                    log.warn(
                            "this process cannot keep the lock that shows other"
                                    + " processes that it is alive; it tries again, and until then"
                                    + " they ask it",
                            e);
                }
            }
            LockSupport.parkNanos(PERIOD_NANOS);
        }
    }

    /** Ends the thread; after that it uses neither the kernel lock nor the mapping. */
    void stop() {
        stopped = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
