package dev.cairn.engine;

import dev.cairn.CairnException;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.StoreClosed;
import dev.cairn.StoreFull;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.index.StripeLocks;
import dev.cairn.log.Regions;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * What a process does for a store in the background: cleaning that no writer came to do, and, unless
 * checkpoints are manual, a checkpoint when something changed, and sooner when much waits for one.
 * Every process that writes has one; they find each other's work done.
 *
 * <p>Its thread is one of the platform's, because a force holds on to the carrier of a virtual one
 * (RULE 17).
 */
final class Keeper implements Writer.Space {
    /** How often cleaning is looked for where checkpoints are manual. */
    private static final Duration LONGEST_TICK = Duration.ofSeconds(1);

    /** Bytes that are copied in one hold of a stripe's lock: about 50 microseconds. */
    private static final long STEP_BYTES = 1 << 15;

    /** Of the file, beyond which the dead regions that wait for a checkpoint get one at once. */
    private static final int WAITING_SHARE = 8;

    private static final long WAITING_LEAST_BYTES = 4L << 20;

    /**
     * Bytes of new regions that get a checkpoint at once: opening reads what is behind the last one
     * again after a kill of all processes, at some gigabytes a second.
     */
    private static final long BEHIND_BYTES = 32L << 20;

    /** The file may have 2.5 times its live bytes, and these besides. */
    private static final int BOUND_NUMERATOR = 5;

    private static final int BOUND_DENOMINATOR = 2;
    private static final long BOUND_LEAST_BYTES = 8L << 20;

    private static final Logger LOG = System.getLogger("dev.cairn");

    private final StoreFiles files;
    private final Parts parts;
    private final SharedMemory shared;
    private final StripeLocks stripes;
    private final Regions regions;
    private final Checkpointer checkpointer;
    private final boolean background;
    private final ScheduledThreadPoolExecutor executor;
    private final AtomicBoolean woken = new AtomicBoolean();
    private final Object reclaiming = new Object();

    /** The last checkpoint that this thread knows of, and the allocation counter about then. */
    private long seenDurable;

    private volatile long allocationsThen;

    private @Nullable String lastFailure;
    private @Nullable Cleaner cleaner;

    Keeper(StoreFiles files, Options options, Parts parts) {
        this.files = files;
        this.parts = parts;
        this.shared = parts.shared();
        this.stripes = parts.requireWriting().stripes();
        this.regions = parts.requireWriting().regions();
        this.checkpointer = parts.requireWriting().checkpointer();
        this.background = inBackground(options, parts.data().header());
        this.executor =
                new ScheduledThreadPoolExecutor(
                        1,
                        Thread.ofPlatform()
                                .daemon()
                                .name("cairn-keeper-" + files.data().getFileName())
                                .factory());
        executor.setRemoveOnCancelPolicy(true);
    }

    /** Whether checkpoints come by themselves; a store of class NONE has none. */
    static boolean inBackground(Options options, DataHeader header) {
        return options.checkpointEvery() != null && header.durability() != Durability.NONE;
    }

    void start(Cleaner of, @Nullable Duration checkpointEvery) {
        cleaner = of;
        noteCheckpoint();
        Duration tick = checkpointEvery == null ? LONGEST_TICK : checkpointEvery;
        var _ =
                executor.scheduleWithFixedDelay(
                        this::tick, tick.toNanos(), tick.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Regions were claimed or died: a checkpoint now, if much waits for one. */
    @Override
    public void turnedOver() {
        if (background && muchWaits() && woken.compareAndSet(false, true)) {
            try {
                executor.execute(() -> {
                    woken.set(false);
                    if (muchWaits()) {
                        attempt(this::checkpoint);
                    }
                });
            } catch (RejectedExecutionException _) {
                // the store is being closed, which makes a checkpoint of its own
            }
        }
    }

    /**
     * Before the file grows: where that would make it larger than the bound, and dead regions wait, a
     * checkpoint that frees them comes first. Only a writer that is faster than the disk meets this.
     */
    @Override
    public void keepWithinBound() {
        long bytes = parts.data().bytes();
        if (background
                && regions.waitingBytes() > bytes / WAITING_SHARE
                && bytes + regions.growthBytes() > bound()) {
            checkpoint();
        }
    }

    private long bound() {
        long live = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            live += shared.stripe(stripe).acquire(StripeWords.LIVE_BYTES);
        }
        return live * BOUND_NUMERATOR / BOUND_DENOMINATOR + BOUND_LEAST_BYTES;
    }

    private boolean muchWaits() {
        long fresh = shared.acquire(SharedLayout.ALLOCATIONS) - allocationsThen;
        return fresh * parts.data().regionBytes() > BEHIND_BYTES
                || regions.waitingBytes()
                        > Math.max(WAITING_LEAST_BYTES, parts.data().bytes() / WAITING_SHARE);
    }

    private void tick() {
        attempt(this::clean);
        if (background
                && shared.acquire(SharedLayout.DURABLE) == seenDurable
                && checkpointer.isBehind()) {
            attempt(this::checkpoint);
        }
        noteCheckpoint(); // another process made one since the last tick: it is early for ours
    }

    private void checkpoint() {
        long _ = checkpointer.checkpoint(checkpointer.need());
        noteCheckpoint();
    }

    private void noteCheckpoint() {
        long durable = shared.acquire(SharedLayout.DURABLE);
        if (durable != seenDurable) {
            seenDurable = durable;
            allocationsThen = shared.acquire(SharedLayout.ALLOCATIONS);
        }
    }

    /** What fails here fails for whoever asks for it too, and is tried again; told once. */
    private void attempt(Runnable work) {
        try {
            work.run();
            lastFailure = null;
        } catch (CairnException
                | IllegalStateException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | InternalError e) {
            if (!Objects.equals(e.getMessage(), lastFailure)) {
                lastFailure = e.getMessage();
                LOG.log(Logger.Level.WARNING, "in the background of " + files.data(), e);
            }
        }
    }

    private void clean() {
        Cleaner by = Objects.requireNonNull(cleaner);
        for (int stripe = 0; stripe < stripes.count(); stripe++) {
            if (by.garbage(stripe) > by.tolerated(stripe)) {
                clean(by, stripe, by.tolerated(stripe));
            }
        }
    }

    /** Cleans a stripe in holds of some microseconds until it has no more garbage than that. */
    private void clean(Cleaner by, int stripe, long tolerated) {
        Cleaner.Progress progress;
        do {
            if (shared.acquire(SharedLayout.FAILED) != 0) {
                return;
            }
            stripes.acquire(stripe);
            boolean whole = false;
            try {
                progress = by.step(stripe, STEP_BYTES, tolerated);
                whole = true;
            } finally {
                if (whole) {
                    stripes.release(stripe);
                } else {
                    stripes.repairAndRelease(stripe);
                }
            }
            if (progress == Cleaner.Progress.NO_ROOM) {
                regions.makeRoom(1, true);
            }
        } while (progress != Cleaner.Progress.IDLE);
    }

    /** Cleans all stripes until each has hardly any garbage. */
    void cleanAll() {
        Cleaner by = Objects.requireNonNull(cleaner);
        for (int stripe = 0; stripe < stripes.count(); stripe++) {
            clean(by, stripe, parts.data().regionBytes());
        }
    }

    /**
     * Frees space when the store is full: cleans, and makes a checkpoint if they come by themselves.
     *
     * @return whether there is more than before
     */
    @Override
    public boolean reclaim() {
        synchronized (reclaiming) {
            long before = regions.census().free();
            try {
                cleanAll();
            } catch (StoreFull _) {
                // no room to clean in: what waits for a checkpoint is still to be had
            }
            if (background && regions.census().waiting() > 0) {
                checkpointer.checkpoint(checkpointer.need());
            }
            return regions.census().free() > before;
        }
    }

    /** Runs on a platform thread: this one, or the keeper's for a virtual one. */
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
            throw new StoreClosed(files.data());
        }
    }

    /** Ends the work in the background, waiting for what is under way. */
    void stop() {
        executor.close();
    }
}
