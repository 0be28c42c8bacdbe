package dev.cairn.log;

import static dev.cairn.format.StripeWords.NEXT;
import static dev.cairn.format.StripeWords.NEXT_NUMBER;
import static dev.cairn.format.StripeWords.NEXT_RUN;
import static dev.cairn.format.StripeWords.NEXT_RUN_NUMBER;

import dev.cairn.CairnException;
import dev.cairn.CorruptStore;
import dev.cairn.StoreFull;
import dev.cairn.StoreReplaced;
import dev.cairn.SystemFailure;
import dev.cairn.format.CacheTerms;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.Place;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.DataFile.State;
import dev.cairn.log.RegionCounts.Census;
import dev.cairn.os.OpenFile;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;

/*
 * Actors    writers, each under the lock of its stripe; a process that grows the file, under the grow lock.
 * Words     a region's owner word {number, stripe, alive}, birth and death epoch; the stripe's next
 *           and next run words, which name a claim from before it is made until it is committed.
 * Steps     N1 next number, next := {region}         N2 CAS of the dead owner word judged
 *           N3 birth := epoch                         (then the first byte of the region)
 *           D1 death epoch                            D2 owner word dead, by CAS of {stripe, number}
 * Why it is safe
 *           If two processes claim one region, one CAS fails. No allocation number is given twice (RULE 4), so if D2
 *           is repeated after the region went to another owner, it changes nothing. The epoch stands still while any
 *           stripe's lock is held, because a cut takes them all.
 * If a process dies here
 *           Before N2 the owner word is dead or another's. After it, it is exactly what next says. The repairer then
 *           stores death := birth and marks it dead, which means free. The birth may still be that of the former
 *           life; the region was free in either case.
 * If power fails here
 *           None of this is durable: recovery computes it from the chains.
 */
/** Assigns the regions of the data file to owners, and finds free ones (RULE 25). */
public final class Regions {
    /**
     * The number of entries that are looked at under a stripe's lock. If no region is found there, room is sought
     * without the lock.
     */
    private static final int LOOK = 1024;

    /**
     * RULE 27: the number of regions with blocks that no write may take, however small the store and the disk are.
     */
    private static final int LEAST_KEPT = 2;

    /** See {@link #kept}. */
    private static final int KEPT_DIVISOR = 4;

    private final DataFile data;
    private final SharedMemory shared;
    private final RegionCounts counts;
    private final Holes holes;
    private final Reusable reusable = new Reusable();
    private final Growth growth;
    private final SharedMemory.Locks locks;
    private final boolean evicts;
    private volatile long maxRegions;

    /**
     * @param maxBytes the bound of the data file, 0 for none
     */
    public Regions(DataFile data, SharedMemory shared, SharedMemory.Locks locks, long maxBytes) {
        this.data = data;
        this.shared = shared;
        this.counts = new RegionCounts(data, shared, locks);
        this.holes = new Holes(data, shared, counts);
        this.growth = new Growth(data, shared, locks, counts);
        this.locks = locks;
        this.evicts = data.header().cache().evicts();
        this.maxRegions = mostRegions(maxBytes);
    }

    private long mostRegions(long maxBytesAsked) {
        CacheTerms cache = data.header().cache();
        long maxBytes = cache.evicts() ? cache.maxBytes() : maxBytesAsked;
        return data.regionOf(maxBytes == 0 ? Place.END : Math.min(maxBytes, Place.END));
    }

    /**
     * Sets the size to which the data file may grow from now on, 0 for any. A store that evicts has its own bound.
     */
    public void bound(long maxBytes) {
        maxRegions = mostRegions(maxBytes);
    }

    /** The numbers of regions that are free and that wait. */
    public RegionCounts counts() {
        return counts;
    }

    /**
     * Claims a region for the log of a stripe whose lock the caller holds. The stripe's next word names it until the
     * commit.
     *
     * @param use which of the last free regions it may be
     * @return the region, or -1 if none is near. The caller must then call {@link #makeRoom} without the lock, and
     *     try again.
     */
    public long claim(StripeWords stripe, int index, Use use) {
        long count = data.regions();
        long generation = counts.generation();
        if (!admitted(count, 1, use)) {
            return -1;
        }
        long number = nextNumber();
        long old = reusable.poll(1, this::freeOf);
        if (old >= 0 && claimed(stripe, index, old, number, generation)) {
            return unlessTooFewAreLeft(stripe, index, old, generation, kept(count, use));
        }
        long hint = shared.acquire(SharedLayout.CLAIM_HINT);
        for (long look = 0; look < Math.min(count, LOOK); look++) {
            long region = Math.floorMod(hint + look, count);
            if (counts.look(region) == State.FREE
                    && claimed(stripe, index, region, number, generation)) {
                shared.release(SharedLayout.CLAIM_HINT, region + 1);
                return unlessTooFewAreLeft(stripe, index, region, generation, kept(count, use));
            }
        }
        counts.freed(1, generation);
        return -1;
    }

    /** Gives a claim back if a new count did not know of it, and so let others take what must be kept. */
    private long unlessTooFewAreLeft(
            StripeWords stripe, int index, long first, long generation, long kept) {
        if (counts.generation() == generation || counts.free() >= kept) {
            return first;
        }
        abandon(stripe, index);
        abandonRun(stripe, index);
        return -1;
    }

    private boolean claimed(
            StripeWords stripe, int index, long region, long number, long generation) {
        stripe.release(NEXT_NUMBER, number);
        stripe.release(NEXT, Place.run(region, 1)); // N1
        Steps.at("N2");
        if (take(region, OwnerWords.alive(index, number))) {
            counts.taken(1, generation);
            return true;
        }
        stripe.release(NEXT, 0);
        return false;
    }

    /** The number of free regions at the beginning of a run; -1 if the first one waits. */
    private long freeOf(long run) {
        long first = Place.region(run);
        for (long i = 0; i < Place.low(run); i++) {
            State state = first + i < data.regions() ? counts.look(first + i) : State.ALIVE;
            if (state != State.FREE) {
                return i == 0 && state == State.WAITING ? -1 : i;
            }
        }
        return Place.low(run);
    }

    /**
     * RULE 27: the purpose of a claim, which decides how many regions must stay free after it. Let n be the regions
     * of the file, s its stripes, and max the regions to which it may grow.
     *
     * <pre>
     *              left after it                kept, as free regions with blocks
     * WRITE        s + 2; with eviction 4       (n - 4 s) / 4, but at least 2 and at most left
     * REMOVE       2                            2
     * EVACUATE     0                            0
     *
     * a claim is admitted if   free + holes + max - n &gt;= claimed + left   and   free &gt;= claimed + kept
     * </pre>
     */
    public enum Use {
        /** A write that adds data. It leaves a region per stripe for tombstones, and those of REMOVE. */
        WRITE,
        /** A removal, or cleaning beside a write. It leaves one region for an evacuation and one for a fold. */
        REMOVE,
        /** The one evacuation at a time of a full store. */
        EVACUATE
    }

    /**
     * The number of regions that must stay free, including those by which the file may grow. A store that evicts
     * finds room for a tombstone by eviction, and keeps no regions for tombstones.
     */
    private long left(Use use) {
        return switch (use) {
            case WRITE -> evicts ? 2L * LEAST_KEPT : shared.stripes() + 2L;
            case REMOVE -> 2;
            case EVACUATE -> 0;
        };
    }

    /**
     * How many free regions with blocks must stay, since the disk may be full. An evacuation of a full store claims
     * one region and frees one in a single hold, and the same again if it folds the tail: so two is the least. More
     * of them make removals cheap.
     */
    private long kept(long count, Use use) {
        if (use == Use.EVACUATE) {
            return 0;
        }
        long part = (count - 4L * shared.stripes()) / KEPT_DIVISOR;
        return Math.clamp(part, LEAST_KEPT, left(use));
    }

    /** Whether this many of the free regions may be claimed. If so, they count as claimed. */
    private boolean admitted(long count, long needed, Use use) {
        return withinBound(count, counts.free() + counts.holes(), needed, use)
                && counts.take(needed, kept(count, use));
    }

    private boolean withinBound(long count, long free, long needed, Use use) {
        return free + maxRegions - count >= needed + left(use);
    }

    /**
     * Claims neighbouring regions for a run. The stripe's next run word names them until the commit.
     *
     * @param use as in {@link #claim}
     * @return the first of them, or -1. The caller must then call {@link #makeRoom} without the lock, and try again.
     */
    public long claimRun(StripeWords stripe, int index, int regions, Use use) {
        long count = data.regions();
        long generation = counts.generation();
        if (!admitted(count, regions, use)) {
            return -1;
        }
        long first = reusable.poll(regions, this::freeOf);
        boolean searched = first < 0;
        if (searched) {
            long from = shared.acquire(SharedLayout.CLAIM_HINT);
            first = freeRun(from, Math.min(count, from + LOOK + 2L * regions), regions);
        }
        if (first < 0) {
            counts.freed(regions, generation);
            return -1;
        }
        long number = nextNumber();
        stripe.release(NEXT_RUN_NUMBER, number);
        stripe.release(NEXT_RUN, Place.run(first, regions)); // N1
        Steps.at("N2 run");
        for (long region = first; region < first + regions; region++) {
            if (!take(region, OwnerWords.alive(index, number))) {
                abandonRun(stripe, index);
                return -1;
            }
            Steps.at("N3 run");
        }
        counts.taken(regions, generation);
        if (searched) {
            shared.release(SharedLayout.CLAIM_HINT, first + regions);
        }
        return unlessTooFewAreLeft(stripe, index, first, generation, kept(count, use));
    }

    private long nextNumber() {
        return Words.add(shared.base(), SharedLayout.ALLOCATIONS, 1) + 1; // RULE 4
    }

    private boolean take(long region, long owner) {
        long at = shared.ownerAt(region);
        MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
        long judged = Words.acquire(memory, at + OwnerWords.OWNER);
        if (OwnerWords.isAlive(judged)
                || counts.look(region) != State.FREE
                || !Words.cas(memory, at + OwnerWords.OWNER, judged, owner)) { // N2
            return false;
        }
        Steps.at("N3");
        Words.release(memory, at + OwnerWords.BIRTH, shared.acquire(SharedLayout.EPOCH)); // N3
        return true;
    }

    /** Frees a claim that was not committed; the caller holds the stripe's lock. */
    public void abandon(StripeWords stripe, int index) {
        abandon(stripe, index, NEXT, NEXT_NUMBER);
    }

    /** Frees a claim for a run, as {@link #abandon} does for a region. */
    public void abandonRun(StripeWords stripe, int index) {
        abandon(stripe, index, NEXT_RUN, NEXT_RUN_NUMBER);
    }

    private void abandon(StripeWords stripe, int index, int next, int nextNumber) {
        long run = stripe.acquire(next);
        if (run == 0) {
            return;
        }
        long alive = OwnerWords.alive(index, stripe.acquire(nextNumber));
        long generation = counts.generation();
        checkRun(stripe, next, run);
        for (long i = 0; i < Place.low(run); i++) {
            long at = shared.ownerAt(Place.region(run) + i);
            MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
            if (Words.acquire(memory, at + OwnerWords.OWNER) == alive) {
                Words.release(
                        memory,
                        at + OwnerWords.DEATH,
                        Words.acquire(memory, at + OwnerWords.BIRTH));
                Words.cas(memory, at + OwnerWords.OWNER, alive, OwnerWords.dead(alive));
            }
        }
        stripe.release(next, 0);
        counts.freed(Place.low(run), generation); // all of them were taken from the count
        reusable.add(Place.region(run), Place.low(run));
    }

    /** Marks a run dead as of an epoch; the caller holds the stripe's lock. */
    public void bury(StripeWords stripe, int index, long run, long number, long epoch) {
        long alive = OwnerWords.alive(index, number);
        long generation = counts.generation();
        checkRun(stripe, StripeWords.DEAD_RUN, run);
        for (long i = 0; i < Place.low(run); i++) {
            long at = shared.ownerAt(Place.region(run) + i);
            MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
            if (Words.acquire(memory, at + OwnerWords.OWNER) == alive) {
                Words.release(memory, at + OwnerWords.DEATH, epoch); // D1
                Steps.at("D2");
                Words.cas(memory, at + OwnerWords.OWNER, alive, OwnerWords.dead(alive)); // D2
                countDead(Place.region(run) + i, generation);
            }
        }
        reusable.add(Place.region(run), Place.low(run));
    }

    private void countDead(long region, long generation) {
        switch (counts.look(region)) {
            case FREE -> counts.freed(1, generation);
            case WAITING -> counts.died(generation);
            case ALIVE, HOLE, PINNED, PUNCHING -> {}
        }
    }

    private void checkRun(StripeWords stripe, int field, long run) {
        if (run >>> Place.LOW_BITS == 0 || Place.region(run) + Place.low(run) > data.regions()) {
            throw new CorruptStore(
                    shared.file().path(),
                    stripe.at() + field,
                    "a run within the " + data.regions() + " regions of the file",
                    "0x%016x".formatted(run));
        }
    }

    /** Enters a region that recovery found in a chain, or the run of a live record. */
    public void adopt(int stripe, long first, long regions, long number) {
        for (long region = first; region < first + regions; region++) {
            long at = shared.ownerAt(region);
            MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
            long owner = OwnerWords.alive(stripe, number);
            if (!Words.cas(memory, at + OwnerWords.OWNER, 0, owner)) {
                long found = Words.acquire(memory, at + OwnerWords.OWNER);
                throw new CorruptStore(
                        data.path(),
                        data.regionAt(region),
                        "a region that belongs to stripe " + stripe + " alone",
                        "one that belongs to stripe " + OwnerWords.stripe(found) + ", too");
            }
        }
    }

    /** Whether a region belongs to the log of a stripe, with that number. */
    public boolean isAlive(int stripe, long region, long number) {
        return data.owner(region, OwnerWords.OWNER) == OwnerWords.alive(stripe, number);
    }

    /** Whether a run belongs to the record that refers to it, which it does as long as that record counts. */
    public boolean isAlive(int stripe, RecordBytes.Run run) {
        return isAlive(stripe, Place.region(run.word()), run.number());
    }

    /**
     * Makes sure that this many neighbouring regions are free: looks for them in the whole file, or extends the file.
     * The caller holds no stripe's lock (RULE 13).
     *
     * @param use as in {@link #claim}
     * @throws StoreFull if the bound is reached or the disk is full
     * @throws SystemFailure if the file cannot be extended for another reason
     * @throws StoreReplaced if its name no longer names the file
     */
    public void makeRoom(int regions, Use use) {
        locks.whileGrowing(() -> makeRoomHolding(regions, use));
    }

    private void makeRoomHolding(int regions, Use use) {
        holes.endPunches();
        long count = data.regions();
        Census census = counts.counted();
        long wanted = regions + kept(count, use);
        IOException unfilled = null;
        if (withinBound(count, census.free() + census.holes(), regions, use)) {
            long first = census.free() < wanted ? -1 : freeRun(0, count, regions);
            if (first < 0 && census.holes() > 0) {
                try {
                    first = holes.filled(count, regions, wanted - census.free());
                } catch (IOException e) {
                    unfilled = e; // perhaps the file can grow
                }
            }
            if (first >= 0) {
                shared.release(SharedLayout.CLAIM_HINT, first);
                noteFree(first, count);
                return;
            }
        }
        if (unfilled != null && count + regions > maxRegions) {
            throw noSpace(regions, census, unfilled);
        }
        grow(count, regions, use, census);
        shared.release(SharedLayout.CLAIM_HINT, count);
    }

    /** Notes free regions, so that one search of the whole file serves many claims if there are few. */
    private void noteFree(long from, long to) {
        if (reusable.isEmpty()) {
            for (long region = from; region < to; region++) {
                if (counts.look(region) == State.FREE) {
                    reusable.add(region, 1);
                }
            }
        }
    }

    /**
     * Provides the least that a store needs: a region for each stripe, and those that no write may take.
     *
     * @throws StoreFull if the disk does not have the space
     */
    public void provideLeast() {
        locks.whileGrowing(() -> {
            long count = data.regions();
            long least = shared.stripes() + (long) LEAST_KEPT;
            if (count < least) {
                try {
                    growth.lengthen(count, least, maxRegions);
                } catch (IOException e) {
                    throw OpenFile.growthFailure(
                            data.path(),
                            ("no space for %d bytes, which a store of %d stripes needs"
                                                    + " at least; free")
                                            .formatted(data.regionAt(least), shared.stripes())
                                    + " space on the disk, or create it with fewer stripes",
                            data.regionAt(least),
                            0,
                            e);
                }
            }
        });
    }

    private long freeRun(long from, long to, int regions) {
        return counts.run(from, to, regions, EnumSet.of(State.FREE));
    }

    private void grow(long count, int needed, Use use, Census census) {
        long least = needed + kept(count + needed + left(use), use);
        long wanted = growth.grown(count, least, maxRegions);
        if (wanted < count + needed
                || !withinBound(count, census.free() + census.holes(), needed, use)) {
            throw new StoreFull(
                    data.path(),
                    "the store may have %d regions of %d bytes, and %d more regions are needed; %s"
                                    .formatted(
                                            maxRegions, data.regionBytes(), needed, wayOut(census))
                            + "remove entries, or open it with a greater maxBytes",
                    needed * (long) data.regionBytes(),
                    freedByCheckpoint(census),
                    null);
        }
        try {
            growth.lengthen(count, wanted, maxRegions);
        } catch (IOException first) {
            try {
                wanted = count + Math.max(needed, needed + kept(count, use) - census.free());
                growth.lengthen(count, wanted, maxRegions);
            } catch (IOException e) {
                e.addSuppressed(first);
                throw noSpace(needed, census, e);
            }
        }
    }

    /**
     * The number of regions that may be claimed now and after the file was extended as far as it may be.
     *
     * @param mayGrow whether it can be extended, as far as is known
     */
    public long claimable(boolean mayGrow) {
        long ahead = mayGrow ? Math.max(0, maxRegions - data.regions()) : 0;
        return counts.free() + counts.holes() + ahead;
    }

    /** The greatest number of regions of the file. */
    public long most() {
        return maxRegions;
    }

    /** Whether writers will soon have to extend the file, and it pays to do it for them. */
    public boolean runShort() {
        long count = data.regions();
        long ahead = Growth.ahead(count);
        return ahead > 0
                && counts.free() + counts.holes() + counts.waiting()
                        < kept(count, Use.WRITE) + ahead / 2;
    }

    /** Extends a file that runs short of regions before a writer must; otherwise as {@link #makeRoom}. */
    public boolean makeRoomAhead(long mostBytes) {
        boolean[] made = {false};
        locks.whileGrowing(() -> {
            long count = data.regions();
            long wanted = growth.grownAhead(count, maxRegions);
            if (runShort() && wanted > count && data.regionAt(wanted) <= mostBytes) {
                try {
                    growth.lengthen(count, wanted, maxRegions);
                } catch (IOException e) {
                    throw noSpace(1, counts.counted(), e);
                }
                made[0] = true;
            }
        });
        return made[0];
    }

    private CairnException noSpace(int needed, Census census, IOException e) {
        long wanted = needed * (long) data.regionBytes();
        return OpenFile.growthFailure(
                data.path(),
                "no space for %d more bytes; %s".formatted(wanted, wayOut(census))
                        + "remove entries, or free space on the disk",
                wanted,
                freedByCheckpoint(census),
                e);
    }

    /** About how many bytes the next extension of the file adds. */
    public long growthBytes() {
        long count = data.regions();
        return (growth.grown(count, 1, maxRegions) - count) * data.regionBytes();
    }

    private String wayOut(Census census) {
        return census.waiting() == 0
                ? ""
                : "a checkpoint would free %d bytes; ".formatted(freedByCheckpoint(census));
    }

    private long freedByCheckpoint(Census census) {
        return census.waiting() * data.regionBytes();
    }

    /**
     * Gives blocks to the regions that recovery adopted and takes all others for holes. A copy of the file, or a file
     * that was compacted, may lack blocks anywhere.
     *
     * @throws IOException if there is no space for them
     */
    public void provideBlocks() throws IOException {
        holes.fillLiving();
        counts.recount();
    }

    /**
     * Gives the blocks of free regions back to the file system, except those that no write may take.
     *
     * @return how many regions gave up their blocks
     * @throws IOException if the file system cannot do it
     */
    public long punchHoles() throws IOException {
        long[] punched = {0};
        IOException[] failure = {null};
        locks.whileGrowing(() -> {
            holes.endPunches();
            Census _ = counts.counted();
            try {
                punched[0] = holes.punchAllBut(LEAST_KEPT);
            } catch (IOException e) {
                failure[0] = e;
            }
            Census _ = counts.counted();
        });
        if (failure[0] != null) {
            throw failure[0];
        }
        return punched[0];
    }
}
