package dev.cairn.engine;

import dev.cairn.CheckpointFailed;
import dev.cairn.Durability;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.StoreClosed;
import dev.cairn.StoreFull;
import dev.cairn.SystemFailure;
import dev.cairn.checkpoint.Checkpointer;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Damages;
import dev.cairn.index.StripeLocks;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.Regions;
import dev.cairn.log.Regions.Use;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.lang.System.Logger;
import java.time.Duration;
import java.util.Comparator;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.LongPredicate;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * What a process does for a store in the background: cleaning that no writer came to do, and, unless
 * checkpoints are manual, a checkpoint when something changed, and sooner when much waits for one.
 * Every process that writes has one; they find each other's work done.
 *
 * <p>Its thread is one of the platform's, because a force holds on to the carrier of a virtual one
 * (RULE 17).
 */
final class Keeper implements Writer.Space {
    /** How often cleaning is looked for where checkpoints are manual; tests set another. */
    private static final String TICK_PROPERTY = "dev.cairn.cleaning-tick-millis";

    private static final long TICK_MILLIS = 1000;

    /** How soon it is noticed that the wall clock was set. */
    private static final Duration CLOCK_TICK = Duration.ofSeconds(1);

    /** Bytes that are copied in one hold of a stripe's lock: about 50 microseconds. */
    private static final long STEP_BYTES = 1 << 15;

    /** How often is looked for what errors left: other processes wait for it, up to their timeout. */
    private static final Duration MEND_TICK = Duration.ofSeconds(1);

    /** Times that cleaning finds others in the room that was made for it before it gives up. */
    private static final int MOST_REFUSALS = 8;

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

    /** How long a writer waits for a checkpoint that would spare the file's growth. */
    private static final long SPARING_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private static final Logger LOG = System.getLogger("dev.cairn");

    private final StoreFiles files;
    private final Parts parts;
    private final SharedMemory shared;
    private final StripeLocks stripes;
    private final Regions regions;
    private final Checkpointer checkpointer;
    private volatile boolean background;
    private final ScheduledThreadPoolExecutor executor;
    private final AtomicBoolean woken = new AtomicBoolean();

    /** RULE 27: of evacuations that may take the last regions there is one at a time. */
    private final SharedLock evacuation;

    /** The last checkpoint that this process knows of, and the allocation counter about then. */
    private volatile long seenDurable;

    private volatile long allocationsThen;

    /** Of the executor's thread alone, as the next. */
    private @Nullable String lastFailure;

    private boolean failing;
    private @Nullable Cleaner cleaner;
    private @Nullable ScheduledFuture<?> ticks;

    Keeper(StoreFiles files, Options options, Parts parts) {
        this.files = files;
        this.parts = parts;
        this.shared = parts.shared();
        this.stripes = parts.requireWriting().stripes();
        this.regions = parts.requireWriting().regions();
        this.checkpointer = parts.requireWriting().checkpointer();
        this.evacuation =
                new SharedLock(
                        shared.base(),
                        SharedLayout.EVACUATION_LOCK,
                        "the lock of evacuation",
                        parts.requireWriting().processes(),
                        parts.requireWriting().contention());
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

    /**
     * @param loading tells of a key's hash whether a thread of this process loads it
     */
    void start(Cleaner of, @Nullable Duration checkpointEvery, LongPredicate loading) {
        cleaner = of;
        noteCheckpoint();
        tickEvery(
                checkpointEvery == null
                        ? Duration.ofMillis(Long.getLong(TICK_PROPERTY, TICK_MILLIS))
                        : checkpointEvery);
        var _ = every(MEND_TICK, () -> mend(loading));
        var _ = every(CLOCK_TICK, shared.clock()::share);
    }

    private ScheduledFuture<?> every(Duration period, Runnable work) {
        long nanos = period.toNanos();
        return executor.scheduleWithFixedDelay(
                () -> unfailing(work), nanos, nanos, TimeUnit.NANOSECONDS);
    }

    private void tickEvery(Duration period) {
        ticks = every(period, this::tick);
    }

    /** Checkpoints come by themselves from now on, that often; for one thread at a time. */
    void checkpointEvery(Duration period) {
        Objects.requireNonNull(ticks).cancel(false);
        background = parts.data().header().durability() != Durability.NONE;
        Objects.requireNonNull(cleaner).cleanFor(background);
        tickEvery(period);
    }

    /** What came out of a task would end it for ever: an error even of telling about an error. */
    private void unfailing(Runnable task) {
        try {
            attempt(task);
        } catch (RuntimeException | Error _) {
            failing = true; // the next time tells
        }
    }

    /** What threads of this process left when an error left them no stack, or no memory, to mend it. */
    private void mend(LongPredicate loading) {
        for (int stripe = 0; stripe < stripes.count(); stripe++) {
            int each = stripe;
            attempt(() -> stripes.mend(each)); // one that is damaged is no matter to others
        }
        attempt(checkpointer::mend);
        attempt(parts.requireWriting().locks()::mend);
        attempt(evacuation::mend);
        attempt(() -> parts.requireWriting().claims().mend(loading));
    }

    /** Regions were claimed or died: a checkpoint now, if much waits for one. */
    @Override
    public void turnedOver() {
        if (background && muchWaits() && woken.compareAndSet(false, true)) {
            try {
                executor.execute(() -> {
                    woken.set(false);
                    noteCheckpoint(); // perhaps another process's
                    if (muchWaits()) {
                        attempt(() -> checkpoint());
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
                && waitingBytes() > bytes / WAITING_SHARE
                && bytes + regions.growthBytes() > bound()) {
            try {
                long _ =
                        onPlatformThread(
                                () -> checkpointer.checkpoint(checkpointer.need(), SPARING_NANOS));
            } catch (LockTimeout | CheckpointFailed _) {
                // a stopped holder of some stripe is no reason to refuse others: the file grows
            }
        }
    }

    private long bound() {
        long live = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            live += shared.stripe(stripe).acquire(StripeWords.LIVE_BYTES);
        }
        return live * BOUND_NUMERATOR / BOUND_DENOMINATOR + BOUND_LEAST_BYTES;
    }

    private long waitingBytes() {
        return regions.counts().waiting() * parts.data().regionBytes();
    }

    private boolean muchWaits() {
        long fresh = shared.acquire(SharedLayout.ALLOCATIONS) - allocationsThen;
        return fresh * parts.data().regionBytes() > BEHIND_BYTES
                || waitingBytes()
                        > Math.max(WAITING_LEAST_BYTES, parts.data().bytes() / WAITING_SHARE);
    }

    void tick() {
        failing = false;
        woken.set(false); // an error may have come between it and the work that it stands for
        attempt(regions.counts()::recountIfDoubted);
        clean();
        attempt(this::checkpointIfDue);
        tellDamages();
        if (!failing) {
            lastFailure = null;
        }
    }

    private void checkpointIfDue() {
        if (background
                && shared.acquire(SharedLayout.DURABLE) == seenDurable
                && checkpointer.isBehind()) {
            long _ = checkpoint();
            parts.data().file().opened().requireNamed(); // or somebody should know
        }
        noteCheckpoint(); // another process made one since the last tick: it is early for ours
    }

    private long checkpoint() {
        long epoch = checkpointer.checkpoint(checkpointer.need(), stripes.timeoutNanos());
        noteCheckpoint();
        return epoch;
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
        } catch (RuntimeException | Error e) { // or there would be no next time
            failing = true;
            if (!Objects.equals(e.getMessage(), lastFailure)) {
                LOG.log(Logger.Level.WARNING, "in the background of " + files.data(), e);
                lastFailure = e.getMessage();
            }
        }
    }

    /** Each region once: reads of it and verification tell too, but perhaps nobody does either. */
    private void tellDamages() {
        Damages damages = parts.requireWriting().damages();
        for (Damages.Damage damage = damages.next(); damage != null; damage = damages.next()) {
            LOG.log(
                    Logger.Level.WARNING,
                    "%s: the cleaning of stripe %d stops at a damaged region, and its log grows"
                            .formatted(files.data(), damage.stripe()),
                    damage.why());
        }
    }

    private void clean() {
        Cleaner by = Objects.requireNonNull(cleaner);
        for (int stripe = 0; stripe < stripes.count(); stripe++) {
            int each = stripe;
            attempt(() -> clean(by, each)); // a stopped holder of one stripe is no matter to others
        }
    }

    private void clean(Cleaner by, int stripe) {
        if (by.frontIsDue(stripe)) {
            stripes.holding(stripe, () -> by.lookAtFront(stripe));
        }
        if (by.isDue(stripe)) {
            boolean _ = clean(by, stripe, by.tolerated(stripe), by.turnEnd(stripe), Use.REMOVE);
        }
    }

    /**
     * Cleans a stripe in holds of some microseconds until it has no more garbage than that, or until
     * a region has left that others filled meanwhile; tells whether any region left.
     */
    private boolean clean(Cleaner by, int stripe, long tolerated, long turnEnd, Use use) {
        boolean freed = false;
        int refusals = 0;
        Cleaner.Progress progress = Cleaner.Progress.MORE;
        while (progress != Cleaner.Progress.IDLE
                && !by.turnIsOver(stripe, turnEnd)
                && shared.acquire(SharedLayout.FAILED) == 0) {
            progress = step(by, stripe, tolerated, use);
            freed |= progress == Cleaner.Progress.FREED;
            if (progress == Cleaner.Progress.NO_ROOM) {
                if (++refusals > MOST_REFUSALS || !makeRoom(by.regionsNeeded(stripe), use)) {
                    return freed;
                }
            } else {
                refusals = 0;
            }
        }
        return freed;
    }

    private Cleaner.Progress step(Cleaner by, int stripe, long tolerated, Use use) {
        return stripes.valueHolding(stripe, () -> by.step(stripe, STEP_BYTES, tolerated, use));
    }

    private boolean makeRoom(int needed, Use use) {
        try {
            regions.makeRoom(needed, use);
            return true;
        } catch (StoreFull | SystemFailure _) {
            return false; // whoever adds to the store is told
        }
    }

    /**
     * Cleans all stripes, those with most garbage first, until each has hardly any, and no entry that
     * has expired; where there is no room to clean in, the next may yet have some. Tells whether any
     * region was left.
     */
    private boolean cleanAll(Cleaner by, long[] turnEnds) {
        return evacuation.holding(
                stripes.timeoutNanos(),
                () -> {
                    boolean freed = false;
                    for (int stripe : mostGarbageFirst(by)) {
                        long tolerated =
                                by.mayHaveExpired(stripe) ? -1 : parts.data().regionBytes();
                        freed |= clean(by, stripe, tolerated, turnEnds[stripe], Use.EVACUATE);
                    }
                    return freed;
                });
    }

    private int[] mostGarbageFirst(Cleaner by) {
        long[] garbage = // noted once: others write while it is sorted
                IntStream.range(0, stripes.count()).mapToLong(by::garbage).toArray();
        return IntStream.range(0, stripes.count())
                .boxed()
                .sorted(Comparator.comparingLong((Integer stripe) -> garbage[stripe]).reversed())
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /**
     * Frees space when the store is full: cleans, and makes a checkpoint if they come by themselves.
     * In a store with hardly any room each evacuation waits for a checkpoint, and only a whole turn of
     * the chain may give a region; what is not done in time is gone on with by the next that asks.
     *
     * @return whether there is more than before
     */
    @Override
    public boolean reclaim() {
        return onPlatformThread(() -> {
            checkpointer.dropDeadPins();
            long before = available();
            cleanInTurns(background, () -> available() > before);
            return available() > before;
        });
    }

    /** Cleans all that can be cleaned in a turn of the chain, with checkpoints where it needs them. */
    void cleanThoroughly() {
        cleanInTurns(parts.data().header().durability() != Durability.NONE, () -> false);
    }

    @Override
    public long squeeze(int stripe, LongSupplier attempt) {
        return onPlatformThread(() -> squeezed(stripe, attempt));
    }

    /**
     * Tries, and evacuates one region of the stripe, in turns; neither without a free region, or what
     * is to be replaced might leave the oldest region before the write can have its place. A
     * checkpoint frees what was evacuated, if they come by themselves.
     */
    private long squeezed(int stripe, LongSupplier attempt) {
        Cleaner by = Objects.requireNonNull(cleaner);
        long deadline = Steps.nanoTime() + stripes.timeoutNanos();
        long turnEnd = by.turnEnd(stripe);
        boolean moved = true;
        while (true) {
            Squeeze last =
                    evacuation.holding(
                            stripes.timeoutNanos(),
                            () -> squeezeOnce(by, stripe, attempt, turnEnd));
            boolean out = !last.freed && !moved || Steps.nanoTime() - deadline > 0;
            if (last.result != Writer.NO_REGION || out) {
                return last.result;
            }
            moved = last.freed;
            if (!last.freed && !makeRoom(1, Use.EVACUATE) && background) {
                long _ = checkpoint();
            }
        }
    }

    /** What came of an attempt, and whether a region was freed for the next one. */
    private record Squeeze(long result, boolean freed) {}

    private Squeeze squeezeOnce(Cleaner by, int stripe, LongSupplier attempt, long turnEnd) {
        if (regions.counts().free() == 0) {
            return new Squeeze(Writer.NO_REGION, false);
        }
        long result = attempt.getAsLong();
        boolean freed =
                result == Writer.NO_REGION
                        && !by.turnIsOver(stripe, turnEnd)
                        && step(by, stripe, -1, Use.EVACUATE) == Cleaner.Progress.FREED;
        return new Squeeze(result, freed);
    }

    private void cleanInTurns(boolean checkpoints, BooleanSupplier enough) {
        long deadline = Steps.nanoTime() + stripes.timeoutNanos();
        Cleaner by = Objects.requireNonNull(cleaner);
        long[] turnEnds = IntStream.range(0, stripes.count()).mapToLong(by::turnEnd).toArray();
        boolean freed = true;
        while (freed && !enough.getAsBoolean() && Steps.nanoTime() - deadline < 0) {
            freed = cleanAll(by, turnEnds);
            if (checkpoints) {
                long _ = checkpoint();
            }
        }
    }

    private long available() {
        return regions.counts().free() + regions.counts().holes();
    }

    /**
     * Runs on the keeper's thread. What the caller hangs on the result runs elsewhere: it may close
     * the store, which waits for that thread.
     */
    <T> CompletableFuture<T> inBackground(Supplier<T> work) {
        try {
            return CompletableFuture.supplyAsync(work, executor).thenApplyAsync(result -> result);
        } catch (RejectedExecutionException _) {
            throw new StoreClosed(files.data());
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

    /** Waits for a thread of this process that cleans a full store, and lets no more begin. */
    void retire() {
        evacuation.retire();
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
