package dev.cairn.log;

import dev.cairn.format.OwnerWords;
import dev.cairn.format.PinWords;
import dev.cairn.format.Place;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.DataFile.State;
import dev.cairn.shared.SharedMemory;

import java.lang.foreign.MemorySegment;
import java.util.Set;

/*
 * Actors    claimers, and those who bury regions, under a stripe's lock; the checkpointer; growers and
 *           compactors, under the grow lock; whoever counts anew.
 * Words     free {generation, count}: free regions that have blocks; holes: those that may lack them;
 *           waiting: those that died since the last cut; cut waiting: those that died before it, and
 *           that no durable checkpoint does without; doubt: not 0 if a count may be wrong.
 * Steps     claim: free - n, before N1        death: waiting + 1, or free + 1, behind D2
 *           cut: cut waiting + waiting        durable: cut waiting := 0, DURABLE, free + that many
 * Why it is safe
 *           Free never says more than there is, because that is what keeps the reserve. A region is
 *           taken from the count before it is claimed, and given to it after it was freed; the taking
 *           is atomic and looks at what is left, so two writers never both take the last one.
 *           A new count is the truth of no one moment. So each has a generation of its own. Whoever
 *           freed a region adds it only if no new count came since before that, as the new one may
 *           have it; whoever claimed one takes it away again if a new count came, as that may have
 *           found it free, and gives the region back if too few are left then. All this can make the
 *           count too low, and says so by doubt. What waits will be free, so it is never too high
 *           either: deaths and cuts take back what they added if a new count came meanwhile, and a
 *           new count adds nothing if they added between its last look and its CAS. A new count in
 *           the midst of which the old one changed, or a region was claimed, is dropped, and taken
 *           again: one claim and one death leave the old one what it was.
 *           What was claimed in name only (next, next run) counts as claimed.
 * If a process dies here
 *           The counts are too low by what it had in hand. It held a lock; whoever takes that over
 *           stores doubt before, and the next checkpoint, or the keeper of any process, counts anew.
 * If power fails here
 *           None of this is durable: recovery counts.
 */
/** How many regions are free, and how many will be, without a look at each. */
public final class RegionCounts {
    /** Times that a count is taken where others change the words meanwhile. */
    private static final int TRIES = 4;

    private static final int GENERATION_SHIFT = 40;
    private static final long COUNT_MASK = (1L << GENERATION_SHIFT) - 1;

    private final DataFile data;
    private final SharedMemory shared;
    private final MemorySegment base;

    /** Owner entries that were looked at, about: what tests hold against the size of the file. */
    private long looks;

    RegionCounts(DataFile data, SharedMemory shared) {
        this.data = data;
        this.shared = shared;
        this.base = shared.base();
    }

    /**
     * How many regions are in which state.
     *
     * @param free may be claimed
     * @param holes may be claimed once they have blocks
     * @param waiting dead, and free once a checkpoint is durable
     * @param fresh those of them that died since the last cut
     */
    record Census(long free, long holes, long waiting, long fresh) {}

    private static long count(long word) {
        return word << Long.SIZE - GENERATION_SHIFT >> Long.SIZE - GENERATION_SHIFT;
    }

    private static long word(long generation, long count) {
        return generation << GENERATION_SHIFT | count & COUNT_MASK;
    }

    private static long generation(long word) {
        return word >>> GENERATION_SHIFT;
    }

    /** To be asked for before a region is claimed or freed. */
    long generation() {
        return generation(shared.acquire(SharedLayout.FREE_HINT));
    }

    /** Free regions with blocks: never more than there are. */
    public long free() {
        return free(shared);
    }

    /** As {@link #free()}, for whoever only reads. */
    public static long free(SharedMemory shared) {
        return Math.max(0, count(shared.acquire(SharedLayout.FREE_HINT)));
    }

    /** Free regions that may lack blocks. */
    public long holes() {
        return holes(shared);
    }

    /** As {@link #holes()}, for whoever only reads. */
    public static long holes(SharedMemory shared) {
        return Math.max(0, shared.acquire(SharedLayout.HOLE_HINT));
    }

    /** Dead regions that a checkpoint would free, about. */
    public long waiting() {
        return waiting(shared);
    }

    /** As {@link #waiting()}, for whoever only reads. */
    public static long waiting(SharedMemory shared) {
        long fresh = shared.acquire(SharedLayout.WAITING_HINT);
        return Math.max(0, fresh + shared.acquire(SharedLayout.CUT_WAITING_HINT));
    }

    /** Takes so many regions if as many as are to be kept are left then. */
    boolean take(long regions, long kept) {
        while (true) {
            long word = shared.acquire(SharedLayout.FREE_HINT);
            if (count(word) < regions + kept) {
                return false;
            }
            if (change(word, -regions)) {
                return true;
            }
        }
    }

    /** The regions that were taken are claimed. */
    void taken(long regions, long generation) {
        long word = shared.acquire(SharedLayout.FREE_HINT);
        while (generation(word) != generation && !change(word, -regions)) {
            word = shared.acquire(SharedLayout.FREE_HINT);
        }
        if (generation(word) != generation) {
            doubt();
        }
    }

    /** Regions were freed, or were taken and not claimed. */
    void freed(long regions, long generation) {
        long word = shared.acquire(SharedLayout.FREE_HINT);
        while (generation(word) == generation && !change(word, regions)) {
            word = shared.acquire(SharedLayout.FREE_HINT);
        }
        if (generation(word) != generation) {
            doubt();
        }
    }

    private boolean change(long word, long by) {
        long to = word(generation(word), count(word) + by);
        return Words.cas(base, SharedLayout.FREE_HINT, word, to);
    }

    /** A region died that the next checkpoint frees. */
    void died(long generation) {
        waits(SharedLayout.WAITING_HINT, 1, generation);
    }

    /** All stripes are held for a cut: what is dead by now, its checkpoint does without. */
    public void cut() {
        long generation = generation();
        long died = Words.exchange(base, SharedLayout.WAITING_HINT, 0);
        waits(SharedLayout.CUT_WAITING_HINT, died, generation);
    }

    /** Adds first, so that either this sees a new count or that sees what was added. */
    private void waits(long at, long regions, long generation) {
        Words.add(base, at, regions);
        if (generation() != generation) {
            Words.add(base, at, -regions);
            doubt();
        }
    }

    /** A checkpoint is durable (P9): what died before its cut is free. */
    public void becomeDurable(long epoch) {
        long generation = generation();
        long waited = Words.exchange(base, SharedLayout.CUT_WAITING_HINT, 0);
        shared.release(SharedLayout.DURABLE, epoch);
        if (pinned()) {
            recount(); // some are kept for a backup, which reads the whole file anyway
        } else {
            freed(waited, generation);
        }
    }

    /** Holes were made (or, if less than 0, filled); under the grow lock. */
    void holesMade(long regions) {
        Words.add(base, SharedLayout.HOLE_HINT, regions);
    }

    private void doubt() {
        shared.release(SharedLayout.DOUBT, 1);
    }

    /** Whether a backup, perhaps a dead one, keeps regions that are dead. */
    public boolean pinned() {
        for (int pin = 0; pin < SharedLayout.PIN_SLOTS; pin++) {
            if (shared.acquire(SharedLayout.pinAt(pin) + PinWords.EPOCH) != 0) {
                return true;
            }
        }
        return false;
    }

    /** Counts anew if somebody died in the midst of counting, or may have. */
    public void recountIfDoubted() {
        if (shared.acquire(SharedLayout.DOUBT) != 0) {
            recount();
        }
    }

    /** Looks at every region, and corrects the words unless they keep changing meanwhile. */
    public void recount() {
        Census _ = counted();
    }

    /** As {@link #recount}; what was found. */
    Census counted() {
        Census census;
        int left = TRIES;
        boolean corrected;
        do {
            shared.release(SharedLayout.DOUBT, 0);
            Found before = found();
            census = census();
            corrected = correct(before, census);
        } while (!corrected && --left > 0);
        return census;
    }

    private Census census() {
        long free = -claimedInName();
        long holes = 0;
        long waiting = 0;
        long fresh = 0;
        long epoch = shared.acquire(SharedLayout.EPOCH);
        long count = data.regions();
        for (long region = 0; region < count; region++) {
            switch (look(region)) {
                case FREE -> free++;
                case HOLE -> holes++;
                case WAITING -> {
                    waiting++;
                    fresh += data.owner(region, OwnerWords.DEATH) == epoch ? 1 : 0;
                }
                case ALIVE, PINNED, PUNCHING -> {}
            }
        }
        return new Census(free, holes, waiting, fresh);
    }

    /** Regions that a stripe's words claim, and that are not claimed yet, or not any more. */
    private long claimedInName() {
        long regions = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            regions += claimedInName(shared.stripe(stripe).acquire(StripeWords.NEXT));
            regions += claimedInName(shared.stripe(stripe).acquire(StripeWords.NEXT_RUN));
        }
        return regions;
    }

    private long claimedInName(long run) {
        long regions = 0;
        long end = run == 0 ? 0 : Math.min(data.regions(), Place.region(run) + Place.low(run));
        for (long region = run == 0 ? 0 : Place.region(run); region < end; region++) {
            regions += look(region) == State.FREE ? 1 : 0;
        }
        return regions;
    }

    /** The words as they stand. */
    private record Found(
            long free,
            long holes,
            long waiting,
            long cutWaiting,
            long allocations,
            long epoch,
            long durable) {
        /** But for the free ones. */
        boolean sameBesides(Found other) {
            return other.equals(
                    new Found(other.free, holes, waiting, cutWaiting, allocations, epoch, durable));
        }
    }

    private Found found() {
        return new Found(
                shared.acquire(SharedLayout.FREE_HINT),
                shared.acquire(SharedLayout.HOLE_HINT),
                shared.acquire(SharedLayout.WAITING_HINT),
                shared.acquire(SharedLayout.CUT_WAITING_HINT),
                shared.acquire(SharedLayout.ALLOCATIONS),
                shared.acquire(SharedLayout.EPOCH),
                shared.acquire(SharedLayout.DURABLE));
    }

    private boolean correct(Found before, Census census) {
        long corrected = word(generation(before.free) + 1, census.free);
        if (!found().equals(before)
                || !Words.cas(base, SharedLayout.FREE_HINT, before.free, corrected)) {
            doubt();
            return false;
        }
        if (!found().sameBesides(before)) { // between the look and the CAS: these stay too low
            doubt();
            return true;
        }
        Words.add(base, SharedLayout.HOLE_HINT, census.holes - before.holes);
        Words.add(base, SharedLayout.WAITING_HINT, census.fresh - before.waiting);
        long cutWaiting = census.waiting - census.fresh;
        Words.add(base, SharedLayout.CUT_WAITING_HINT, cutWaiting - before.cutWaiting);
        return true;
    }

    /** What a region is good for. */
    State look(long region) {
        looks++;
        return data.state(region);
    }

    /** Owner entries that this process looked at to find or to count regions, about. */
    public long looks() {
        return looks;
    }

    /** The first of so many neighbours that are in one of these states, or -1. */
    long run(long from, long to, int regions, Set<State> states) {
        long start = from;
        for (long region = from; region < to; region++) {
            if (!states.contains(look(region))) {
                start = region + 1;
            } else if (region - start + 1 >= regions) {
                return start;
            }
        }
        return -1;
    }
}
