package dev.cairn.engine;

import dev.cairn.StoreClosed;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The thread on which a process works for a store in the background. It is one of the platform's,
 * because a force holds on to the carrier of a virtual one (RULE 17).
 */
final class KeeperThread {
    private static final Logger LOG = System.getLogger("dev.cairn");

    private final Path store;
    private final ScheduledThreadPoolExecutor executor;

    /** Of the executor's thread alone, as the next. */
    private @Nullable String lastFailure;

    private boolean failing;

    KeeperThread(Path store) {
        this.store = store;
        this.executor =
                new ScheduledThreadPoolExecutor(
                        1,
                        Thread.ofPlatform()
                                .daemon()
                                .name("cairn-keeper-" + store.getFileName())
                                .factory());
        executor.setRemoveOnCancelPolicy(true);
    }

    ScheduledFuture<?> every(Duration period, Runnable work) {
        long nanos = period.toNanos();
        return executor.scheduleWithFixedDelay(
                () -> unfailing(work), nanos, nanos, TimeUnit.NANOSECONDS);
    }

    /** What came out of a task would end it for ever: an error even of telling about an error. */
    private void unfailing(Runnable task) {
        try {
            attempt(task);
        } catch (RuntimeException | Error _) {
            failing = true; // the next time tells
        }
    }

    /** What fails here fails for whoever asks for it too, and is tried again; told once. */
    void attempt(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | Error e) { // or there would be no next time
            failing = true;
            if (!Objects.equals(e.getMessage(), lastFailure)) {
                LOG.log(Logger.Level.WARNING, "in the background of " + store, e);
                lastFailure = e.getMessage();
            }
        }
    }

    /** Attempts several things; if none fails, the next failure is told, though it be the last one. */
    void attemptAll(Runnable attempts) {
        failing = false;
        attempts.run();
        if (!failing) {
            lastFailure = null;
        }
    }

    /** Has something done soon, unless the store is being closed. */
    void soon(Runnable work) {
        try {
            executor.execute(work);
        } catch (RejectedExecutionException _) {
            // closing makes a checkpoint of its own
        }
    }

    /**
     * Runs on this thread. What the caller hangs on the result runs elsewhere: it may close the store,
     * which waits for this thread.
     */
    <T> CompletableFuture<T> inBackground(Supplier<T> work) {
        try {
            return CompletableFuture.supplyAsync(work, executor).thenApplyAsync(result -> result);
        } catch (RejectedExecutionException _) {
            throw new StoreClosed(store);
        }
    }

    /** Runs on a platform thread: the caller's, or this one for a virtual one. */
    <T> T onPlatformThread(Supplier<T> work) {
        if (!Thread.currentThread().isVirtual()) {
            return work.get();
        }
        try {
            return CompletableFuture.supplyAsync(work, executor).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException ours) {
                throw ours;
            }
            throw e;
        } catch (RejectedExecutionException _) {
            throw new StoreClosed(store);
        }
    }

    /** Ends the work in the background, waiting for what is under way. */
    void stop() {
        executor.shutdown();
        boolean interrupted = false;
        boolean ended = false;
        while (!ended) {
            try {
                ended = executor.awaitTermination(1, TimeUnit.SECONDS);
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
