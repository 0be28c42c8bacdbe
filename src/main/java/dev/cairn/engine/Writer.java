package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.format.HashBits;
import dev.cairn.format.Place;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Commit;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.Appender;
import dev.cairn.log.Draft;
import dev.cairn.log.Records;
import dev.cairn.log.Records.Outline;
import dev.cairn.log.Regions;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

/*
 * Actors    the threads of every process that writes; of one stripe, one at a time.
 * Steps     W1 the stripe's lock; repair what a dead holder left
 *           W2 the slot; the place: the tail, or a new region (N1 to N3, header, filler), or a run
 *           W3 content with checksum and version, behind the tail
 *           W4 to W12 stage, commit, carry out: see Commit
 *           W13 (remove) uncount the buckets passed      W14 unlock
 * Why it is safe
 *           Up to W5 nothing changes that anybody reads, but for tags and overflow counts, which
 *           may claim too much. Nobody waits for space or for the growth of a file with the lock
 *           held (RULE 13): the attempt ends, gives back what it claimed, and begins again.
 * If a process dies here
 *           The next holder of the lock repairs. The same repair runs when a Throwable comes out of
 *           an attempt of a live process, and if even that fails the lock is abandoned to others.
 */
/** The writes. */
final class Writer {
    /** Expected version: whatever there is. */
    static final long ANY = -1;

    /** Expected version: nothing. */
    static final long NOTHING = 0;

    private static final long MAX_VERSION = 1L << 62;
    private static final long NOT_APPLIED = 0;
    private static final long NO_REGION = -1;

    private final SharedMemory shared;
    private final Records records;
    private final KeyHash hash;
    private final Index index;
    private final Parts.Writing writing;
    private final Regions regions;
    private final Commit commit;
    private final Reader reader;
    private final int regionBytes;

    Writer(Parts parts, Reader reader) {
        this.shared = parts.shared();
        this.records = parts.records();
        this.hash = parts.hash();
        this.index = parts.index();
        this.writing = parts.requireWriting();
        this.regions = writing.regions();
        this.commit = writing.commit();
        this.reader = reader;
        this.regionBytes = parts.data().regionBytes();
    }

    /**
     * Writes or removes an entry if it is as expected.
     *
     * @param value null removes
     * @param expires milliseconds since 1970, 0 never
     * @param expected the version the entry must have, {@link #ANY} or {@link #NOTHING}
     * @return the version of the write, 0 if the entry was not as expected or not there to remove
     */
    long write(byte[] key, byte @Nullable [] value, long expires, long expected) {
        Draft draft = Draft.of(key, value, expires, regionBytes);
        long hashed = hash.of(key);
        int stripe = index.stripe(hashed);
        while (true) {
            long result = attempt(stripe, hashed, draft, value == null, expected);
            if (result >= 0) {
                return result;
            }
            if (result == NO_REGION) {
                regions.makeRoom(draft.runRegions(regionBytes) + 1);
            } else {
                shared.makeRoom(writing.locks(), -result);
            }
        }
    }

    /** Under a stripe's lock, so that no write raises it behind the last checkpoint's back. */
    private void raiseClock() {
        long now = System.currentTimeMillis();
        long seen = shared.acquire(SharedLayout.CLOCK);
        while (seen < now && !Words.cas(shared.base(), SharedLayout.CLOCK, seen, now)) {
            seen = shared.acquire(SharedLayout.CLOCK);
        }
    }

    /** One attempt under the stripe's lock: a version, 0, {@link #NO_REGION} or minus bytes. */
    private long attempt(int stripe, long hashed, Draft draft, boolean remove, long expected) {
        SharedLock lock = lockRepaired(stripe); // W1
        boolean whole = false;
        try {
            Steps.at("W2");
            long result = locked(stripe, hashed, draft, remove, expected);
            whole = true;
            return result;
        } finally {
            if (whole) {
                Steps.at("W14");
                lock.release(); // W14
            } else {
                repairAndRelease(stripe, lock);
            }
        }
    }

    private void repairAndRelease(int stripe, SharedLock lock) {
        boolean repaired = false;
        try {
            commit.repair(stripe);
            repaired = true;
        } finally {
            if (repaired) {
                lock.release();
            } else {
                lock.abandon();
            }
        }
    }

    private long locked(int stripe, long hashed, Draft draft, boolean remove, long expected) {
        StripeWords words = shared.stripe(stripe);
        Index.Spot spot = index.locate(stripe, hashed, draft.key()); // W2
        Outline old = spot.slot() == 0 ? null : records.outlineLocked(Place.offset(spot.slot()));
        long present = old == null || reader.expired(old.expires()) ? NOTHING : old.version();
        if (expected == ANY ? remove && present == NOTHING : expected != present) {
            return NOT_APPLIED;
        }
        if (old == null && writing.tables().crowded(stripe, spot)) {
            do {
                long room = writing.tables().rebuild(stripe);
                if (room != 0) {
                    return -room;
                }
                spot = index.locate(stripe, hashed, draft.key());
            } while (spot.slotAt() == 0);
        }
        Appender appender = writing.appenders()[stripe];
        Appender.Spot place = appender.reserve(draft);
        if (place == null) {
            commit.repair(stripe); // gives a claim back
            return NO_REGION;
        }
        long version = nextVersion(words);
        if (draft.expires() != 0) {
            raiseClock();
        }
        Steps.at("W3");
        appender.write(draft, place, version); // W3
        Steps.at("W4");
        if (old == null) {
            index.raiseOverflow(stripe, hashed, spot.passed());
        }
        commit.apply(
                stripe,
                new Commit.Change(
                        spot.slotAt(),
                        remove ? 0 : index.slotWord(place.offset(), hashed),
                        HashBits.tag(hashed),
                        version,
                        place,
                        words.acquire(StripeWords.LIVE_COUNT)
                                + (remove ? 0 : 1)
                                - (old == null ? 0 : 1),
                        words.acquire(StripeWords.LIVE_BYTES)
                                + (remove ? 0 : draft.liveBytes(regionBytes))
                                - (old == null ? 0 : old.liveBytes()),
                        old == null ? 0 : old.run(),
                        old == null ? 0 : old.runNumber()));
        if (remove) {
            Steps.at("W13");
            index.lowerOverflow(stripe, hashed, spot.passed()); // W13
        }
        return version;
    }

    private long nextVersion(StripeWords words) {
        long last = words.acquire(StripeWords.VERSION);
        if (last < 0 || last > MAX_VERSION) {
            throw new CorruptStore(
                    shared.file().path(),
                    words.at() + StripeWords.VERSION,
                    "a version from 0 to " + MAX_VERSION,
                    Long.toString(last));
        }
        return last + 1;
    }

    /** Repairs every stripe, by taking its lock; tells how many had something to repair. */
    int repairAll() {
        int repaired = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            boolean pending = shared.stripe(stripe).pending();
            lockRepaired(stripe).release();
            repaired += pending ? 1 : 0;
        }
        return repaired;
    }

    /** Takes a stripe's lock and repairs what a dead holder left. */
    SharedLock lockRepaired(int stripe) {
        SharedLock lock = writing.stripeLocks()[stripe];
        lock.acquire(writing.lockTimeoutNanos());
        boolean repaired = false;
        try {
            commit.repair(stripe);
            repaired = true;
            return lock;
        } finally {
            if (!repaired) {
                lock.abandon();
            }
        }
    }

    /** Waits for the writes that are under way in this process, and lets no more begin. */
    void retire() {
        for (SharedLock lock : writing.stripeLocks()) {
            lock.retire();
        }
        writing.locks().retire();
    }

    /** Repairs every stripe when nobody is left who could hold a lock. */
    void repairRetired() {
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            commit.repair(stripe);
            shared.stripe(stripe).release(StripeWords.LOCK, 0);
        }
    }
}
