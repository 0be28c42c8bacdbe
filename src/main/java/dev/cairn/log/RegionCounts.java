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
 * Actors    claimers, and those that bury regions, under a stripe's lock; the checkpointer; growers,
 *           compactors, and processes that count anew, under the grow lock.
 * Words     free {generation, count}: free regions that have blocks; holes: those that may lack them;
 *           waiting: those that died since the last cut; cut waiting: those that died before it, and
 *           which the durable checkpoint may still need; doubt: not 0 if a count may be wrong.
 * Steps     claim: free - n, before N1        death: waiting + 1, or free + 1, after D2
 *           cut: cut waiting + waiting        durable: cut waiting := 0, DURABLE, free + that many
 *           new count: what waits is lowered where it is too much; free := what was found, with
 *              the next generation, by a CAS; what waits is raised where it is too little
 * Why it is safe
 *           Free is never too high, because the reserve depends on it. A region is taken from the
 *           count before it is claimed, and added to it after it was freed. The taking is atomic and
 *           looks at the remainder, so two writers never both take the last one.
 *           A new count is not the truth of one moment. So each new count has a generation of its own.
 *           A process that freed a region adds it only if no new count came since before that, as the
 *           new one may include it. A process that claimed a region subtracts it again if a new count
 *           came, as that may have found it free, and gives the region back if too few are left then.
 *           All this can make the count too low, and sets doubt in that case. Waiting regions will
 *           become free, so their count is never too high either: deaths and cuts subtract what they
 *           added if a new count came meanwhile, and a new count adds nothing if they added between
 *           its last look and its CAS. If the old count changed, or a region was claimed, during a new
 *           count, the new count is dropped, and taken again: after one claim and one death the old
 *           one is what it was.
 *           What waits is lowered before free is raised. If a checkpoint becomes durable in between, it
 *           adds what it finds waiting, which free would otherwise have in it already. One new count
 *           at a time raises it: two that found the same lack would both add it.
 *           A region that is only named by a claim (next, next run) counts as claimed.
 * If a process dies here
 *           The counts are too low by what it had in hand. It held a lock. The process that takes the
 *           lock over sets doubt before, and the next checkpoint, or the maintenance thread of any process, counts
 *           anew.
 * If power fails here
 *           None of this is durable: recovery counts.
 */
/** The numbers of regions that are free, and that will be free, without a look at each region. */
public final class RegionCounts {
    /** How many times a count is taken if others change the words meanwhile. */
    private static final int TRIES = 4;

    private static final int GENERATION_SHIFT = 40;
    private static final long COUNT_MASK = (1L << GENERATION_SHIFT) - 1;

    private final DataFile data;
    private final SharedMemory shared;
    private final SharedMemory.Locks locks;
    private final MemorySegment base;

    /** About how many owner entries were looked at. Tests compare it with the size of the file. */
    private long looks;

    RegionCounts(DataFile data, SharedMemory shared, SharedMemory.Locks locks) {
        this.data = data;
        this.shared = shared;
        this.locks = locks;
        this.base = shared.base();
    }

    /**
     * The numbers of regions in each state.
     *
     * @param free regions that may be claimed
     * @param holes regions that may be claimed once they have blocks
     * @param waiting regions that are dead, and free once a checkpoint is durable
     * @param fresh those of the waiting regions that died since the last cut
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

    /** The generation of the count. A caller must load it before it claims or frees a region. */
    long generation() {
        return generation(shared.acquire(SharedLayout.FREE_HINT));
    }

    /** The number of free regions with blocks, which is never too high. */
    public long free() {
        return free(shared);
    }

    /** The same as {@link #free()}, for a read-only process. */
    public static long free(SharedMemory shared) {
        return Math.max(0, count(shared.acquire(SharedLayout.FREE_HINT)));
    }

    /** The number of free regions that may lack blocks. */
    public long holes() {
        return holes(shared);
    }

    /** The same as {@link #holes()}, for a read-only process. */
    public static long holes(SharedMemory shared) {
        return Math.max(0, shared.acquire(SharedLayout.HOLE_HINT));
    }

    /** About how many dead regions a checkpoint would free. */
    public long waiting() {
        return waiting(shared);
    }

    /** The same as {@link #waiting()}, for a read-only process. */
    public static long waiting(SharedMemory shared) {
        long fresh = shared.acquire(SharedLayout.WAITING_HINT);
        return Math.max(0, fresh + shared.acquire(SharedLayout.CUT_WAITING_HINT));
    }

    /**
     * Takes regions from the count if at least {@code kept} are left then; returns whether it did.
     */
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

    /** Notes that the regions which were taken are claimed. */
    void taken(long regions, long generation) {
        long word = shared.acquire(SharedLayout.FREE_HINT);
        while (generation(word) != generation && !change(word, -regions)) {
            word = shared.acquire(SharedLayout.FREE_HINT);
        }
        if (generation(word) != generation) {
            doubt();
        }
    }

    /** Notes that regions were freed, or were taken and not claimed. */
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

    /** Notes that a region died which the next checkpoint frees. */
    void died(long generation) {
        waits(SharedLayout.WAITING_HINT, 1, generation);
    }

    /**
     * Notes a cut, for which all stripes are held: its checkpoint does without the regions that are
     * dead by now.
     */
    public void cut() {
        long generation = generation();
        long died = Words.exchange(base, SharedLayout.WAITING_HINT, 0);
        waits(SharedLayout.CUT_WAITING_HINT, died, generation);
    }

    /**
     * Adds first, so that either this call sees a new count, or the new count sees what was added.
     */
    private void waits(long at, long regions, long generation) {
        Words.add(base, at, regions);
        if (generation() != generation) {
            Words.add(base, at, -regions);
            doubt();
        }
    }

    /** Notes that a checkpoint is durable (P9): what died before its cut is free. */
    public void becomeDurable(long epoch) {
        long generation = generation();
        long waited = Words.exchange(base, SharedLayout.CUT_WAITING_HINT, 0);
        shared.release(SharedLayout.DURABLE, epoch);
        if (pinned()) {
            doubt(); // some are kept for a backup; whoever counts anew finds which are not
        } else {
            freed(waited, generation);
        }
    }

    /**
     * Notes that holes were made or, if the number is negative, filled. The caller holds the grow
     * lock.
     */
    void holesMade(long regions) {
        Words.add(base, SharedLayout.HOLE_HINT, regions);
    }

    private void doubt() {
        shared.release(SharedLayout.DOUBT, 1);
    }

    /** Whether a backup, which may be dead, keeps dead regions. */
    public boolean pinned() {
        for (int pin = 0; pin < SharedLayout.PIN_SLOTS; pin++) {
            if (shared.acquire(SharedLayout.pinAt(pin) + PinWords.EPOCH) != 0) {
                return true;
            }
        }
        return false;
    }

    /** Looks at every region, and corrects the words unless they keep changing meanwhile. */
    public void recount() {
        locks.whileGrowing(() -> {
            Census _ = counted();
        });
    }

    /**
     * Counts anew if a count may be wrong, because a process died while it changed the counts, or
     * changed them beside a new count. If the grow lock is taken, the next call does it.
     */
    public void recountIfDoubted() {
        if (shared.acquire(SharedLayout.DOUBT) != 0) {
            boolean _ =
                    locks.unlessGrowing(() -> {
                        Census _ = counted();
                    });
        }
    }

    /** Counts anew after a backup gave back what it kept, now or in {@link #recountIfDoubted}. */
    public void unpinned() {
        doubt();
        recountIfDoubted();
    }

    /**
     * Counts as {@link #recount} does; the caller holds the grow lock.
     *
     * @return what was found
     */
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

    /**
     * The number of regions that a stripe's words claim, and that are not claimed yet, or no
     * longer.
     */
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

    /** The current values of the words. */
    private record Found(
            long free,
            long holes,
            long waiting,
            long cutWaiting,
            long allocations,
            long epoch,
            long durable) {
        /** Whether all words are the same except that of the free regions. */
        boolean sameBesides(Found other) {
            return other.equals(
                    new Found(other.free, holes, waiting, cutWaiting, allocations, epoch, durable));
        }

        Found plusWaiting(long more, long moreCut) {
            return new Found(
                    free, holes, waiting + more, cutWaiting + moreCut, allocations, epoch, durable);
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
        long fresh = census.fresh - before.waiting;
        long cut = census.waiting - census.fresh - before.cutWaiting;
        if (!found().equals(before)) {
            doubt();
            return false;
        }
        addWaiting(Math.min(0, fresh), Math.min(0, cut));
        long corrected = word(generation(before.free) + 1, census.free);
        if (!Words.cas(base, SharedLayout.FREE_HINT, before.free, corrected)) {
            doubt();
            return false;
        }
        if (!found().sameBesides(before.plusWaiting(Math.min(0, fresh), Math.min(0, cut)))) {
            doubt(); // between the look and the CAS: these stay too low
            return true;
        }
        Words.add(base, SharedLayout.HOLE_HINT, census.holes - before.holes);
        addWaiting(Math.max(0, fresh), Math.max(0, cut));
        return true;
    }

    private void addWaiting(long fresh, long cut) {
        Words.add(base, SharedLayout.WAITING_HINT, fresh);
        Words.add(base, SharedLayout.CUT_WAITING_HINT, cut);
    }

    /** The state of a region. */
    State look(long region) {
        looks++;
        return data.state(region);
    }

    /** About how many owner entries this process looked at to find or to count regions. */
    public long looks() {
        return looks;
    }

    /** The first of this many neighbours that are all in one of these states, or -1. */
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
