package dev.cairn.shared;

import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.ClockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Host;
import dev.cairn.os.HostClock;

import java.lang.foreign.MemorySegment;

/*
 * Actors    every process that has the store open; whoever sets the wall clock of any of them.
 * Words     CLOCK: the origin of the store's clock, which is what it showed when the boot's clock was 0
 *           (ClockWord). Each process has an origin of its own besides; the greater counts. Of a
 *           checkpoint's slot: what the store's clock and the wall clock showed at its cut.
 * The rule  The store's clock runs with the boot's clock. Where the wall clock is set beyond it, it
 *           follows. Where the wall clock is set ahead and yet is behind it, the step counts as time
 *           that passed unless it closes half of the gap or more (goneOn): then it puts right a clock
 *           that was set back before. While nobody has the store open, what the wall clock went on since
 *           the last cut counts as such a step; within a boot the boot's clock goes on besides.
 * Steps     T1 the store's time: the origin and the boot's clock, added
 *           T2 a look at the wall clock, once in each millisecond in which T1 is asked for: has its
 *           lead over the boot's clock changed by more than STEP_MILLIS since the last look of this
 *           process that noticed anything, then the wall clock was set
 *           T3 it was set ahead: own origin := by the rule, unless it is beyond that already
 *           T4 CLOCK := the own origin, unless it is beyond that already, by compare-and-set: where an
 *           expiry is computed, in each cut, and once a second
 *           T5 an opening with no other process that writes: CLOCK := by the rule, from the slot's
 *           times, unless it is beyond that already
 * Why it never steps back (RULE 28)
 *           No step lowers an origin, and the boot's clock only runs, the same for all processes. So
 *           what one call found expired is there for no later call of this process; and for none of any
 *           process once T4 came, which is a second later at most where the process may write.
 *           From a boot to the next, and through a recovery, the slot hands it on: T5 begins no earlier
 *           than at the slot's time. A checkpoint is due once the wall clock was set back (wasSetBack).
 *           The last close makes one for that, and where an entry may have expired since the last.
 * Why it never stands still
 *           T1 is the boot's clock. The wall clock may be years behind: nothing waits for it.
 * Why nothing is judged by plausibility
 *           Of two clocks that differ nobody knows which is wrong. A word counts by its check. One that
 *           fails is put right by T5, and nothing but the word is lost.
 * What is benign
 *           The rule takes a sleep for a correction: entries live longer, by no more than the gap. It
 *           takes a correction for a sleep: they expire earlier.
 *           Several processes see the same step: each comes to the same origin, and the greater stays.
 *           The wall clock of one process always differs from the others': it sees no step.
 *           A process is held up between the two readings of a look, so that the lead seems to change:
 *           before anything follows from it, both clocks are read again, close together.
 *           Steps of up to STEP_MILLIS go unnoticed: an entry may live longer by that much.
 * If a process dies here
 *           Each step is one store to one word; of an own origin nobody else knew.
 * If power fails here
 *           The slot's times count: what expired behind that checkpoint may be there again, like what a
 *           write removed behind it.
 */
/** The clock that entries expire by: that of the store, the same for all processes. */
public final class StoreClock {
    /** How far the wall clock may be set without anybody noticing. */
    public static final long STEP_MILLIS = 1000;

    /** Times that both clocks are read in a row until they are read within a millisecond. */
    private static final int READINGS = 20;

    private static final long UNKNOWN = Long.MIN_VALUE;

    private final MemorySegment base;
    private final long seed = ClockWord.seed(Host.bootId());

    private volatile long ownOrigin;

    /** By the boot's clock, when this process last looked at the wall clock; any thread stores it. */
    private long lookedAt;

    /** The last look that noticed anything. */
    private volatile Look last;

    /** The lead of the wall clock over the boot's, and the origin at that time. */
    private record Look(long lead, long origin) {}

    StoreClock(MemorySegment base) {
        this.base = base;
        this.last = new Look(lead(), origin());
    }

    /** Milliseconds since 1970 by the store's clock; stores nothing to shared memory. */
    public long now() {
        long boot = HostClock.bootMillis();
        if (boot != lookedAt) {
            lookedAt = boot;
            look(boot);
        }
        return origin() + boot; // T1
    }

    /** RULE 28: by this clock, which is the same for all and never steps back; 0 never comes. */
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

    /** One at a time, so that no look is taken for later than it was. */
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

    /** Of several readings the one that took least; unknown if the process was held up in each. */
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

    /** As {@link #now}; for those who may store: it is the time for every process from here on. */
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

    /** Goes on from a checkpoint, where no other process writes. */
    public synchronized void resume(CheckpointSlot slot) {
        raise(resumed(slot) - HostClock.bootMillis()); // T5
        last = new Look(lead(), origin());
    }

    /** As {@link #resume}, for this process alone, which only reads. */
    public synchronized void resumePrivately(CheckpointSlot slot) {
        long origin = resumed(slot) - HostClock.bootMillis();
        ownOrigin = Math.clamp(origin, 0, ClockWord.FARTHEST);
        last = new Look(lead(), origin());
    }

    private static long resumed(CheckpointSlot slot) {
        return goneOn(slot.clock(), slot.wall(), wall());
    }

    /** What the store's clock shows when the wall clock went from one time to a later one. */
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

    /** A checkpoint's times: the store's, then the wall clock's. */
    public Times times() {
        long store = share();
        return new Times(store, wall());
    }

    /**
     * What two clocks show.
     *
     * @param store the store's
     * @param wall the wall clock
     */
    public record Times(long store, long wall) {}

    /** When the wall clock will show what the store's clock shows then, as far as one can know. */
    public long byWall(long store) {
        long ahead = aheadMillis();
        return store > Long.MAX_VALUE - Math.abs(ahead) ? Long.MAX_VALUE : store - ahead;
    }

    /**
     * How far the clock is ahead of this process's wall clock, in milliseconds; negative behind it, and
     * 0 while they differ by no more than is noticed.
     */
    public long aheadMillis() {
        long now = now();
        long ahead = now - wall();
        return Math.abs(ahead) <= STEP_MILLIS ? 0 : ahead;
    }
}
