package dev.cairn.log;

import static dev.cairn.format.StripeWords.NEXT;
import static dev.cairn.format.StripeWords.NEXT_NUMBER;
import static dev.cairn.format.StripeWords.NEXT_RUN;
import static dev.cairn.format.StripeWords.NEXT_RUN_NUMBER;

import dev.cairn.CorruptStore;
import dev.cairn.StoreFull;
import dev.cairn.StoreReplaced;
import dev.cairn.SystemFailure;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.Place;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.DataFile.State;
import dev.cairn.os.OpenFile;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/*
 * Actors    writers, each under the lock of its stripe; whoever grows the file, under the grow lock.
 * Words     a region's owner word {number, stripe, alive}, birth and death epoch; the stripe's next
 *           and next run words, which name a claim from before it is made until it is committed.
 * Steps     N1 next number, next := {region}         N2 CAS of the dead owner word judged
 *           N3 birth := epoch                         (then the first byte of the region)
 *           D1 death epoch                            D2 owner word dead, by CAS of {stripe, number}
 * Why it is safe
 *           Two claimers of one region: one CAS fails. Allocation numbers are never given twice
 *           (RULE 4), so D2 repeated after the region went to somebody else changes nothing.
 *           The epoch stands still while a stripe's lock is held, because a cut takes them all.
 * If a process dies here
 *           Before N2 the owner word is another's or dead; after it, it is exactly what next says,
 *           and the repairer marks it dead with death = birth. Whether birth was stored or is the
 *           former life's, birth = death means free, and free it was.
 * If power fails here
 *           None of this is durable: recovery computes it from the chains.
 */
/** Which region of the data file belongs to whom, and which is free (RULE 25). */
public final class Regions {
    /** Entries that are looked at under a stripe's lock before room is sought without it. */
    private static final int LOOK = 1024;

    /** A small file grows by a quarter; the mappings of a large one sum up to 17 times its size. */
    private static final long SMALL_GROWTH_BYTES = 8L << 20;

    private static final int SMALL_DIVISOR = 4;
    private static final int GROWTH_DIVISOR = 16;
    private static final int LEAST_GROWTH_REGIONS = 16;

    private final DataFile data;
    private final SharedMemory shared;
    private final SharedMemory.Locks locks;
    private volatile long maxRegions;

    /**
     * @param maxBytes bound of the data file, 0 for none
     */
    public Regions(DataFile data, SharedMemory shared, SharedMemory.Locks locks, long maxBytes) {
        this.data = data;
        this.shared = shared;
        this.locks = locks;
        this.maxRegions = mostRegions(maxBytes);
    }

    private long mostRegions(long maxBytes) {
        return data.regionOf(maxBytes == 0 ? Place.END : Math.min(maxBytes, Place.END));
    }

    /** From now on the data file grows to that size at most, 0 for any. */
    public void bound(long maxBytes) {
        maxRegions = mostRegions(maxBytes);
    }

    /**
     * Claims a region for the log of a stripe whose lock the caller holds; the stripe's next word
     * names it until the commit.
     *
     * @param use which of the last ones it may be
     * @return the region, or -1 if none is near: {@link #makeRoom} without the lock, then again
     */
    public long claim(StripeWords stripe, int index, Use use) {
        long count = data.regions();
        if (!enough(count, shared.acquire(SharedLayout.FREE_HINT), 1, use)) {
            return -1;
        }
        long hint = shared.acquire(SharedLayout.CLAIM_HINT);
        long number = nextNumber();
        for (long look = 0; look < Math.min(count, LOOK); look++) {
            long region = Math.floorMod(hint + look, count);
            if (!data.free(region)) {
                continue;
            }
            stripe.release(NEXT_NUMBER, number);
            stripe.release(NEXT, Place.run(region, 1)); // N1
            Steps.at("N2");
            if (take(region, OwnerWords.alive(index, number))) {
                shared.release(SharedLayout.CLAIM_HINT, region + 1);
                return region;
            }
            stripe.release(NEXT, 0);
        }
        return -1;
    }

    /** RULE 27: what a region is wanted for, and so how many must be left behind it. */
    public enum Use {
        /** A write that adds: leaves a region for each stripe's tombstones, and what follows. */
        WRITE,
        /** A removal, or cleaning beside a write: leaves one for an evacuation and one for a fold. */
        REMOVE,
        /** The store's one evacuation when it is full. */
        EVACUATE
    }

    private long left(Use use) {
        return switch (use) {
            case WRITE -> shared.stripes() + 2L;
            case REMOVE -> 2;
            case EVACUATE -> 0;
        };
    }

    /**
     * Whether so many of the free regions may be used. What the file could still grow by counts; but
     * since a disk may be full, some are kept as they are once a store is of some size.
     */
    private boolean enough(long count, long free, long needed, Use use) {
        long kept = Math.clamp((count - 4L * shared.stripes()) / 4, 0, left(use));
        return free >= needed + kept && withinBound(count, free, needed, use);
    }

    private boolean withinBound(long count, long free, long needed, Use use) {
        return free + maxRegions - count >= needed + left(use);
    }

    /**
     * Claims neighbouring regions for a run; the stripe's next run word names them.
     *
     * @param use as in {@link #claim}
     * @return the first of them, or -1: {@link #makeRoom} without the lock, then again
     */
    public long claimRun(StripeWords stripe, int index, int regions, Use use) {
        long count = data.regions();
        if (!enough(count, shared.acquire(SharedLayout.FREE_HINT), regions, use)) {
            return -1;
        }
        long from = shared.acquire(SharedLayout.CLAIM_HINT);
        long first = freeRun(from, Math.min(count, from + LOOK + 2L * regions), regions);
        if (first < 0) {
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
        shared.release(SharedLayout.CLAIM_HINT, first + regions);
        return first;
    }

    private long nextNumber() {
        return Words.add(shared.base(), SharedLayout.ALLOCATIONS, 1) + 1; // RULE 4
    }

    private boolean take(long region, long owner) {
        long at = shared.ownerAt(region);
        MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
        long judged = Words.acquire(memory, at + OwnerWords.OWNER);
        if (OwnerWords.isAlive(judged)
                || !data.free(region)
                || !Words.cas(memory, at + OwnerWords.OWNER, judged, owner)) { // N2
            return false;
        }
        Steps.at("N3");
        Words.release(memory, at + OwnerWords.BIRTH, shared.acquire(SharedLayout.EPOCH)); // N3
        Words.add(shared.base(), SharedLayout.FREE_HINT, -1);
        return true;
    }

    /** Frees a claim that did not commit; the caller holds the stripe's lock. */
    public void abandon(StripeWords stripe, int index) {
        abandon(stripe, index, NEXT, NEXT_NUMBER);
    }

    /** As {@link #abandon}, for a run. */
    public void abandonRun(StripeWords stripe, int index) {
        abandon(stripe, index, NEXT_RUN, NEXT_RUN_NUMBER);
    }

    private void abandon(StripeWords stripe, int index, int next, int nextNumber) {
        long run = stripe.acquire(next);
        if (run == 0) {
            return;
        }
        long alive = OwnerWords.alive(index, stripe.acquire(nextNumber));
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
                Words.add(shared.base(), SharedLayout.FREE_HINT, 1);
            }
        }
        stripe.release(next, 0);
    }

    /** Marks a run dead as of an epoch; the caller holds the stripe's lock. */
    public void bury(StripeWords stripe, int index, long run, long number, long epoch) {
        long alive = OwnerWords.alive(index, number);
        checkRun(stripe, StripeWords.DEAD_RUN, run);
        for (long i = 0; i < Place.low(run); i++) {
            long at = shared.ownerAt(Place.region(run) + i);
            MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
            if (Words.acquire(memory, at + OwnerWords.OWNER) == alive) {
                Words.release(memory, at + OwnerWords.DEATH, epoch); // D1
                Steps.at("D2");
                Words.cas(memory, at + OwnerWords.OWNER, alive, OwnerWords.dead(alive)); // D2
                countDead(Place.region(run) + i);
            }
        }
    }

    private void countDead(long region) {
        switch (data.state(region)) {
            case FREE, HOLE -> Words.add(shared.base(), SharedLayout.FREE_HINT, 1);
            case WAITING -> Words.add(shared.base(), SharedLayout.WAITING_HINT, 1);
            case ALIVE, PINNED, PUNCHING -> {}
        }
    }

    private void checkRun(StripeWords stripe, int field, long run) {
        if (run >>> Place.LOW_BITS == 0 || Place.region(run) + Place.low(run) > data.regions()) {
            throw new CorruptStore(
                    shared.file().path(),
                    stripe.at() + field,
                    "a run of regions of " + data.regions(),
                    "0x%016x".formatted(run));
        }
    }

    /** Enters a region that recovery found in a chain, or a run of a record that counts. */
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
                        "a region of stripe " + stripe + " and of no other",
                        "one of stripe " + OwnerWords.stripe(found) + " too");
            }
        }
    }

    /** Whether a region belongs to the log of a stripe, by that number. */
    public boolean isAlive(int stripe, long region, long number) {
        return data.owner(region, OwnerWords.OWNER) == OwnerWords.alive(stripe, number);
    }

    /** Whether a run is that of the record that refers to it, as long as that counts. */
    public boolean isAlive(int stripe, Chain.Run run) {
        return isAlive(stripe, Place.region(run.word()), run.number());
    }

    /**
     * How many regions are in which state.
     *
     * @param free may be claimed now
     * @param holes may be claimed once they have blocks
     * @param waiting dead, and free with the next checkpoint
     */
    public record Census(long free, long holes, long waiting) {}

    public Census census() {
        return census(data);
    }

    /** As {@link #census()}, for whoever only reads. */
    public static Census census(DataFile data) {
        long free = 0;
        long holes = 0;
        long waiting = 0;
        for (long region = 0; region < data.regions(); region++) {
            switch (data.state(region)) {
                case FREE -> free++;
                case HOLE -> holes++;
                case WAITING -> waiting++;
                case ALIVE, PINNED, PUNCHING -> {}
            }
        }
        return new Census(free, holes, waiting);
    }

    /** As {@link #census()}, and corrects the hints, which lose count when a process dies. */
    public Census recount() {
        Census census = census();
        shared.release(SharedLayout.FREE_HINT, census.free + census.holes);
        shared.release(SharedLayout.WAITING_HINT, census.waiting);
        return census;
    }

    /** Bytes of dead regions that wait for a checkpoint, about. */
    public long waitingBytes() {
        return shared.acquire(SharedLayout.WAITING_HINT) * data.regionBytes();
    }

    /**
     * Sees to it that so many neighbouring regions are free, by looking for them everywhere and
     * else by lengthening the file; without a stripe's lock (RULE 13).
     *
     * @param use as in {@link #claim}
     * @throws StoreFull if the bound is reached or the disk is full
     * @throws SystemFailure if the file cannot be lengthened for another reason
     * @throws StoreReplaced if its name is not the file's any more
     */
    public void makeRoom(int regions, Use use) {
        locks.whileGrowing(() -> makeRoomHolding(regions, use));
    }

    private void makeRoomHolding(int regions, Use use) {
        endPunches();
        long count = data.regions();
        Census census = recount();
        long first = -1;
        if (enough(count, census.free + census.holes, regions, use)) {
            first = freeRun(0, count, regions);
            if (first < 0) {
                first = holesFilled(count, regions);
            }
        }
        if (first < 0) {
            grow(count, regions, use, census);
            first = count;
            recount();
        }
        shared.release(SharedLayout.CLAIM_HINT, first);
    }

    private long freeRun(long from, long to, int regions) {
        return run(from, to, regions, EnumSet.of(State.FREE));
    }

    private long run(long from, long to, int regions, Set<State> states) {
        long start = from;
        for (long region = from; region < to; region++) {
            if (!states.contains(data.state(region))) {
                start = region + 1;
            } else if (region - start + 1 >= regions) {
                return start;
            }
        }
        return -1;
    }

    /** Gives blocks to so many neighbours that are free or holes, and to some behind them. */
    private long holesFilled(long count, int regions) {
        long first = run(0, count, regions, EnumSet.of(State.FREE, State.HOLE));
        long end = Math.min(count, first + Math.max(regions, LEAST_GROWTH_REGIONS));
        for (long region = first; first >= 0 && region < end; region++) {
            if (data.state(region) == State.HOLE) {
                try {
                    data.file().opened().refill(data.regionAt(region), data.regionAt(region + 1));
                } catch (IOException _) {
                    return region - first >= regions ? first : -1; // growing tells why
                }
                setHole(region, 0);
            }
        }
        return first;
    }

    /** Whoever held the grow lock while it punched is dead. */
    private void endPunches() {
        for (long region = 0; region < data.regions(); region++) {
            if (data.state(region) == State.PUNCHING) {
                endPunch(region);
            }
        }
    }

    private void grow(long count, int needed, Use use, Census census) {
        long step = Math.max(growth(count), needed + left(use));
        long wanted = Math.min(count + step, maxRegions);
        if (wanted < count + needed
                || !withinBound(count, census.free + census.holes, needed, use)) {
            throw new StoreFull(
                    data.path(),
                    "the store may have %d regions of %d bytes, and %d more are needed; %s"
                                    .formatted(
                                            maxRegions, data.regionBytes(), needed, wayOut(census))
                            + "remove entries, or open it with a greater maxBytes",
                    null);
        }
        try {
            reserve(count, wanted);
        } catch (IOException first) {
            try {
                reserve(count, count + needed);
                wanted = count + needed;
            } catch (IOException e) {
                e.addSuppressed(first);
                throw OpenFile.growthFailure(
                        data.path(),
                        "no space for %d more bytes; %s"
                                        .formatted(
                                                needed * (long) data.regionBytes(), wayOut(census))
                                + "remove entries, or free space on the disk",
                        e);
            }
        }
        shared.release(SharedLayout.REGIONS, wanted);
    }

    private long growth(long count) {
        long small = Math.min(count / SMALL_DIVISOR, SMALL_GROWTH_BYTES / data.regionBytes());
        long least = Math.max(LEAST_GROWTH_REGIONS, shared.stripes());
        return Math.max(Math.max(count / GROWTH_DIVISOR, small), least);
    }

    /** Bytes by which the file will be lengthened next, about. */
    public long growthBytes() {
        return growth(data.regions()) * data.regionBytes();
    }

    private String wayOut(Census census) {
        return census.waiting == 0
                ? ""
                : "a checkpoint would free %d bytes; "
                        .formatted(census.waiting * data.regionBytes());
    }

    private void reserve(long from, long to) throws IOException {
        shared.ensureOwnerEntry(locks, to - 1);
        data.file().reserve(data.regionAt(from), data.regionAt(to));
    }

    /**
     * Gives blocks to the regions that recovery adopted and takes all others for holes: a copy of the
     * file, or one that was compacted, may lack blocks anywhere.
     *
     * @throws IOException if there is no space for them
     */
    public void provideBlocks() throws IOException {
        data.file().opened().fillHoles(0, data.regionAt(0));
        for (long region = 0; region < data.regions(); region++) {
            if (data.state(region) == DataFile.State.ALIVE) {
                data.file().opened().fillHoles(data.regionAt(region), data.regionAt(region + 1));
                shared.advanced(data.regionBytes());
            } else {
                setHole(region, 1);
            }
        }
        recount();
    }

    /**
     * Gives the blocks of free regions back to the file system.
     *
     * @return how many regions
     * @throws IOException if the file system cannot
     */
    public long punchHoles() throws IOException {
        long[] punched = {0};
        IOException[] failure = {null};
        locks.whileGrowing(() -> {
            endPunches();
            try {
                for (long region = 0; region < data.regions(); region++) {
                    punched[0] += punch(region) ? 1 : 0;
                }
            } catch (IOException e) {
                failure[0] = e;
            }
            recount();
        });
        if (failure[0] != null) {
            throw failure[0];
        }
        return punched[0];
    }

    /**
     * The region is claimed while it loses its blocks, by a word that names no stripe, and dead
     * afterwards by another number: so nobody who judged it free before can claim it as it was.
     */
    private boolean punch(long region) throws IOException {
        long at = shared.ownerAt(region);
        MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
        long judged = Words.acquire(memory, at + OwnerWords.OWNER);
        if (OwnerWords.isAlive(judged)
                || !data.free(region)
                || !Words.cas(memory, at + OwnerWords.OWNER, judged, OwnerWords.punching())) {
            return false;
        }
        setHole(region, 1);
        try {
            data.file().opened().punch(data.regionAt(region), data.regionAt(region + 1));
        } finally {
            endPunch(region);
        }
        return true;
    }

    private void setHole(long region, long hole) {
        long at = shared.ownerAt(region) + OwnerWords.HOLE;
        Words.release(shared.covering(at, Long.BYTES), at, hole);
    }

    private void endPunch(long region) {
        long at = shared.ownerAt(region);
        MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
        setHole(region, 1);
        Words.release(
                memory, at + OwnerWords.OWNER, OwnerWords.dead(OwnerWords.alive(0, nextNumber())));
    }
}
