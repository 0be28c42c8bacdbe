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
 *           Its own: a position {region, number, bytes into it} and the last version that it reported.
 * Steps     F1 tail, then version: is there anything that was not reported?
 *           F2 where the region ends: at its own end if the chain goes on behind it, else at the tail
 *           F3 a window is copied, checksums compared
 *           F4 fence, owner word: is this still the life of the region that the position names?
 *           F5 if the region ended, or is no longer the tail's: tail, the number of its region, tail again;
 *              then walk back from there to its successor
 *           F6 if the walk does not meet it: folded if its number exceeds that of the last one evacuated;
 *              then go on with the first region behind it, else changes are lost
 *           F7 if anything was overwritten in place that was not reported: changes are lost
 * Why it is safe
 *           F7: if an entry is overwritten in place, its record does not lie behind the ones that were
 *           reported. The writer stores the new version first (X3a), before the first byte changes; F7
 *           loads it after the copy (F3). So a window is reported only if no overwrite in place with a
 *           version above the last one reported had begun (RULE 37). Writers append while a feed is
 *           open, so this is rare.
 *           F3, F4: nothing else before a tail changes while a region is not claimed again (RULE 3), not
 *           even between its death and the next claim. So an owner word with the same stripe and number,
 *           alive or dead, proves that the bytes which were copied before are its bytes, and that a tail
 *           that was loaded before lay in this life. Checksums also bind each record to it (RULE 2).
 *           F2: if another region names a region as its predecessor, that one is full to its filler. If
 *           a region only is no longer the tail's, it need not be full: a fold writes no filler.
 *           F5: the tail's region may have left, and the stripe may be claiming it again, when its number
 *           is loaded. Then it has that number and no header yet. The owner word is stored before the
 *           header (N3, W2), and the header before the tail that lies in it (W9). So if the tail is
 *           still the same after its number was loaded, a region with that number has its header.
 *           Only the tail region is ever folded, and its copies lie in a region with a greater
 *           number. So a region that a header names as predecessor was never folded: if it was claimed
 *           again, it had been evacuated, and so had all before it (RULE 24).
 *           F6: the walk did not meet the position. If its region was evacuated, or the region that
 *           it was folded into, then EVACUATED holds that number; it is stored before the owner word
 *           from which the walk learned it. Otherwise the region was folded, and the first region with a
 *           greater number has its copies. Copies keep their versions, and versions of originals grow in
 *           log order, except for overwrites in place, of which F7 leaves none above the last version
 *           reported. So what exceeds that version is exactly what was not reported, with at least
 *           the newest record of each key: folds keep live records, and tombstones of absent keys.
 *           A copy made by cleaning has an old version. Its original lies before it. Either that was
 *           reported, or its region left the chain before it was reported, which F6 finds out.
 *           An evacuated region is read all the same while no process has claimed it. The key of a
 *           removal in it may be gone, in a run that died with it: then changes are lost, too.
 *           Lost: the position becomes the tail, loaded before the version. What is skipped is in
 *           the index by then (W6 before W8), so a later look at the stripe finds it.
 * What is benign
 *           At F1 nothing is new, yet the tail moved: only copies were appended. The position moves
 *           with the tail, so that a feed without news loses no region to cleaning.
 *           The version is ahead of the tail until a dead writer is repaired.
 * If a process dies here
 *           Nothing was stored.
 */
/**
 * Follows one stripe's log from its tail on, without a lock and for any length of time (RULE 29).
 * One thread at a time may use it.
 */
public final class Follower {
    private static final int WINDOW_BYTES = 1 << 16;

    /**
     * The greatest number of bytes of keys in one window, except that a single key may be longer.
     */
    private static final int MOST_KEY_BYTES = 1 << 18;

    /** The greatest number of regions behind the position that one walk notes. */
    private static final int MOST_AHEAD = 256;

    /**
     * How many times other threads may disturb a look at the chain before the caller must try again
     * later.
     */
    private static final int MOST_TRIES = 100;

    private static final long NO_REGION = -1;

    private final DataFile data;
    private final StripeWords words;
    private final int stripe;

    private long region = NO_REGION;
    private long number;
    private int at;
    private long last;

    /**
     * The regions behind the position's region, the next one first; only the tail may be missing.
     */
    private final Deque<RegionHeader> ahead = new ArrayDeque<>();

    public Follower(DataFile data, StripeWords words, int stripe) {
        this.data = data;
        this.words = words;
        this.stripe = stripe;
        start();
    }

    /** Gets what is new. */
    public interface Sink {
        /** Gets a put or a removal. */
        void record(Chain.Entry entry);

        /** Is called if changes before the next one are lost. */
        void lost();
    }

    /** The result of a walk. */
    private enum WalkResult {
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

    /**
     * Moves the position to a tail. It fails if the tail moved meanwhile, because the number of its
     * region may then be another's.
     */
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
     * Reports what is new, about a window of it.
     *
     * @return false if there was nothing to report
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
                if (walk() == WalkResult.LOST) {
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

    /** Whether something may be new. It costs one load. */
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

    /** The offset at which the records in the position's region end; -1 if that is not known. */
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

    /** Reads on in the position's region; returns whether there was anything to report. */
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

    /** Whether a record before the tail was overwritten with a later version than this one. */
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

    /**
     * The new records in some bytes of a region. They must be confirmed before they are reported.
     */
    private final class Window implements Chain.BoundedVisitor {
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
     * Requires that the run with the key belongs to another record by now. That happens to the run
     * of a put when another record of the key followed, which is reported; and to the run of a
     * removal when its region was evacuated, after which nothing follows.
     *
     * @throws CorruptStore if the run is damaged instead
     */
    private void requireReused(Chain.Entry entry) {
        RecordBytes.Run run = entry.run();
        VarHandle.acquireFence();
        if (run != null && owned(Place.region(run.word()), run.number())) {
            throw new CorruptStore(
                    data.path(),
                    entry.offset(),
                    "a run with the key of this record, which is not superseded",
                    "a run without a valid checksum");
        }
    }

    private boolean owned(long region, long number) {
        return data.owner(region, OwnerWords.OWNER) == OwnerWords.alive(stripe, number);
    }

    /** Looks for the region behind the position: F5, F6. */
    private WalkResult walk() {
        ahead.clear();
        long tail = words.acquire(StripeWords.TAIL);
        Steps.at("F5");
        long tailNumber = tail == 0 ? 0 : data.number(Place.region(tail));
        if (tail == 0 || words.acquire(StripeWords.TAIL) != tail) {
            return WalkResult.SPOILED;
        }
        // kept only if no error ends the walk: a part of it would skip the regions before it
        Deque<RegionHeader> met = new ArrayDeque<>();
        RegionHeader header = header(Place.region(tail), tailNumber);
        while (header != null && header.number() > number) {
            met.addFirst(header);
            if (met.size() > MOST_AHEAD) {
                met.removeLast();
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
        ahead.addAll(met);
        if (ahead.isEmpty()) {
            return WalkResult.SPOILED;
        }
        if (header != null && header.number() == number && header.region() == region) {
            return WalkResult.FOUND;
        }
        boolean folded = header != null && header.number() <= number;
        if (!folded && evacuated()) {
            return WalkResult.LOST;
        }
        moveTo(ahead.remove());
        return WalkResult.FOUND;
    }

    private boolean evacuated() {
        long evacuated = words.acquire(StripeWords.EVACUATED);
        return region == NO_REGION ? evacuated > number : evacuated >= number;
    }

    /**
     * The header of a region that was in the chain with that number; null if it was claimed again
     * since.
     */
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
