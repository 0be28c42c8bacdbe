package dev.cairn.engine;

import dev.cairn.CheckpointFailed;
import dev.cairn.StoreClosed;
import dev.cairn.events.StoreLog;

import org.jspecify.annotations.Nullable;

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
 * The thread on which a process works for a store in the background. It is a platform thread,
 * because a force would block the carrier of a virtual one (RULE 17).
 */
final class MaintenanceThread {
    private final Path store;
    private final StoreLog log;
    private final Troubles troubles;
    private final ScheduledThreadPoolExecutor executor;

    /** Used by the executor's thread alone, as the next field. */
    private @Nullable String lastFailure;

    private boolean failing;

    MaintenanceThread(Path store, StoreLog log, Troubles troubles) {
        this.store = store;
        this.log = log;
        this.troubles = troubles;
        this.executor =
                new ScheduledThreadPoolExecutor(
                        1,
                        Thread.ofPlatform()
                                .daemon()
                                .name("cairn-maintenance-" + store.getFileName())
                                .factory());
        executor.setRemoveOnCancelPolicy(true);
    }

    ScheduledFuture<?> every(Duration period, Runnable work) {
        long nanos = period.toNanos();
        return executor.scheduleWithFixedDelay(
                () -> unfailing(work), nanos, nanos, TimeUnit.NANOSECONDS);
    }

    /**
     * Catches what a task throws, which would end the task for ever, even an error while an error
     * is reported.
     */
    private void unfailing(Runnable task) {
        try {
            attempt(task);
        } catch (RuntimeException | Error _) {
            failing = true; // the next attempt reports it
        }
    }

    /**
     * Attempts work. If it fails, it also fails for callers that ask for it, and is tried again;
     * the failure is logged once.
     */
    void attempt(Runnable work) {
        try {
            work.run();
        } catch (CheckpointFailed e) {
            failing = true;
            troubles.checkpointFailed(e);
        } catch (RuntimeException | Error e) { // otherwise there would be no next time
            failing = true;
            if (!Objects.equals(e.getMessage(), lastFailure)) {
                log.warn("work in the background failed; it is tried again in each period", e);
                lastFailure = e.getMessage();
            }
        }
    }

    /**
     * Attempts several things. If none fails, the next failure is logged even if it is the same as
     * the last one.
     */
    void attemptAll(Runnable attempts) {
        failing = false;
        attempts.run();
        if (!failing) {
            lastFailure = null;
        }
    }

    /** Schedules work to be done soon, unless the store is being closed. */
    void soon(Runnable work) {
        try {
            executor.execute(work);
        } catch (RejectedExecutionException _) {
            // closing makes its own checkpoint
        }
    }

    /**
     * Runs work on this thread. Actions that depend on the result run on another thread: they may
     * close the store, which waits for this thread.
     */
    <T> CompletableFuture<T> inBackground(Supplier<T> work) {
        try {
            return CompletableFuture.supplyAsync(work, executor).thenApplyAsync(result -> result);
        } catch (RejectedExecutionException _) {
            throw new StoreClosed(store);
        }
    }

    /**
     * Runs work on a platform thread: on the caller's thread, or on this one if that is virtual.
     */
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

    /** Ends the background work, and waits for what is under way. */
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
