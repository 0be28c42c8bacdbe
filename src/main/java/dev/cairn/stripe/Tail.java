package dev.cairn.stripe;

import dev.cairn.CorruptStore;
import dev.cairn.format.BucketWords;
import dev.cairn.format.HashBits;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
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
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.VarHandle;
import java.nio.file.Path;

/*
 * Overwriting in place: a put over a record of the same key and the same length (RULE 3).
 *
 * Actors    the holder of a stripe's lock, or the process that took it over; readers; cuts, which hold
 *           all stripes.
 * Words     intent 3, for which three companions count: the position of the slot word, its new value, the
 *           version. The slot word {place, hash bits, count}; the count is even unless the record is
 *           being overwritten. Cut version: the stripe's version at the last cut. In-place version: the
 *           last version that was written in place.
 * Steps     X1 image behind the tail, with checksum and count for its final place
 *           X2 companions      X3 intent := 3      X3a in-place version
 *           X4 slot word := {place of the image, count + 1}, store-store fence
 *           X5 the image to the record's place      X6 slot word := {place, count + 2}, store-store fence
 *           X7 version         X8 intent := 0
 * Why it is safe
 *           X3 is the commit, as W5 is: see Commit. It needs no full fence, since no later load depends
 *           on it. X4 is what readers see: from X4 to X6 the slot word leads them to the image, which is
 *           whole and stays until X6; before and after, to the place, whose bytes change only from X4 to
 *           X6 (RULE 33). A release does not hold back plain stores after it. The fence after X4 does: a
 *           reader that saw a byte of X5 finds the slot word changed. The fence after X6 does the same
 *           for what is stored behind the tail next, over the image (RULE 32).
 *           No slot word comes back: a place's count only grows, up to MOST, and then the key is
 *           appended. An odd word names the tail. While the tail stays, the odd words of one key have
 *           growing counts; once it moved, a record lies there and its word is even (RULE 31).
 *           Nothing that a cut names is overwritten (RULE 30): a record with a version above the cut
 *           version lies behind the tail of every cut so far. It was appended after the last one; or
 *           it overwrote a record that had such a version, and so lay there; or it is a later copy.
 *           A redo does X3a to X8 with the companions and the image. If the slot word is that of X6, the
 *           image may be gone, and only the later steps are done. If the image has another version, or a
 *           checksum that is wrong for its place, because a page of it was dropped after a failed force,
 *           nothing is copied; then the record's count tells whether X5 was done before (RULES 34, 35).
 *           X3a comes before X5, so a feed that copied a byte of X5 finds the version. X7 comes before X8,
 *           so a reader that saw the intent gone finds the version (RULES 36, 37).
 * What is benign
 *           The image that stays behind the tail: by its checksum it is not a record there. If the
 *           lock is taken over from a dead holder, the tail is given up because of it: see Renewal.
 *           A redo that stores the same bytes and words again.
 * If a process dies here
 *           Before X3: nothing happened. After it: the next holder of the lock does X3a to X8. Until
 *           then readers have the old value, or from X4 on the new one.
 * If power fails here
 *           Record and image lie behind every cut.
 */
/**
 * Decides where a stripe's records go. A new record or a copy is appended at the tail of the log,
 * or it overwrites the record that it supersedes; one commit makes it take effect. All methods need
 * the stripe's lock.
 */
final class Tail {
    /**
     * The result if no room was found. The caller must release the lock, call {@link
     * Regions#makeRoom}, and start again.
     */
    static final long NO_REGION = -1;

    private static final long MAX_VERSION = 1L << 62;

    private final StripeWords words;
    private final SharedMemory shared;
    private final Path sharedFile;
    private final boolean overwritesInPlace;
    private final DataFile data;
    private final Index index;
    private final Appender appender;
    private final Commit commit;
    private final Folding folding;
    private final Renewal renewal;

    /**
     * The buffer in which copies are made before they are stored; guarded by the stripe's lock.
     */
    private byte[] copies = {};

    private long overwrites;

    Tail(StripeContext context, Appender appender, Commit commit) {
        this.words = context.words();
        this.shared = context.mapped().shared();
        this.sharedFile = shared.file().path();
        this.overwritesInPlace = context.mapped().data().header().overwritesInPlace();
        this.data = context.mapped().data();
        this.index = context.mapped().index();
        this.appender = appender;
        this.commit = commit;
        this.folding = new Folding(context, appender);
        this.renewal = new Renewal(context, folding, appender, commit);
    }

    /** The allocation number of the tail region. */
    long number() {
        return appender.tailNumber();
    }

    /** Whether a region is the tail region. */
    boolean isIn(long region) {
        return Place.high(appender.tail()) == region + 1;
    }

    /** Whether this many bytes need a new region. */
    boolean overflows(int bytes) {
        return appender.overflows(bytes);
    }

    /**
     * Starts to fetch the memory behind the tail that this many bytes will take. The result only
     * keeps loads alive.
     */
    long touch(int bytes) {
        return appender.overflows(bytes) ? 0 : appender.touch(bytes);
    }

    /**
     * Makes sure that the tail may be appended to; returns false if there is no room. See {@link
     * Renewal}.
     */
    boolean ready(Use use) {
        return renewal.ready(use);
    }

    /**
     * Writes a record and commits it.
     *
     * @param found the slot of its key, or a free slot if the key is absent
     * @param old the record that it supersedes
     * @return its version, or {@link #NO_REGION}
     */
    long append(long hashed, Draft draft, Use use, Index.Lookup found, @Nullable Outline old) {
        if (isShort(draft, old)) {
            return old != null && mayOverwrite(draft, found, old)
                    ? overwrite(hashed, draft, found, old)
                    : appendShort(hashed, draft, found, old);
        }
        boolean remove = draft.kind() == RecordLayout.TOMBSTONE;
        int deadInTail = deadInTail(old);
        Appender.Placement placement =
                appender.reserve(
                        draft,
                        use == Use.EVACUATE
                                ? null // a fold's copies would take the room that is to be made
                                : fold(draft.key(), draft.bytes(), deadInTail),
                        use);
        if (placement == null) {
            boolean _ = commit.repair(); // returns a claim
            return NO_REGION;
        }
        long version = nextVersion();
        words.noteExpiry(draft.expires());
        Steps.at("W3");
        appender.write(draft, placement, version); // W3
        Steps.at("W4");
        if (old == null) {
            index.raiseOverflow(words, hashed, found.passed());
        }
        int regionBytes = data.regionBytes();
        commit.apply(
                new Commit.StagedChange(
                        BucketWords.tagged(found.slotAt(), HashBits.tag(hashed)),
                        remove ? 0 : index.slotWord(placement.offset(), hashed),
                        version,
                        placement,
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

    /** Whether a write changes only one slot word, the tail within its region, and counts. */
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

    /**
     * Whether a put may overwrite the record that it supersedes in place (RULE 30). That record is
     * younger than every checkpoint, so none names its bytes. The new record has the same length,
     * and must fit behind the tail until it is in place.
     */
    private boolean mayOverwrite(Draft draft, Index.Lookup found, Outline old) {
        return overwritesInPlace
                && old.version() > words.acquire(StripeWords.CUT_VERSION)
                && draft.flags() == 0
                && old.isPlain()
                && old.bytes() == draft.bytes()
                && draft.bytes() <= Appender.MOST_STAGED_BYTES
                && SlotWord.count(found.slot()) < SlotWord.MOST
                && words.acquire(StripeWords.GIVEN_UP) != number()
                && shared.acquire(SharedLayout.FEEDS) == 0;
    }

    private long overwrite(long hashed, Draft draft, Index.Lookup found, Outline old) {
        long version = nextVersion();
        long slot = found.slot();
        Steps.at("X1");
        appender.stage( // X1
                draft,
                version,
                SlotWord.overwrites(slot) + 1,
                data.number(data.regionOf(old.offset())),
                old.offset());
        Steps.at("X2");
        commit.applyInPlace(
                BucketWords.tagged(found.slotAt(), HashBits.tag(hashed)),
                slot,
                version,
                draft.bytes());
        overwrites++;
        return version;
    }

    /** About how many puts of this process overwrote a record in place. */
    long overwrites() {
        return overwrites;
    }

    /** The bytes of a superseded record, if it lies in the tail region; otherwise 0. */
    private int deadInTail(@Nullable Outline old) {
        return old != null && isIn(data.regionOf(old.offset())) ? old.bytes() : 0;
    }

    /**
     * Copies puts of the oldest region, as many in one commit as the tail region has room for.
     * Versions and counts stay.
     *
     * @param from the oldest region
     * @return false if there is no room for some of them
     */
    boolean move(Moves moves, long from, Use use) {
        for (int first = 0; first < moves.count(); ) {
            int last = moves.fitting(first, appender.room());
            if (last == first) { // a new region has room for all that fitted into one
                last = moves.count();
            }
            int bytes = moves.bytes(first, last);
            Appender.Placement placement = appender.reserveCopy(bytes, fold(null, bytes, 0), use);
            if (placement == null) {
                boolean _ = commit.repair(); // returns a claim
                return false;
            }
            Steps.at("E1");
            if (copies.length < bytes) {
                copies = new byte[bytes];
            }
            moves.copy(first, last, copies, placement.tailNumber(), placement.offset());
            moves.noteExpiries(first, last, words);
            words.release(StripeWords.MOVED_FROM, from + 1); // before any copy: see Commit.inherit
            VarHandle.storeStoreFence();
            appender.storeCopies(placement, copies, bytes);
            commit.move(placement, from, moves, first, last);
            first = last;
        }
        return true;
    }

    /**
     * Copies a record of another region and commits the copy. Version and counts stay.
     *
     * @param number the allocation number of the record's region
     * @return false if there is no room
     */
    boolean move(long hashed, Chain.Entry entry, Index.Lookup found, long number, Use use) {
        Appender.Placement placement =
                appender.reserveCopy(entry.bytes(), fold(entry.key(), entry.bytes(), 0), use);
        if (placement == null) {
            boolean _ = commit.repair(); // returns a claim
            return false;
        }
        words.noteExpiry(entry.expires());
        appender.copy(entry, number, placement.offset(), placement.tailNumber());
        commit.apply(
                new Commit.StagedChange(
                        BucketWords.tagged(found.slotAt(), HashBits.tag(hashed)),
                        index.slotWord(placement.offset(), hashed),
                        words.acquire(StripeWords.VERSION),
                        placement,
                        words.acquire(StripeWords.LIVE_COUNT),
                        words.acquire(StripeWords.LIVE_BYTES),
                        words.acquire(StripeWords.LOG_BYTES) + entry.bytes(),
                        0,
                        0,
                        0));
        return true;
    }

    /**
     * Begins another region, and leaves everything in the present one in the chain; returns false
     * if there is no room.
     */
    boolean roll(Use use) {
        Appender.Placement placement = appender.replaceTail(null, use);
        if (placement == null) {
            boolean _ = commit.repair(); // returns a claim
            return false;
        }
        commit.replaceTail(placement);
        return true;
    }

    /** The fold of the tail region if this many more bytes do not fit; null for none. */
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
