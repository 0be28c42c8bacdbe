package dev.cairn.engine;

import dev.cairn.Durability;
import dev.cairn.StoreFull;
import dev.cairn.SystemFailure;
import dev.cairn.format.RecordLayout;
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
import dev.cairn.stripe.Cleaning.Progress;
import dev.cairn.stripe.Stripe;
import dev.cairn.stripe.Stripes;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/*
 * Actors    writers, after their own write and without a stripe's lock; the maintenance threads of all processes.
 * Steps     E3 if too few regions can be claimed: the victim is the oldest region of all stripes
 *           E4 with its stripe's lock, unless another thread has it: a window of it is judged, and what
 *              is kept moves to the tail, as in E1
 *           E5 when all of it is judged: it leaves, as in E2, and its other entries with it
 *           E6 when nothing can be claimed any more: E4 and E5 in one hold, by one process at a time,
 *              with the last free regions (RULE 27)
 * Why the oldest of all
 *           If each writer evicted from its own stripe, nothing would balance the stripes' shares, and
 *           they would drift apart. Allocation numbers order all regions by age.
 * Why it ends
 *           An evacuation keeps nine tenths of a region at most, so each gives room. It claims at most
 *           one region, as what it keeps fitted into one, and frees one. A thread that finds no room in
 *           E6 has evacuated all but the tails; or it makes a checkpoint; or it waits for a backup, whose
 *           pin keeps what is evacuated.
 * If a process dies here
 *           The next process that judges the region goes on where it stopped: see stripe.Policy. E5 is
 *           one commit, which the next holder of the lock completes.
 */
/** Keeps a store that evicts within its bound, a little ahead of the writers that need room. */
final class Evictor {
    /** This fraction of the regions can be claimed, or is made so ahead. */
    private static final int AHEAD_SHARE = 64;

    private static final int LEAST_AHEAD = 6;

    /** This fraction of the regions may wait for a checkpoint. */
    static final int WAITING_SHARE = 32;

    /**
     * How many bytes are judged for each byte that is written. Three are needed if two of them are
     * kept, and a step may judge as little as half of its budget.
     */
    private static final int PACE = 6;

    /** How many bytes are judged in a step. */
    private static final long STEP_BYTES = 4096;

    /**
     * How many twentieths of a region's bytes are kept at most; half as many if regions run out.
     */
    private static final int KEPT_TWENTIETHS = 19;

    private static final int SCARCE_REGIONS = 3;

    /** How many times an evacuation may find its room taken by others before it gives up. */
    private static final int MOST_REFUSALS = 8;

    /** How long to wait for a backup before looking again. */
    private static final long PINNED_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /** The greatest fraction of the store that one entry may take. */
    private static final int LARGEST_SHARE = 8;

    private final DataFile data;
    private final SharedMemory shared;
    private final Stripes stripes;
    private final Regions regions;
    private final Checkpoints checkpoints;
    private final MaintenanceThread thread;
    private final SharedLock evacuation;
    private final boolean durable;

    /** Whether the file could be extended at the last try in this second. */
    private volatile boolean mayGrow = true;

    /**
     * How many bytes are to be judged for what was written. It is not exact: concurrent threads may
     * lose some.
     */
    private long owed;

    /** The oldest region, as far as this process knows. */
    private @Nullable Victim victim;

    private record Victim(Stripe stripe, long number) {}

    Evictor(
            Writing writing,
            Checkpoints checkpoints,
            MaintenanceThread thread,
            SharedLock evacuation) {
        this.data = writing.mapped().data();
        this.shared = writing.mapped().shared();
        this.stripes = writing.stripes();
        this.regions = writing.regions();
        this.checkpoints = checkpoints;
        this.thread = thread;
        this.evacuation = evacuation;
        this.durable = data.header().durability() != Durability.NONE;
    }

    /**
     * Refuses an entry for which too much of the store would have to be evicted. It also refuses an
     * entry whose key does not lie in its record: its tombstone would need as much room as its
     * eviction gives.
     *
     * @throws IllegalArgumentException if it is such an entry
     */
    void requireFitting(Draft draft) {
        if (draft.kind() != RecordLayout.PUT) {
            return;
        }
        if ((draft.flags() & RecordLayout.KEY_IN_RUN) != 0) {
            throw new IllegalArgumentException(
                    "%s: the key has %d bytes; a cache with regions of %d takes keys of a quarter of that"
                            .formatted(data.path(), draft.key().length, data.regionBytes()));
        }
        long bytes = draft.liveBytes(data.regionBytes());
        long most = data.header().cache().maxBytes() / LARGEST_SHARE;
        if (bytes > most) {
            throw new IllegalArgumentException(
                    ("%s: the entry takes %d bytes; a store that evicts, with maxBytes"
                                    + " %d, takes entries of at most %d bytes")
                            .formatted(data.path(), bytes, data.header().cache().maxBytes(), most));
        }
    }

    /**
     * Notes that this many bytes were written. The writer pays for them by judging in small steps.
     */
    void wrote(long bytes) {
        if (!isDue()) {
            return;
        }
        long due = owed + bytes * PACE;
        if (due < STEP_BYTES) {
            owed = due;
        } else {
            owed = 0;
            Progress _ = step(due - STEP_BYTES);
        }
    }

    /** Makes the room in the background for which no writer came. */
    void makeRoomAhead() {
        mayGrow = true;
        Progress last = Progress.MORE;
        while (isDue() && (last == Progress.MORE || last == Progress.FREED)) {
            last = step(STEP_BYTES);
        }
    }

    /**
     * Whether too few regions can be claimed, even when those that wait for a checkpoint are free.
     */
    private boolean isDue() {
        long most = regions.most();
        long ahead = Math.max(LEAST_AHEAD, most / AHEAD_SHARE);
        long waiting = durable ? regions.counts().waiting() : 0;
        long wanted = ahead + (durable ? most / WAITING_SHARE : 0);
        return regions.claimable(mayGrow) + waiting < wanted && !isPinned();
    }

    /**
     * Whether a backup keeps what is evacuated, so that evacuation gives nothing until the backup
     * is done.
     */
    private boolean isPinned() {
        return durable && regions.counts().pinned();
    }

    private Progress step(long budget) { // E3
        Victim next = victim;
        if (next == null || next.number != oldestNumber(next.stripe)) {
            next = oldestAfter(-1);
        }
        Progress[] progress = {Progress.IDLE};
        while (next != null && shared.acquire(SharedLayout.FAILED) == 0) {
            victim = next;
            Stripe stripe = next.stripe;
            boolean done =
                    stripe.tryHolding(
                            () -> // E4
                            progress[0] = stripe.cleaning().evict(budget, Use.REMOVE, most()));
            if (done && progress[0] != Progress.IDLE) {
                if (progress[0] == Progress.NO_ROOM) {
                    boolean _ = hasRoom(stripe, Use.REMOVE);
                }
                return progress[0];
            }
            // another thread has the lock, or the region is damaged
            next = oldestAfter(next.number);
        }
        return Progress.IDLE;
    }

    private long most() {
        long bytes = data.regionBytes();
        return regions.claimable(mayGrow) < SCARCE_REGIONS
                ? bytes / 2
                : bytes / 20 * KEPT_TWENTIETHS;
    }

    private static long oldestNumber(Stripe stripe) {
        return stripe.words().acquire(StripeWords.OLDEST_NUMBER);
    }

    /**
     * The oldest of the stripes' oldest regions that is younger than that number and is not a tail.
     */
    private @Nullable Victim oldestAfter(long number) {
        Stripe oldest = null;
        long least = Long.MAX_VALUE;
        for (Stripe stripe : stripes) {
            long its = oldestNumber(stripe);
            if (its > number
                    && its < least
                    && its != stripe.words().acquire(StripeWords.TAIL_NUMBER)) {
                oldest = stripe;
                least = its;
            }
        }
        return oldest == null ? null : new Victim(oldest, least);
    }

    /**
     * Makes room for a write.
     *
     * @return false if eviction and a checkpoint give no more
     */
    boolean makeRoom(int needed, Use use) {
        long deadline = Steps.nanoTime() + stripes.timeoutNanos();
        boolean more = true;
        while (more && Steps.nanoTime() - deadline < 0) {
            try {
                regions.makeRoom(needed, use);
                return true;
            } catch (StoreFull | SystemFailure _) {
                // if there is no room in the end, the caller is told
                mayGrow = false;
                more = thread.onPlatformThread(this::freeOne);
            }
        }
        return false;
    }

    /**
     * Frees a region, by a checkpoint if one waits for it; or waits briefly for a backup. It
     * returns whether there may be more room than before.
     */
    private boolean freeOne() {
        checkpoints.dropDeadPins();
        if (durable && regions.counts().waiting() > 0) {
            long _ = checkpoints.make();
            return true;
        }
        if (isPinned()) {
            LockSupport.parkNanos(Steps.pause(PINNED_NANOS));
            return true;
        }
        return evacuation.holding(stripes.timeoutNanos(), this::evacuateOne); // E6
    }

    /** Evacuates one region; waits for a stripe's lock only if no other stripe gives a region. */
    private boolean evacuateOne() {
        Progress[] progress = {Progress.IDLE};
        for (Victim next = oldestAfter(-1); next != null; next = oldestAfter(next.number)) {
            Cleaning cleaning = next.stripe.cleaning();
            boolean _ =
                    next.stripe.tryHolding(
                            () -> progress[0] = cleaning.evict(0, Use.EVACUATE, most()));
            if (progress[0] == Progress.FREED) {
                return true;
            }
        }
        return evacuateHeld() || evacuateTail();
    }

    private boolean evacuateHeld() {
        for (Victim next = oldestAfter(-1); next != null; next = oldestAfter(next.number)) {
            Stripe stripe = next.stripe;
            Progress progress;
            int refusals = 0;
            do {
                progress =
                        stripe.valueHolding(() -> stripe.cleaning().evict(0, Use.EVACUATE, most()));
                if (progress == Progress.FREED) {
                    return true;
                }
            } while (progress == Progress.MORE
                    || progress == Progress.NO_ROOM
                            && ++refusals <= MOST_REFUSALS
                            && hasRoom(stripe, Use.EVACUATE));
        }
        return false;
    }

    /** Makes sure that a copy which found no room gets some: free regions may lack blocks. */
    private boolean hasRoom(Stripe stripe, Use use) {
        try {
            regions.makeRoom(stripe.cleaning().regionsNeeded(), use);
            return true;
        } catch (StoreFull | SystemFailure _) {
            return false; // a caller that adds to the store is told
        }
    }

    /**
     * Evacuates, among the stripes that have only their tails left, the one with the most data,
     * which may be runs.
     */
    private boolean evacuateTail() {
        Stripe most = null;
        long bytes = 0;
        for (Stripe stripe : stripes) {
            long its = stripe.words().acquire(StripeWords.LIVE_BYTES);
            if (its > bytes) {
                most = stripe;
                bytes = its;
            }
        }
        if (most == null) {
            return false;
        }
        Cleaning cleaning = most.cleaning();
        boolean _ = hasRoom(most, Use.EVACUATE);
        return most.valueHolding(() -> cleaning.evictTail(most())) == Progress.FREED;
    }
}
