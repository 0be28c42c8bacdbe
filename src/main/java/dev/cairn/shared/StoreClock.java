package dev.cairn.shared;

import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.ClockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Host;
import dev.cairn.os.HostClock;

import java.lang.foreign.MemorySegment;

/*
 * Actors    every process that has the store open; anybody who sets the wall clock of one of them.
 * Words     CLOCK: the origin of the store's clock, which is what it showed when the boot's clock was 0
 *           (ClockWord). Each process also has an origin of its own; the greater of the two counts. The
 *           checkpoint slot holds what the store's clock and the wall clock showed at its cut.
 * The rule  The store's clock runs with the boot's clock. If the wall clock is set beyond it, it follows.
 *           If the wall clock is set ahead and still is behind it, the step counts as time that passed,
 *           unless it closes half of the gap or more (goneOn): then it corrects a clock that was set
 *           back before. If nobody had the store open for a time, the progress of the wall clock since
 *           the last cut counts as such a step; within a boot the boot's clock has run on besides.
 * Steps     T1 the store's time: the origin and the boot's clock, added
 *           T2 a look at the wall clock, once in each millisecond in which T1 is asked for: if its lead
 *           over the boot's clock has changed by more than STEP_MILLIS since the last look of this
 *           process that noticed a change, the wall clock was set
 *           T3 it was set ahead: own origin := by the rule, unless it is beyond that already
 *           T4 CLOCK := the own origin, unless it is beyond that already, by compare-and-set: when an
 *           expiry is computed, in each cut, and once a second
 *           T5 an opening with no other process that writes: CLOCK := by the rule, from the checkpoint slot's
 *           times, unless it is beyond that already
 * Why it never steps back (RULE 28)
 *           No step lowers an origin, and the boot's clock only runs, the same for all processes. So
 *           what one call found expired, no later call of this process finds. After T4, which a process
 *           that may write does within a second, no call of any process finds it.
 *           From one boot to the next, and through a recovery, the checkpoint slot keeps the time: T5 begins no
 *           earlier than at the slot's time. A checkpoint is due when the wall clock was set back
 *           (wasSetBack). The last close makes one for that, and if an entry may have expired since
 *           the last one.
 * Why it never stands still
 *           T1 is the boot's clock. The wall clock may be years behind: nothing waits for it.
 * Why nothing is judged by plausibility
 *           If two clocks differ, nobody knows which is wrong. A word counts if its check is right. If it
 *           is wrong, T5 corrects the word, and only the word is lost.
 * What is benign
 *           The rule takes a sleep for a correction: entries live longer, by no more than the gap. It
 *           takes a correction for a sleep: they expire earlier.
 *           Several processes see the same step: each computes the same origin, and the greater stays.
 *           The wall clock of one process always differs from the others': it sees no step.
 *           A process is held up between the two readings of a look, so that the lead seems to change:
 *           before anything follows from it, both clocks are read again, close together.
 *           Steps of up to STEP_MILLIS go unnoticed: an entry may live longer by that much.
 * If a process dies here
 *           Each step is one store to one word; nobody else knew of an own origin.
 * If power fails here
 *           The slot's times count: what expired after that checkpoint may be there again, like what
 *           a write removed after it.
 */
/**
 * The store's clock, which decides when entries expire, and which is the same for all processes.
 */
public final class StoreClock {
    /** How far the wall clock may be set without being noticed. */
    public static final long STEP_MILLIS = 1000;

    /** How often both clocks are read in a row until one pair is read within a millisecond. */
    private static final int READINGS = 20;

    private static final long UNKNOWN = Long.MIN_VALUE;

    private final MemorySegment base;
    private final long seed = ClockWord.seed(Host.bootId());

    private volatile long ownOrigin;

    /**
     * When this process last looked at the wall clock, by the boot's clock; any thread stores it.
     */
    private long lookedAt;

    /** The last look that noticed a change. */
    private volatile Look last;

    /** The lead of the wall clock over the boot's clock, and the origin at that time. */
    private record Look(long lead, long origin) {}

    StoreClock(MemorySegment base) {
        this.base = base;
        this.last = new Look(lead(), origin());
    }

    /** Milliseconds since 1970 by the store's clock. It stores nothing to shared memory. */
    public long now() {
        long boot = HostClock.bootMillis();
        if (boot != lookedAt) {
            lookedAt = boot;
            look(boot);
        }
        return origin() + boot; // T1
    }

    /**
     * RULE 28: whether this clock, which is the same for all and never steps back, has reached a
     * time. It never reaches 0.
     */
    public boolean hasCome(long time) {
        return time != 0 && time <= now();
    }

    private long origin() {
        long shared = ClockWord.origin(Words.acquire(base, SharedLayout.CLOCK), seed);
        return Math.max(shared, ownOrigin);
    }

    private void look(long boot) {
        long lead = last.lead;
        if (lead == UNKNOWN || Math.abs(wall() - boot - lead) > STEP_MILLIS) { // T2
            follow();
        }
    }

    /**
     * Follows the wall clock. One thread at a time does so, so that no look counts as later than it
     * was.
     */
    private synchronized void follow() {
        Look before = last;
        long lead = lead();
        long step = before.lead == UNKNOWN || lead == UNKNOWN ? 0 : lead - before.lead;
        if (step > STEP_MILLIS) {
            long origin = goneOn(before.origin, before.lead, lead);
            ownOrigin = Math.max(ownOrigin, Math.min(origin, ClockWord.FARTHEST)); // T3
        }
        if (lead != UNKNOWN && (before.lead == UNKNOWN || Math.abs(step) > STEP_MILLIS)) {
            last = new Look(lead, origin());
        }
    }

    /**
     * The lead of the quickest of several readings; unknown if the process was held up in each.
     */
    private static long lead() {
        long least = STEP_MILLIS / 2;
        long lead = UNKNOWN;
        for (int i = 0; i < READINGS && least > 1; i++) {
            long before = HostClock.bootMillis();
            long wall = wall();
            long after = HostClock.bootMillis();
            if (after - before < least) {
                least = after - before;
                lead = wall - after;
            }
        }
        return lead;
    }

    private static long wall() {
        return Math.clamp(HostClock.wallMillis(), 0, ClockWord.FARTHEST);
    }

    /**
     * Returns the time as {@link #now} does, and publishes it: no process is behind it from here
     * on. Only a process that may write may call it.
     */
    public long share() {
        long boot = HostClock.bootMillis();
        look(boot);
        long own = ownOrigin;
        if (own != 0) {
            raise(own); // T4
        }
        return origin() + boot;
    }

    private void raise(long origin) {
        long to = Math.clamp(origin, 1, ClockWord.FARTHEST);
        long word = Words.acquire(base, SharedLayout.CLOCK);
        while (ClockWord.origin(word, seed) < to
                && !Words.cas(base, SharedLayout.CLOCK, word, ClockWord.of(to, seed))) {
            word = Words.acquire(base, SharedLayout.CLOCK);
        }
    }

    /** Continues from a checkpoint, if no other process writes. */
    public synchronized void resume(CheckpointSlot slot) {
        raise(resumed(slot) - HostClock.bootMillis()); // T5
        last = new Look(lead(), origin());
    }

    /** Continues as {@link #resume} does, for this read-only process alone. */
    public synchronized void resumePrivately(CheckpointSlot slot) {
        long origin = resumed(slot) - HostClock.bootMillis();
        ownOrigin = Math.clamp(origin, 0, ClockWord.FARTHEST);
        last = new Look(lead(), origin());
    }

    private static long resumed(CheckpointSlot slot) {
        return goneOn(slot.clock(), slot.wall(), wall());
    }

    /** What the store's clock shows after the wall clock went from one time to a later one. */
    private static long goneOn(long store, long wallBefore, long wall) {
        long step = Math.max(0, wall - wallBefore);
        long gap = store - wallBefore;
        return Math.max(wall, step < gap / 2 ? store + step : store);
    }

    /** Whether the wall clock was set back since a checkpoint, which then does not know it. */
    public boolean wasSetBack(CheckpointSlot slot) {
        long now = now();
        return now - wall() - (slot.clock() - slot.wall()) > STEP_MILLIS;
    }

    /** The times for a checkpoint: that of the store's clock, then that of the wall clock. */
    public Times times() {
        long store = share();
        return new Times(store, wall());
    }

    /**
     * What two clocks show.
     *
     * @param store the time of the store's clock
     * @param wall the time of the wall clock
     */
    public record Times(long store, long wall) {}

    /**
     * When the wall clock will show what the store's clock shows at a given time, as far as can be
     * known.
     */
    public long byWall(long store) {
        long ahead = aheadMillis();
        return store > Long.MAX_VALUE - Math.abs(ahead) ? Long.MAX_VALUE : store - ahead;
    }

    /**
     * By how many milliseconds the clock is ahead of this process's wall clock; negative if it is
     * behind, and 0 if the difference is too small to be noticed.
     */
    public long aheadMillis() {
        long now = now();
        long ahead = now - wall();
        return Math.abs(ahead) <= STEP_MILLIS ? 0 : ahead;
    }
}
