package dev.cairn.engine;

import dev.cairn.CheckpointFailed;
import dev.cairn.CorruptStore;
import dev.cairn.StoreFull;
import dev.cairn.SystemFailure;
import dev.cairn.format.HashBits;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Commit;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.index.StripeLocks;
import dev.cairn.log.Appender;
import dev.cairn.log.DataFile;
import dev.cairn.log.Draft;
import dev.cairn.log.Records;
import dev.cairn.log.Records.Copy;
import dev.cairn.log.Records.Outline;
import dev.cairn.log.Regions;
import dev.cairn.log.Regions.Use;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;

/*
 * Actors    the threads of every process that writes; of one stripe, one at a time.
 * Steps     W1 the stripe's lock; repair what a dead holder left; replace a tail region that was
 *              given up: see Renewal
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
 *           an attempt of a live process, and if even that fails the lock is left to the next holder,
 *           which no error can keep from taking it: see SharedLock.
 */
/** The writes. */
final class Writer {
    /** Expected version: whatever there is. */
    static final long ANY = -1;

    /** Expected version: nothing. */
    static final long NOTHING = 0;

    /** Expected version: whatever there is, as long as there is something. */
    static final long SOMETHING = -2;

    private static final long MAX_VERSION = 1L << 62;
    private static final long NOT_APPLIED = 0;

    /** No room was found; a table that needs some says minus its bytes, which are more. */
    static final long NO_REGION = -1;

    /** The last regions are not to be had for a write. */
    static final long REFUSED = Long.MIN_VALUE;

    /** Regions of a chain that is cleaned all through to make room for one write that adds. */
    private static final int SHORT_CHAIN = 16;

    /** Entries that are written in one hold of a stripe's lock, so that others wait some 100 us. */
    private static final int MOST_IN_A_HOLD = 32;

    /** Bytes that a write may clean for each byte that it appends. */
    private static final long CLEANING_PACE = 8;

    private final SharedMemory shared;
    private final Records records;
    private final KeyHash hash;
    private final Index index;
    private final Parts.Writing writing;
    private final Regions regions;
    private final StripeLocks stripes;
    private final Commit commit;
    private final Reader reader;
    private final int regionBytes;
    private final DataFile data;
    private final Cleaner cleaner;
    private final Space space;

    /** Who sees to it that there is room; all but {@link #turnedOver} without a stripe's lock. */
    interface Space {
        /** Regions were claimed or died. */
        void turnedOver();

        /** No free region is near: the file is about to grow. */
        void keepWithinBound();

        /** The store is full; tells whether there is more room than before. */
        boolean reclaim();

        /**
         * Lets a write to a stripe have the last regions, one write at a time in all processes, and
         * cleans the stripe for it, once round.
         *
         * @param attempt {@link #NO_REGION} if the stripe has to be cleaned further for it, {@link
         *     #REFUSED} if that is no use
         */
        long squeeze(int stripe, LongSupplier attempt);
    }

    /**
     * @param background whether checkpoints come by themselves
     */
    Writer(Parts parts, Reader reader, boolean background, Space space) {
        this.data = parts.data();
        this.space = space;
        this.cleaner = new Cleaner(parts, this, reader, background);
        this.shared = parts.shared();
        this.records = parts.records();
        this.hash = parts.hash();
        this.index = parts.index();
        this.writing = parts.requireWriting();
        this.regions = writing.regions();
        this.stripes = writing.stripes();
        this.commit = writing.commit();
        this.reader = reader;
        this.regionBytes = parts.data().regionBytes();
    }

    /** Takes a copy of what was there before a write, expected or not. */
    static final class Before {
        private @Nullable Copy copy;

        /** Null if nothing was there; to be checked for soundness. */
        @Nullable Copy copy() {
            return copy;
        }
    }

    /**
     * Writes or removes an entry if it is as expected.
     *
     * @param value null removes
     * @param expires milliseconds since 1970, 0 never
     * @param expected the version the entry must have, {@link #ANY}, {@link #NOTHING} or {@link
     *     #SOMETHING}
     * @return the version of the write, 0 if the entry was not as expected or not there to remove
     */
    long write(byte[] key, byte @Nullable [] value, long expires, long expected) {
        return write(key, value, expires, expected, null);
    }

    /**
     * As {@link #write(byte[], byte[], long, long)}.
     *
     * @param before gets what the write found; null if nobody wants it
     */
    long write(
            byte[] key,
            byte @Nullable [] value,
            long expires,
            long expected,
            @Nullable Before before) {
        // a copy: what is hashed, compared and stored is one key, though the caller change its own
        Draft draft = Draft.of(key.clone(), value, expires, regionBytes);
        long hashed = hash.of(draft.key());
        return write(index.stripe(hashed), hashed, draft, expected, before);
    }

    private long write(
            int stripe, long hashed, Draft draft, long expected, @Nullable Before before) {
        Use use = draft.kind() == RecordLayout.TOMBSTONE ? Use.REMOVE : Use.WRITE;
        while (true) {
            long result = attempt(stripe, hashed, draft, use, expected, before);
            if (result == NO_REGION && !makeRoom(needed(stripe, draft), use)) {
                result =
                        space.squeeze(
                                stripe,
                                () ->
                                        attempt(
                                                stripe,
                                                hashed,
                                                draft,
                                                Use.EVACUATE,
                                                expected,
                                                before));
                if (result == NO_REGION || result == REFUSED) {
                    regions.makeRoom(needed(stripe, draft), use); // says what would help
                    continue;
                }
            }
            if (result >= 0) {
                return result;
            }
            if (result != NO_REGION) {
                shared.makeRoom(writing.locks(), -result);
            }
        }
    }

    /**
     * An entry to be written with others, whatever is there.
     *
     * @param expires milliseconds since 1970, 0 never
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on, never compared
    record Entry(byte[] key, byte[] value, long expires) {}

    /** Writes entries, of each stripe in their order; a stripe's lock is taken for several at a time. */
    void writeAll(List<Entry> entries) {
        Map<Integer, List<Hashed>> byStripe = new TreeMap<>();
        for (Entry entry : entries) {
            Draft draft = Draft.of(entry.key.clone(), entry.value, entry.expires, regionBytes);
            long hashed = hash.of(draft.key());
            byStripe.computeIfAbsent(index.stripe(hashed), _ -> new ArrayList<>())
                    .add(new Hashed(hashed, draft));
        }
        byStripe.forEach(this::writeAll);
    }

    private record Hashed(long hash, Draft draft) {}

    private void writeAll(int stripe, List<Hashed> entries) {
        for (int from = 0; from < entries.size(); ) {
            int written = writeSome(stripe, entries, from);
            if (written == 0) { // it needs room, which is not made with the lock held
                Hashed next = entries.get(from);
                long _ = write(stripe, next.hash, next.draft, ANY, null);
                written = 1;
            }
            from += written;
        }
    }

    /** Writes entries in one hold of the stripe's lock, as many as it has room for; tells how many. */
    private int writeSome(int stripe, List<Hashed> entries, int from) {
        int end = Math.min(entries.size(), from + MOST_IN_A_HOLD);
        return (int)
                stripes.longHolding( // W1
                        stripe,
                        () -> {
                            int written = 0;
                            while (from + written < end) {
                                Hashed next = entries.get(from + written);
                                long result =
                                        inHold(stripe, next.hash, next.draft, Use.WRITE, ANY, null);
                                if (result < 0) {
                                    break;
                                }
                                written++;
                            }
                            return written;
                        }); // W14
    }

    /** Regions that a write wants, or the evacuation that comes before it. */
    private int needed(int stripe, Draft draft) {
        int own = draft.runRegions(regionBytes) + 1;
        return shared.stripe(stripe).evacuating()
                ? Math.max(own, cleaner.regionsNeeded(stripe))
                : own;
    }

    /** Room in the file; if it is full, what cleaning and a checkpoint give; false if that is none. */
    private boolean makeRoom(int needed, Use use) {
        space.keepWithinBound();
        while (true) {
            try {
                regions.makeRoom(needed, use);
                return true;
            } catch (StoreFull | SystemFailure _) { // the caller asks again before it gives up
                if (!space.reclaim()) {
                    return false;
                }
            }
        }
    }

    /**
     * One attempt under the stripe's lock: a version, 0, {@link #NO_REGION}, {@link #REFUSED} or minus
     * the bytes that a table needs.
     */
    private long attempt(
            int stripe, long hashed, Draft draft, Use use, long expected, @Nullable Before before) {
        return stripes.longHolding( // W1
                stripe, () -> inHold(stripe, hashed, draft, use, expected, before)); // W14
    }

    private long inHold(
            int stripe, long hashed, Draft draft, Use use, long expected, @Nullable Before before) {
        Steps.at("W2");
        long result = locked(stripe, hashed, draft, use, expected, before);
        Steps.at("W14");
        return result;
    }

    private long locked(
            int stripe, long hashed, Draft draft, Use use, long expected, @Nullable Before before) {
        boolean remove = draft.kind() == RecordLayout.TOMBSTONE;
        if (shared.acquire(SharedLayout.FAILED) != 0) {
            throw new CheckpointFailed(
                    data.path(),
                    "a checkpoint failed, and nothing is written until one succeeds",
                    null);
        }
        boolean evacuating = shared.stripe(stripe).evacuating(); // which may have the last regions
        if (evacuating && cleaner.step(stripe, 0, -1, Use.EVACUATE) == Cleaner.Progress.NO_ROOM) {
            return NO_REGION;
        }
        if (!writing.renewal()
                .ready(stripe, evacuating ? Use.EVACUATE : use)) { // behind copies, too
            return NO_REGION;
        }
        Index.Spot spot = index.locate(stripe, hashed, draft.key()); // W2
        Outline old = spot.slot() == 0 ? null : records.outlineLocked(Place.offset(spot.slot()));
        long present = old == null || reader.expired(old.expires()) ? NOTHING : old.version();
        boolean dropsExpired = remove && expected == ANY && old != null && present == NOTHING;
        if (before != null) {
            before.copy = old == null || present == NOTHING ? null : records.copy(stripe, old);
        }
        if (expected == ANY ? remove && old == null : !matches(expected, present)) {
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
        boolean borrows =
                use == Use.EVACUATE && writing.appenders()[stripe].overflows(draft.bytes());
        if (use == Use.EVACUATE && !remove && draft.runRegions(regionBytes) > 0) {
            return REFUSED; // a run gives no region back
        }
        if (borrows) {
            long refusal = refusal(stripe, draft, old);
            if (refusal < 0) {
                return refusal;
            }
            cleaner.beginEvacuation(stripe);
        }
        long version = apply(stripe, hashed, draft, use, spot, old);
        if (version != NO_REGION && clean(stripe, draft, borrows) == Cleaner.Progress.FREED) {
            space.turnedOver();
        }
        return dropsExpired && version != NO_REGION ? NOT_APPLIED : version;
    }

    private Cleaner.Progress clean(int stripe, Draft draft, boolean borrows) {
        return borrows
                ? cleaner.step(stripe, 0, -1, Use.EVACUATE)
                : cleaner.step(
                        stripe,
                        CLEANING_PACE * draft.bytes(),
                        cleaner.tolerated(stripe),
                        Use.REMOVE);
    }

    /**
     * RULE 27: a write may have one of the last regions if it gives one back in the same hold: the
     * stripe's oldest, whose entries fit the new one beside the record. Whatever is superseded stands
     * in the oldest region once in a turn of the chain, so a removal always comes to that point. So
     * does a put that is no longer than what it supersedes, or than the stripe's garbage; but it is
     * not worth a turn of a long chain.
     */
    private long refusal(int stripe, Draft draft, @Nullable Outline old) {
        if (draft.kind() == RecordLayout.PUT) {
            StripeWords words = shared.stripe(stripe);
            long gained = cleaner.garbage(stripe) + (old == null ? 0 : old.bytes());
            if (gained < draft.bytes()
                    || words.acquire(StripeWords.LOG_BYTES) > (long) SHORT_CHAIN * regionBytes) {
                return REFUSED;
            }
        }
        return cleaner.fitsBesideFront(stripe, draft.key(), draft.bytes()) ? 0 : NO_REGION;
    }

    private static boolean matches(long expected, long present) {
        return expected == SOMETHING ? present != NOTHING : present == expected;
    }

    /** Writes the record and commits it; the version, or {@link #NO_REGION}. */
    private long apply(
            int stripe, long hashed, Draft draft, Use use, Index.Spot spot, @Nullable Outline old) {
        boolean remove = draft.kind() == RecordLayout.TOMBSTONE;
        StripeWords words = shared.stripe(stripe);
        long tailNumber = words.acquire(StripeWords.TAIL_NUMBER);
        long tailRegion = Place.region(words.acquire(StripeWords.TAIL));
        int deadInTail = old != null && data.regionOf(old.offset()) == tailRegion ? old.bytes() : 0;
        Appender appender = writing.appenders()[stripe];
        Appender.Spot place =
                appender.reserve(
                        draft,
                        use == Use.EVACUATE
                                ? null // a fold's copies would take the room that is to be made
                                : fold(stripe, draft.key(), draft.bytes(), deadInTail),
                        use);
        if (place == null) {
            commit.repair(stripe); // gives a claim back
            return NO_REGION;
        }
        long version = nextVersion(words);
        words.noteExpiry(draft.expires());
        Steps.at("W3");
        appender.write(draft, place, version); // W3
        Steps.at("W4");
        if (old == null) {
            index.raiseOverflow(stripe, hashed, spot.passed());
        }
        long oldRunBytes = old == null ? 0 : old.liveBytes() - old.bytes();
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
                        words.acquire(StripeWords.LOG_BYTES)
                                + draft.liveBytes(regionBytes)
                                - oldRunBytes,
                        deadInTail,
                        old == null ? 0 : old.run(),
                        old == null ? 0 : old.runNumber()));
        if (remove) {
            Steps.at("W13");
            index.lowerOverflow(stripe, hashed, spot.passed()); // W13
        }
        if (place.tailNumber() != tailNumber) {
            cleaner.rolled(stripe);
        }
        if (oldRunBytes != 0 || place.tailNumber() != tailNumber) {
            space.turnedOver();
        }
        return version;
    }

    /** Removes a key that is there; under the stripe's lock. False if there is no room. */
    boolean applyRemoval(int stripe, long hashed, Draft tombstone, Use use) {
        Index.Spot spot = index.locate(stripe, hashed, tombstone.key());
        Outline old = records.outlineLocked(Place.offset(spot.slot()));
        return apply(stripe, hashed, tombstone, use, spot, old) != NO_REGION;
    }

    /** What to do with a stripe's tail region if so many bytes more do not fit. */
    Appender.@Nullable Fold fold(int stripe, byte[] key, int bytes, int deadInTail) {
        if (!writing.appenders()[stripe].overflows(bytes)) {
            return null;
        }
        Appender.Fold fold = writing.folding().plan(stripe, key, bytes, deadInTail);
        if (fold != null) {
            fold.keep().forEach(entry -> shared.stripe(stripe).noteExpiry(entry.expires()));
        }
        return fold;
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

    Cleaner cleaner() {
        return cleaner;
    }

    /** Waits for the writes that are under way in this process, and lets no more begin. */
    void retire() {
        stripes.retire();
        writing.checkpointer().retire();
        writing.locks().retire();
    }

    /** Repairs every stripe when nobody is left who could hold a lock. */
    void repairRetired() {
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            StripeWords words = shared.stripe(stripe);
            if (words.acquire(StripeWords.LOCK) != 0) {
                commit.inherit(stripe);
            }
            commit.repair(stripe);
            words.release(StripeWords.LOCK, 0);
        }
    }
}
