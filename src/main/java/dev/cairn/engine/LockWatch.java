package dev.cairn.engine;

import java.lang.System.Logger;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread that looks after the kernel lock of a process whose lock a foreign close may drop (RULE
 * 16): where native calls are not allowed. It is a thread of its own because whoever asks whether
 * this process lives waits for the answer for a limited time, and the keeper may be in a long force.
 */
final class LockWatch {
    /** A load of a word, or two system calls; an answer is waited for twenty times as long. */
    private static final long PERIOD_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

    private static final Logger LOG = System.getLogger("dev.cairn");

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
        String lastFailure = "";
        while (!stopped) {
            try {
                look.run();
            } catch (RuntimeException e) { // or nobody would answer any more
                if (!lastFailure.equals(e.toString())) {
                    lastFailure = e.toString();
                    LOG.log(Logger.Level.WARNING, "while keeping the lock of " + files.data(), e);
                }
            }
            LockSupport.parkNanos(PERIOD_NANOS);
        }
    }

    /** Ends it; after that it uses neither the kernel lock nor the mapping. */
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
