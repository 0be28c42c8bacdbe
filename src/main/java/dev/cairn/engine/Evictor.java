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
 * Actors    writers, behind their own write and with no stripe's lock; the keepers of all processes.
 * Steps     E3 too few regions can be claimed: the victim is the oldest region of all stripes
 *           E4 with its stripe's lock, unless somebody has it: a window of it is judged, and what is
 *              kept moves to the tail, as in E1
 *           E5 all of it is judged: it leaves, as in E2, and its other entries with it
 *           E6 nothing can be claimed any more: E4 and E5 in one hold, one at a time of all processes,
 *              with the last regions (RULE 27)
 * Why the oldest of all
 *           Were each writer to evict from its own stripe, nothing would draw the stripes' shares
 *           together, and they would drift apart. Allocation numbers order all regions by age.
 * Why it ends
 *           An evacuation keeps nine tenths of a region at most, so each gives room. It claims no more
 *           than one region, as what it keeps stood in one, and gives one. Who finds no room in E6 has
 *           evacuated all but the tails, or makes a checkpoint, or waits for a backup, whose pin keeps
 *           what is evacuated.
 * If a process dies here
 *           The next who judges the region goes on where it stopped: see stripe.Policy. E5 is one
 *           commit, which the next holder of the lock finishes.
 */
/** Keeps a store that evicts within its bound, a little ahead of those who need room. */
final class Evictor {
    /** Of the regions so many can be claimed, or are made so ahead. */
    private static final int AHEAD_SHARE = 64;

    private static final int LEAST_AHEAD = 6;

    /** Of the regions so many may wait for a checkpoint. */
    static final int WAITING_SHARE = 32;

    /**
     * Bytes that are judged for each that is written. Three are needed, if two of them are kept, and a
     * step may judge as little as half of what it is to.
     */
    private static final int PACE = 6;

    /** Bytes that are judged in a step. */
    private static final long STEP_BYTES = 4096;

    /** Of a region's bytes twentieths that are kept at most; half of them where regions run out. */
    private static final int KEPT_TWENTIETHS = 19;

    private static final int SCARCE_REGIONS = 3;

    /** Times that an evacuation finds others in the room that was made for it before it gives up. */
    private static final int MOST_REFUSALS = 8;

    /** How long is waited for a backup before it is looked at again. */
    private static final long PINNED_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    /** An entry may have this part of the store. */
    private static final int LARGEST_SHARE = 8;

    private final DataFile data;
    private final SharedMemory shared;
    private final Stripes stripes;
    private final Regions regions;
    private final Checkpoints checkpoints;
    private final KeeperThread thread;
    private final SharedLock evacuation;
    private final boolean durable;

    /** Whether the file could be lengthened when that was tried last, this second. */
    private volatile boolean mayGrow = true;

    /** Bytes to be judged for what was written; several threads may lose some. */
    private long owed;

    /** The oldest region, as far as this process knows. */
    private @Nullable Victim victim;

    private record Victim(Stripe stripe, long number) {}

    Evictor(Writing writing, Checkpoints checkpoints, KeeperThread thread, SharedLock evacuation) {
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
     * Refuses an entry for which too much of the store would have to go, or whose key does not stand in
     * its record: its tombstone would need as much room as evicting it gives.
     *
     * @throws IllegalArgumentException if it is one
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
                    "%s: the entry takes %d bytes; a cache of %d takes entries of %d at most"
                            .formatted(data.path(), bytes, data.header().cache().maxBytes(), most));
        }
    }

    /** So many bytes were written, which a writer pays for in small steps. */
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

    /** Makes room ahead that no writer came to make; in the background. */
    void makeRoomAhead() {
        mayGrow = true;
        Progress last = Progress.MORE;
        while (isDue() && (last == Progress.MORE || last == Progress.FREED)) {
            last = step(STEP_BYTES);
        }
    }

    /** Whether fewer regions can be claimed than should be, once what waits for a checkpoint can be. */
    private boolean isDue() {
        long most = regions.most();
        long ahead = Math.max(LEAST_AHEAD, most / AHEAD_SHARE);
        long waiting = durable ? regions.counts().waiting() : 0;
        long wanted = ahead + (durable ? most / WAITING_SHARE : 0);
        return regions.claimable(mayGrow) + waiting < wanted && !isPinned();
    }

    /** Whether a backup keeps what is evacuated, so that nothing is won by it until that is done. */
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
            next = oldestAfter(next.number); // somebody has it, or it is damaged
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

    /** The oldest of the stripes' oldest regions that is younger than that and no tail. */
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
     * @return false if that is all that eviction and a checkpoint give
     */
    boolean makeRoom(int needed, Use use) {
        long deadline = Steps.nanoTime() + stripes.timeoutNanos();
        boolean more = true;
        while (more && Steps.nanoTime() - deadline < 0) {
            try {
                regions.makeRoom(needed, use);
                return true;
            } catch (StoreFull | SystemFailure _) { // who finds no room in the end is told
                mayGrow = false;
                more = thread.onPlatformThread(this::freeOne);
            }
        }
        return false;
    }

    /**
     * Frees a region, by a checkpoint if one waits for it, or waits a little for a backup; tells whether
     * there may be more room than before.
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

    /** Waits for a stripe's lock only where no other gives a region. */
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

    /** Sees to it that a copy that found no room has some: free regions may lack blocks. */
    private boolean hasRoom(Stripe stripe, Use use) {
        try {
            regions.makeRoom(stripe.cleaning().regionsNeeded(), use);
            return true;
        } catch (StoreFull | SystemFailure _) {
            return false; // whoever adds to the store is told
        }
    }

    /** Of the stripes that are down to their tails the one with most in it: it may be runs. */
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
