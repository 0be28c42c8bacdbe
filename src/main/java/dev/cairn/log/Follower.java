package dev.cairn.log;

import dev.cairn.CorruptStore;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/*
 * Actors    a reader without a lock; the writer and the cleaner of the stripe.
 * Words     tail and version, of which the writer stores the version first (W8, W9); the version of
 *           the last overwrite in place; the number of the region that was evacuated last; the owner
 *           words of the regions; headers and records.
 *           Its own: a position {region, number, bytes into it} and the last version that it told.
 * Steps     F1 tail, then version: is there anything that was not told?
 *           F2 where the region ends: at its own end if the chain goes on behind it, else at the tail
 *           F3 a window is copied, checksums compared
 *           F4 fence, owner word: is this still the life of the region that the position names?
 *           F5 it ended, or is not the tail's any more: from the tail back to what comes behind it
 *           F6 it is not among those: folded if its number exceeds that of the last one evacuated;
 *              then on with the first region behind it, else lost
 *           F7 was anything overwritten in place that was not told? Then changes are lost
 * Why it is safe
 *           F7: where an entry is overwritten in place, its version does not stand behind those that
 *           were told. Whoever does so says the version first (X3a), before the first byte changes; and
 *           it is asked for behind the copy (F3). So a window is told only if no version above the
 *           last one told had been begun in place (RULE 37). Writers append while a feed is open,
 *           so that this is rare.
 *           F3, F4: nothing else before a tail changes while a region is not claimed again (RULE 3), not
 *           even between its death and then; so an owner word with the same stripe and number, alive
 *           or dead, says that what was copied before are its bytes, and that a tail loaded before
 *           was in this life. Checksums also bind each record to it (RULE 2).
 *           F2: a region that another one names as predecessor is full to its filler. One that
 *           merely is not the tail's any more need not be: a fold writes no filler.
 *           F5: only the tail region is ever folded, and its copies stand in a region with a greater
 *           number. So what a header names as predecessor was never folded: if it was claimed again,
 *           it had been evacuated, and so had all before it (RULE 24).
 *           F6: the walk found no way back to the position. Was it evacuated, or a region that it
 *           was folded into, then that number stands in EVACUATED, stored before the owner word that
 *           told the walk so. Otherwise it was folded, and the first region with a greater number
 *           has its copies. Copies keep their versions, and versions of originals grow in log order,
 *           but for what was overwritten in place, of which F7 leaves none above the last told;
 *           so what exceeds the last version told is exactly what was not told, of each key at least
 *           the newest: folds keep what counts, tombstones of absent keys included.
 *           A copy made by cleaning has an old version. Its original stands before it; either that
 *           was told, or the region which had it left the chain before it was, which F6 finds out.
 *           A region that was evacuated is read all the same while nobody claimed it. The key of a
 *           removal in it may be gone, in a run that was buried with it: lost, too.
 *           Lost: the position becomes the tail, loaded before the version. What is passed over is in
 *           the index by then (W6 before W8), so a look at the stripe behind it finds it.
 * What is benign
 *           At F1 nothing is new, yet the tail moved: only copies were appended, and the position
 *           moves with it, so that a feed without news loses no region to cleaning.
 *           The version is ahead of the tail, for as long as a dead writer is not repaired.
 * If a process dies here
 *           Nothing was stored.
 */
/**
 * Reads on in one stripe's log from its tail, without a lock and for as long as one likes (RULE 29).
 * For one thread at a time.
 */
public final class Follower {
    private static final int WINDOW_BYTES = 1 << 16;

    /** Of one window, beside which one key may be as long as it likes. */
    private static final int MOST_KEY_BYTES = 1 << 18;

    /** Regions behind the position that one walk tells for good. */
    private static final int MOST_AHEAD = 256;

    /** Times that others may spoil a look at the chain before it is left for later. */
    private static final int MOST_TRIES = 100;

    private static final long NO_REGION = -1;

    private final DataFile data;
    private final StripeWords words;
    private final int stripe;

    private long region = NO_REGION;
    private long number;
    private int at;
    private long last;

    /** Follow upon the position's region, the next one first; the tail at most is missing. */
    private final Deque<RegionHeader> ahead = new ArrayDeque<>();

    public Follower(DataFile data, StripeWords words, int stripe) {
        this.data = data;
        this.words = words;
        this.stripe = stripe;
        start();
    }

    /** Gets what is new. */
    public interface Sink {
        /** A put or a removal. */
        void record(Chain.Entry entry);

        /** Changes before the next one are lost. */
        void lost();
    }

    /** What came of looking for the way on. */
    private enum Way {
        FOUND,
        SPOILED,
        LOST
    }

    private void start() {
        for (int tries = 0; tries < MOST_TRIES; tries++) {
            if (movedTo(words.acquire(StripeWords.TAIL))) {
                break;
            }
        }
        last = words.acquire(StripeWords.VERSION);
    }

    /** To a tail, unless it moved meanwhile, so that the number of its region may be another's. */
    private boolean movedTo(long tail) {
        long itsRegion = tail == 0 ? NO_REGION : Place.region(tail);
        long itsNumber = tail == 0 ? words.acquire(StripeWords.EVACUATED) : data.number(itsRegion);
        if (tail != 0 && !intact(itsRegion, itsNumber) || words.acquire(StripeWords.TAIL) != tail) {
            return false;
        }
        ahead.clear();
        region = itsRegion;
        number = itsNumber;
        at = Place.bytesInRegion(tail);
        return true;
    }

    /**
     * Tells what is new, about a window of it.
     *
     * @return false if there was nothing to tell
     * @throws CorruptStore if the log is damaged where it would go on
     */
    public boolean read(Sink sink) {
        for (int tries = 0; tries < MOST_TRIES; ) {
            if (upToDate()) { // F1
                return false;
            }
            if (overwritten(last)) { // F7
                return lost(sink);
            }
            int from = at;
            int end = end(); // F2
            if (end < 0) {
                tries++;
                if (walk() == Way.LOST) {
                    return lost(sink);
                }
            } else if (at < end) {
                if (read(end, sink)) {
                    return true;
                }
                tries = at > from ? 0 : tries + 1;
            } else if (ahead.isEmpty()) {
                return false;
            } else {
                moveTo(ahead.remove());
            }
        }
        return false;
    }

    /** Whether something may be new, by one load. */
    public boolean stirred() {
        return words.acquire(StripeWords.VERSION) != last;
    }

    private void moveTo(RegionHeader header) {
        region = header.region();
        number = header.number();
        at = RegionHeader.BYTES;
    }

    private boolean upToDate() {
        long tail = words.acquire(StripeWords.TAIL);
        Steps.at("F1");
        if (words.acquire(StripeWords.VERSION) != last) {
            return false;
        }
        if (tail != Place.tail(region, at)) {
            boolean _ = movedTo(tail);
        }
        return true;
    }

    /** Where in the position's region its records end; -1 if that is not known. */
    private int end() {
        if (!ahead.isEmpty()) {
            return data.regionBytes();
        }
        long tail = words.acquire(StripeWords.TAIL);
        Steps.at("F2");
        return tail != 0 && Place.region(tail) == region && intact(region, number)
                ? Place.bytesInRegion(tail)
                : -1;
    }

    /** Whether the bytes of a region's life are still there. */
    private boolean intact(long region, long number) {
        return region >= 0
                && region < data.regions()
                && OwnerWords.dead(data.owner(region, OwnerWords.OWNER))
                        == OwnerWords.dead(OwnerWords.alive(stripe, number));
    }

    /** Reads on in the position's region; whether that gave anything to tell. */
    private boolean read(int end, Sink sink) {
        Window window = new Window();
        int next;
        try {
            next = copy(end, window); // F3
        } catch (CorruptStore | IndexOutOfBoundsException e) {
            if (!stillIntact()) { // F4
                return false;
            }
            if (overwritten(last)) { // F7
                return lost(sink);
            }
            throw e;
        }
        if (!stillIntact()) { // F4
            return false;
        }
        if (window.gap || overwritten(last)) { // F7
            return lost(sink);
        }
        at = next;
        last = window.newest;
        window.news.forEach(sink::record);
        return !window.news.isEmpty();
    }

    /** Whether a version after that one was written over a record before the tail. */
    private boolean overwritten(long told) {
        return words.acquire(StripeWords.IN_PLACE_VERSION) > told;
    }

    private boolean lost(Sink sink) {
        start();
        sink.lost();
        return true;
    }

    private boolean stillIntact() {
        Steps.at("F4");
        VarHandle.acquireFence();
        if (intact(region, number)) {
            return true;
        }
        ahead.clear();
        return false;
    }

    private int copy(int end, Window window) {
        Chain chain = Chain.region(data, stripe, region, number, Place.tail(region, end));
        return chain.hasRecordAt(at) ? chain.takeFrom(at, WINDOW_BYTES, window) : end;
    }

    /** What is new in some bytes of a region, not to be told before it is confirmed. */
    private final class Window implements Chain.Taker {
        final List<Chain.Entry> news = new ArrayList<>();
        long newest = last;
        boolean gap;
        private long keyBytes;

        @Override
        public boolean take(Chain.Entry entry) {
            if (entry.version() > newest) {
                newest = entry.version();
                if (entry.gone()) {
                    requireReused(entry);
                    gap = entry.kind() == RecordLayout.TOMBSTONE;
                } else {
                    news.add(entry);
                    keyBytes += entry.key().length;
                }
            }
            return !gap && keyBytes < MOST_KEY_BYTES;
        }
    }

    /**
     * The run with the key went to somebody else: that of a put once another record of the key
     * followed, which tells; that of a removal once its region was evacuated, and nothing follows.
     *
     * @throws CorruptStore if it is damaged instead
     */
    private void requireReused(Chain.Entry entry) {
        RecordBytes.Run run = entry.run();
        VarHandle.acquireFence();
        if (run != null && owned(Place.region(run.word()), run.number())) {
            throw new CorruptStore(
                    data.path(),
                    entry.offset(),
                    "a run with the key of this record, which nobody superseded",
                    "one without a valid checksum");
        }
    }

    private boolean owned(long region, long number) {
        return data.owner(region, OwnerWords.OWNER) == OwnerWords.alive(stripe, number);
    }

    /** Looks for what follows upon the position: F5, F6. */
    private Way walk() {
        ahead.clear();
        long tail = words.acquire(StripeWords.TAIL);
        if (tail == 0) {
            return Way.SPOILED;
        }
        RegionHeader header = header(Place.region(tail), data.number(Place.region(tail)));
        while (header != null && header.number() > number) {
            ahead.addFirst(header);
            if (ahead.size() > MOST_AHEAD) {
                ahead.removeLast();
            }
            if (header.predecessor() == 0) {
                break;
            }
            if (header.predecessorNumber() >= header.number()) {
                throw Chain.noChain(data, stripe, header);
            }
            header = header(header.predecessor() - 1, header.predecessorNumber());
        }
        Steps.at("F6");
        if (ahead.isEmpty()) {
            return Way.SPOILED;
        }
        if (header != null && header.number() == number && header.region() == region) {
            return Way.FOUND;
        }
        boolean folded = header != null && header.number() <= number;
        if (!folded && evacuated()) {
            return Way.LOST;
        }
        moveTo(ahead.remove());
        return Way.FOUND;
    }

    private boolean evacuated() {
        long evacuated = words.acquire(StripeWords.EVACUATED);
        return region == NO_REGION ? evacuated > number : evacuated >= number;
    }

    /** Of a region that was in the chain by that number; null if it was claimed again since. */
    private @Nullable RegionHeader header(long region, long number) {
        if (!intact(region, number)) {
            return null;
        }
        try {
            RegionHeader header = Chain.header(data, stripe, region, number);
            VarHandle.acquireFence();
            return intact(region, number) ? header : null;
        } catch (CorruptStore e) {
            VarHandle.acquireFence();
            if (intact(region, number)) {
                throw e;
            }
            return null;
        }
    }
}
