package dev.cairn.stripe;

import dev.cairn.CorruptStore;
import dev.cairn.format.BucketWords;
import dev.cairn.format.HashBits;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.log.Appender;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.Draft;
import dev.cairn.log.Records.Outline;
import dev.cairn.log.Regions;
import dev.cairn.log.Regions.Use;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/**
 * Where a stripe's records go, new ones and copies: each behind the tail of its log, made true by one
 * commit. All of it under the stripe's lock.
 */
final class Tail {
    /** No room was found: give the lock back, {@link Regions#makeRoom}, start again. */
    static final long NO_REGION = -1;

    private static final long MAX_VERSION = 1L << 62;

    private final StripeWords words;
    private final Path sharedFile;
    private final DataFile data;
    private final Index index;
    private final Appender appender;
    private final Commit commit;
    private final Folding folding;
    private final Renewal renewal;

    /** Where copies are made before they are stored; guarded by the stripe's lock. */
    private byte[] copies = {};

    Tail(Site site, Appender appender, Commit commit) {
        this.words = site.words();
        this.sharedFile = site.mapped().shared().file().path();
        this.data = site.mapped().data();
        this.index = site.mapped().index();
        this.appender = appender;
        this.commit = commit;
        this.folding = new Folding(site, appender);
        this.renewal = new Renewal(site, folding, appender, commit);
    }

    /** The allocation number of its region. */
    long number() {
        return appender.tailNumber();
    }

    /** Whether a region is that of the tail. */
    boolean isIn(long region) {
        return Place.high(appender.tail()) == region + 1;
    }

    /** Whether so many bytes need a new region. */
    boolean overflows(int bytes) {
        return appender.overflows(bytes);
    }

    /** Starts to fetch what so many bytes behind it will take; the result only keeps loads alive. */
    long touch(int bytes) {
        return appender.overflows(bytes) ? 0 : appender.touch(bytes);
    }

    /** Sees to it that something may be appended; false if there is no room. See {@link Renewal}. */
    boolean ready(Use use) {
        return renewal.ready(use);
    }

    /**
     * Writes a record and commits it.
     *
     * @param found of its key, with a free slot if the key is not there
     * @param old what it supersedes
     * @return its version, or {@link #NO_REGION}
     */
    long append(long hashed, Draft draft, Use use, Index.Lookup found, @Nullable Outline old) {
        if (isShort(draft, old)) {
            return appendShort(hashed, draft, found, old);
        }
        boolean remove = draft.kind() == RecordLayout.TOMBSTONE;
        int deadInTail = deadInTail(old);
        Appender.Spot place =
                appender.reserve(
                        draft,
                        use == Use.EVACUATE
                                ? null // a fold's copies would take the room that is to be made
                                : fold(draft.key(), draft.bytes(), deadInTail),
                        use);
        if (place == null) {
            boolean _ = commit.repair(); // gives a claim back
            return NO_REGION;
        }
        long version = nextVersion();
        words.noteExpiry(draft.expires());
        Steps.at("W3");
        appender.write(draft, place, version); // W3
        Steps.at("W4");
        if (old == null) {
            index.raiseOverflow(words, hashed, found.passed());
        }
        int regionBytes = data.regionBytes();
        commit.apply(
                new Commit.Change(
                        BucketWords.tagged(found.slotAt(), HashBits.tag(hashed)),
                        remove ? 0 : index.slotWord(place.offset(), hashed),
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
                                - (old == null ? 0 : old.liveBytes() - old.bytes()),
                        deadInTail,
                        old == null ? 0 : old.run(),
                        old == null ? 0 : old.runNumber()));
        if (remove) {
            Steps.at("W13");
            index.lowerOverflow(words, hashed, found.passed()); // W13
        }
        return version;
    }

    /** Whether a write changes nothing but one slot word, the tail within its region, and counts. */
    private boolean isShort(Draft draft, @Nullable Outline old) {
        return draft.isInlinePut()
                && !appender.overflows(draft.bytes())
                && (old == null || old.run() == 0)
                && commit.mayBeShort();
    }

    private long appendShort(long hashed, Draft draft, Index.Lookup found, @Nullable Outline old) {
        long version = nextVersion();
        long slot = index.slotWord(appender.offset(), hashed);
        words.noteExpiry(draft.expires());
        Steps.at("W3");
        appender.writeAtTail(draft, version); // W3
        Steps.at("W4");
        if (old == null) {
            index.raiseOverflow(words, hashed, found.passed());
        }
        commit.applyShort(
                BucketWords.tagged(found.slotAt(), HashBits.tag(hashed)),
                slot,
                version,
                draft.bytes(),
                old == null ? 0 : old.bytes(),
                deadInTail(old));
        return version;
    }

    /** Bytes of a record that is superseded, if it lies in the tail region. */
    private int deadInTail(@Nullable Outline old) {
        return old != null && isIn(data.regionOf(old.offset())) ? old.bytes() : 0;
    }

    /**
     * Copies puts of the oldest region, as many by one commit as the tail region has room for; versions
     * and counts stay.
     *
     * @param from the region
     * @return false if there is no room for some of them
     */
    boolean move(Moves moves, long from, Use use) {
        for (int first = 0; first < moves.count(); ) {
            int last = moves.fitting(first, appender.room());
            if (last == first) { // a new region has room for all that stood in one
                last = moves.count();
            }
            int bytes = moves.bytes(first, last);
            Appender.Spot place = appender.reserveCopy(bytes, fold(null, bytes, 0), use);
            if (place == null) {
                boolean _ = commit.repair(); // gives a claim back
                return false;
            }
            Steps.at("E1");
            if (copies.length < bytes) {
                copies = new byte[bytes];
            }
            moves.copy(first, last, copies, place.tailNumber(), place.offset());
            moves.noteExpiries(first, last, words);
            words.release(StripeWords.MOVED_FROM, from + 1); // before any copy: see Commit.inherit
            VarHandle.storeStoreFence();
            appender.storeCopies(place, copies, bytes);
            commit.move(place, from, moves, first, last);
            first = last;
        }
        return true;
    }

    /**
     * Copies a record of another region and commits the copy; version and counts stay.
     *
     * @param number allocation number of the record's region
     * @return false if there is no room
     */
    boolean move(long hashed, Chain.Entry entry, Index.Lookup found, long number, Use use) {
        Appender.Spot place =
                appender.reserveCopy(entry.bytes(), fold(entry.key(), entry.bytes(), 0), use);
        if (place == null) {
            boolean _ = commit.repair(); // gives a claim back
            return false;
        }
        words.noteExpiry(entry.expires());
        appender.copy(entry, number, place.offset(), place.tailNumber());
        commit.apply(
                new Commit.Change(
                        BucketWords.tagged(found.slotAt(), HashBits.tag(hashed)),
                        index.slotWord(place.offset(), hashed),
                        words.acquire(StripeWords.VERSION),
                        place,
                        words.acquire(StripeWords.LIVE_COUNT),
                        words.acquire(StripeWords.LIVE_BYTES),
                        words.acquire(StripeWords.LOG_BYTES) + entry.bytes(),
                        0,
                        0,
                        0));
        return true;
    }

    /** What to do with the tail region if so many bytes more do not fit. */
    private Appender.@Nullable Fold fold(byte @Nullable [] key, int bytes, int deadInTail) {
        if (!appender.overflows(bytes)) {
            return null;
        }
        Appender.Fold fold = folding.plan(key, bytes, deadInTail);
        if (fold != null) {
            fold.keep().forEach(entry -> words.noteExpiry(entry.expires()));
        }
        return fold;
    }

    private long nextVersion() {
        long last = words.acquire(StripeWords.VERSION);
        if (last < 0 || last > MAX_VERSION) {
            throw new CorruptStore(
                    sharedFile,
                    words.at() + StripeWords.VERSION,
                    "a version from 0 to " + MAX_VERSION,
                    Long.toString(last));
        }
        return last + 1;
    }
}
