package dev.cairn.engine;

import dev.cairn.CheckpointFailed;
import dev.cairn.Durability;
import dev.cairn.LockTimeout;
import dev.cairn.StoreFull;
import dev.cairn.SystemFailure;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.DataFile;
import dev.cairn.log.Draft;
import dev.cairn.log.Regions;
import dev.cairn.log.Regions.Use;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;
import dev.cairn.stripe.Cleaning;
import dev.cairn.stripe.Stripe;
import dev.cairn.stripe.Stripes;

import org.jspecify.annotations.Nullable;

import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import java.util.stream.StreamSupport;

/**
 * Provides room in the data file. It keeps the file within its bound and, if the file may not grow,
 * frees regions by cleaning and checkpoints. It holds no stripe's lock meanwhile (RULE 13).
 */
final class Space {
    /**
     * How many bytes are copied in one hold of a stripe's lock, which takes about 50 microseconds.
     */
    private static final long STEP_BYTES = 1 << 15;

    /** How many times cleaning may find its room taken by others before it gives up. */
    private static final int MOST_REFUSALS = 8;

    /**
     * The fraction of the file beyond which the dead regions that wait for a checkpoint get one at
     * once, in the background. It is made early, so that it is done before a writer needs the
     * regions.
     */
    private static final int WAITING_SHARE = 16;

    /**
     * The fraction of the file beyond which a writer makes that checkpoint itself before it lets
     * the file grow.
     */
    private static final int SPARING_SHARE = 8;

    private static final long WAITING_LEAST_BYTES = 4L << 20;

    /**
     * How many bytes of new regions cause a checkpoint at once. After a kill of all processes, an
     * opening reads what lies behind the last checkpoint again, at some gigabytes a second.
     */
    private static final long BEHIND_BYTES = 32L << 20;

    /** The file may have three times its live bytes, and these besides. */
    private static final int BOUND_TIMES = 3;

    private static final long BOUND_LEAST_BYTES = 8L << 20;

    /** How long a writer waits for a checkpoint that would keep the file from growing. */
    private static final long SPARING_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private final DataFile data;
    private final SharedMemory shared;
    private final Stripes stripes;
    private final Regions regions;
    private final Checkpoints checkpoints;
    private final MaintenanceThread thread;
    private final AtomicBoolean woken = new AtomicBoolean();

    /** How many times a writer waited for a checkpoint that kept the file from growing. */
    private final LongAdder checkpointWaits = new LongAdder();

    /** Whether the file may be extended ahead, as far as is known in this second. */
    private volatile boolean roomAhead = true;

    /** Null if the store does not evict. */
    private final @Nullable Evictor evictor;

    /** RULE 27: only one evacuation at a time may take the last free regions. */
    private final SharedLock evacuation;

    Space(Writing writing, Checkpoints checkpoints, MaintenanceThread thread) {
        this.data = writing.mapped().data();
        this.shared = writing.mapped().shared();
        this.stripes = writing.stripes();
        this.regions = writing.regions();
        this.checkpoints = checkpoints;
        this.thread = thread;
        this.evacuation =
                new SharedLock(
                        shared.base(),
                        SharedLayout.EVACUATION_LOCK,
                        "the lock of evacuation",
                        writing.processes(),
                        writing.contention());
        this.evictor =
                data.header().cache().evicts()
                        ? new Evictor(writing, checkpoints, thread, evacuation)
                        : null;
    }

    /**
     * Refuses an entry for which there can be no room.
     *
     * @throws IllegalArgumentException if too much would have to be evicted for it
     */
    void requireFitting(Draft draft) {
        if (evictor != null) {
            evictor.requireFitting(draft);
        }
    }

    /** Notes that this many bytes were written. The caller holds no stripe's lock. */
    void wrote(long bytes) {
        if (evictor != null) {
            evictor.wrote(bytes);
        }
    }

    /**
     * Does the work of one period. An error may have come after the word that work is under way and
     * before that work.
     */
    void tick() {
        woken.set(false);
        if (evictor != null) {
            thread.attempt(evictor::makeRoomAhead);
        }
    }

    /**
     * How many times a writer of this process waited for a checkpoint so that the file need not
     * grow.
     */
    long checkpointWaits() {
        return checkpointWaits.sum();
    }

    /** Repairs what errors left in this process. */
    void mend() {
        roomAhead = true;
        evacuation.mend();
    }

    /** Waits for a thread of this process that cleans a full store, and lets no more begin. */
    void retire() {
        evacuation.retire();
    }

    /**
     * Reacts to regions that were claimed or died: makes room ahead, or a checkpoint now if much
     * waits for one.
     */
    void turnedOver() {
        if ((checkpointIsDue() || roomAhead && regions.runShort())
                && woken.compareAndSet(false, true)) {
            thread.soon(() -> {
                woken.set(false);
                thread.attempt(this::makeRoomAhead);
                checkpoints.note(); // it may be another process's
                if (checkpointIsDue()) {
                    thread.attempt(() -> {
                        long _ = checkpoints.make();
                    });
                }
            });
        }
    }

    /**
     * Extends the file, within the bound, before a writer must. If that fails, it tries once a
     * second.
     */
    private void makeRoomAhead() {
        if (roomAhead && regions.runShort()) {
            roomAhead = false;
            try {
                roomAhead = regions.makeRoomAhead(bound());
            } catch (StoreFull | SystemFailure _) {
                // the writer that needs the room is told
            }
        }
    }

    private boolean checkpointIsDue() {
        return checkpoints.unasked() && muchWaits();
    }

    private boolean muchWaits() {
        return checkpoints.claimedSince() * data.regionBytes() > BEHIND_BYTES
                || waitingBytes() > mostWaiting();
    }

    private long mostWaiting() {
        return evictor != null
                ? regions.most() / Evictor.WAITING_SHARE * data.regionBytes()
                : Math.max(WAITING_LEAST_BYTES, data.bytes() / WAITING_SHARE);
    }

    private long waitingBytes() {
        return regions.counts().waiting() * data.regionBytes();
    }

    /**
     * Makes room for a write: in the file or, if that is full, by cleaning and a checkpoint.
     *
     * @return false if these give no room
     */
    boolean makeRoom(int needed, Use use) {
        if (evictor != null) {
            return evictor.makeRoom(needed, use);
        }
        keepWithinBound();
        while (true) {
            try {
                regions.makeRoom(needed, use);
                return true;
            } catch (StoreFull | SystemFailure _) { // the caller asks again before it gives up
                if (!reclaim()) {
                    return false;
                }
            }
        }
    }

    /** Throws an exception that names what would help, unless there is room now. */
    void requireRoom(int needed, Use use) {
        regions.makeRoom(needed, use);
    }

    /**
     * Is called before the file grows. If that would make the file larger than the bound, and dead
     * regions wait, a checkpoint that frees them comes first. Only writers that are faster than the
     * disk get here.
     */
    private void keepWithinBound() {
        long bytes = data.bytes();
        if (checkpoints.unasked()
                && waitingBytes() > bytes / SPARING_SHARE
                && bytes + regions.growthBytes() > bound()) {
            checkpointWaits.increment();
            try {
                long _ = thread.onPlatformThread(() -> checkpoints.makeWithin(SPARING_NANOS));
            } catch (LockTimeout | CheckpointFailed _) {
                // a stopped holder of a stripe is no reason to refuse others: the file grows
            }
        }
    }

    private long bound() {
        long live = 0;
        for (Stripe stripe : stripes) {
            live += stripe.words().acquire(StripeWords.LIVE_BYTES);
        }
        return live * BOUND_TIMES + BOUND_LEAST_BYTES;
    }

    /**
     * Frees space when the store is full: cleans, and makes a checkpoint if they are made in the
     * background. If the store has hardly any room, each evacuation waits for a checkpoint, and
     * only a whole turn of the chain may free a region. What is not done in time, the next caller
     * continues.
     *
     * @return whether there is more room than before
     */
    private boolean reclaim() {
        return thread.onPlatformThread(() -> {
            checkpoints.dropDeadPins();
            long before = available();
            cleanInTurns(checkpoints.unasked(), () -> available() > before);
            return available() > before;
        });
    }

    /**
     * Cleans all that can be cleaned in a turn of the chain, with checkpoints where it needs them.
     */
    void cleanThoroughly() {
        cleanInTurns(data.header().durability() != Durability.NONE, () -> false);
    }

    private void cleanInTurns(boolean withCheckpoints, BooleanSupplier enough) {
        long deadline = Steps.nanoTime() + stripes.timeoutNanos();
        long[] turnEnds = ofEach(stripe -> stripe.cleaning().turnEnd());
        boolean freed = true;
        while (freed && !enough.getAsBoolean() && Steps.nanoTime() - deadline < 0) {
            freed = cleanAll(turnEnds);
            if (withCheckpoints) {
                long _ = checkpoints.make();
            }
        }
    }

    private long available() {
        return regions.counts().free() + regions.counts().holes();
    }

    /**
     * Cleans all stripes, those with most garbage first, until each has hardly any, and no expired
     * entries. If there is no room to clean one stripe, there may yet be some for the next. It
     * returns whether any region left a log.
     */
    private boolean cleanAll(long[] turnEnds) {
        return evacuation.holding(
                stripes.timeoutNanos(),
                () -> {
                    boolean freed = false;
                    for (Stripe stripe : mostGarbageFirst()) {
                        long tolerated =
                                stripe.cleaning().mayHaveExpired() ? -1 : data.regionBytes();
                        freed |= clean(stripe, tolerated, turnEnds[stripe.number()], Use.EVACUATE);
                    }
                    return freed;
                });
    }

    private List<Stripe> mostGarbageFirst() {
        long[] garbage = // noted once: others write while it is sorted
                ofEach(stripe -> stripe.cleaning().garbage());
        return StreamSupport.stream(stripes.spliterator(), false)
                .sorted(
                        Comparator.comparingLong((Stripe stripe) -> garbage[stripe.number()])
                                .reversed())
                .toList();
    }

    private long[] ofEach(ToLongFunction<Stripe> what) {
        return StreamSupport.stream(stripes.spliterator(), false).mapToLong(what).toArray();
    }

    /**
     * Cleans a stripe in holds of some microseconds. It stops when the stripe has no more garbage
     * than tolerated, or when a region has left that others filled meanwhile. It returns whether
     * any region left.
     */
    boolean clean(Stripe stripe, long tolerated, long turnEnd, Use use) {
        boolean freed = false;
        int refusals = 0;
        Cleaning.Progress progress = Cleaning.Progress.MORE;
        while (progress != Cleaning.Progress.IDLE
                && !stripe.cleaning().turnIsOver(turnEnd)
                && shared.acquire(SharedLayout.FAILED) == 0) {
            progress = step(stripe, tolerated, use);
            freed |= progress == Cleaning.Progress.FREED;
            if (progress == Cleaning.Progress.NO_ROOM) {
                if (++refusals > MOST_REFUSALS
                        || !hasRoom(stripe.cleaning().regionsNeeded(), use)) {
                    return freed;
                }
            } else {
                refusals = 0;
            }
        }
        return freed;
    }

    private static Cleaning.Progress step(Stripe stripe, long tolerated, Use use) {
        return stripe.valueHolding(() -> stripe.cleaning().step(STEP_BYTES, tolerated, use));
    }

    private boolean hasRoom(int needed, Use use) {
        try {
            regions.makeRoom(needed, use);
            return true;
        } catch (StoreFull | SystemFailure _) {
            return false; // a caller that adds to the store is told
        }
    }

    /**
     * Lets a write to a stripe use the last free regions, one write at a time in all processes, and
     * cleans the stripe for it, for one turn of the chain.
     *
     * @param attempt {@link Stripe#NO_REGION} if the stripe must be cleaned further for it, {@link
     *     Stripe#REFUSED} if that does not help
     */
    long squeeze(Stripe stripe, LongSupplier attempt) {
        if (evictor != null) {
            return Stripe.REFUSED; // all that can be evicted is gone
        }
        return thread.onPlatformThread(() -> squeezed(stripe, attempt));
    }

    /**
     * Alternates between an attempt and the evacuation of one region of the stripe. It does neither
     * without a free region: otherwise what is to be replaced might leave the oldest region before
     * the write can have its place. A checkpoint frees what was evacuated, if they are made in the
     * background.
     */
    private long squeezed(Stripe stripe, LongSupplier attempt) {
        long deadline = Steps.nanoTime() + stripes.timeoutNanos();
        long turnEnd = stripe.cleaning().turnEnd();
        boolean moved = true;
        while (true) {
            Squeeze last =
                    evacuation.holding(
                            stripes.timeoutNanos(), () -> squeezeOnce(stripe, attempt, turnEnd));
            boolean out = !last.freed && !moved || Steps.nanoTime() - deadline > 0;
            if (last.result != Stripe.NO_REGION || out) {
                return last.result;
            }
            moved = last.freed;
            if (!last.freed && !hasRoom(1, Use.EVACUATE) && checkpoints.unasked()) {
                long _ = checkpoints.make();
                boolean _ = hasRoom(1, Use.EVACUATE); // counts anew what another's checkpoint freed
            }
        }
    }

    /** The result of an attempt, and whether a region was freed for the next one. */
    private record Squeeze(long result, boolean freed) {}

    private Squeeze squeezeOnce(Stripe stripe, LongSupplier attempt, long turnEnd) {
        if (regions.counts().free() == 0) {
            return new Squeeze(Stripe.NO_REGION, false);
        }
        long result = attempt.getAsLong();
        boolean freed =
                result == Stripe.NO_REGION
                        && !stripe.cleaning().turnIsOver(turnEnd)
                        && step(stripe, -1, Use.EVACUATE) == Cleaning.Progress.FREED;
        return new Squeeze(result, freed);
    }
}
