package dev.cairn.stripe;

import dev.cairn.CorruptStore;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.log.Chain;
import dev.cairn.log.DataFile;
import dev.cairn.log.Draft;
import dev.cairn.log.RecordBytes;
import dev.cairn.log.RecordWindow;
import dev.cairn.log.Records;
import dev.cairn.log.Records.Outline;
import dev.cairn.log.Regions;
import dev.cairn.log.Regions.Use;
import dev.cairn.log.Successors;
import dev.cairn.os.Steps;
import dev.cairn.shared.StoreClock;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/*
 * Actors    whoever holds a stripe's lock: a writer behind its own write, the keeper of any process.
 * Steps     E0 with the last regions of the store: evacuating := the oldest region's number
 *           E1 the records of a window of the oldest region that the index points to: copies at the
 *              tail, by one commit, or two where the tail region ends between them; versions and
 *              counts stay. For each that is expired: a tombstone at the tail
 *           E2 no such record is left: oldest := its successor, the region dead, by one commit
 * Why it is safe
 *           RULE 24: only the oldest region is cleaned, never the tail. What stands in it and is not
 *           pointed to is superseded, and what supersedes it stands behind it; or it is a tombstone,
 *           and nothing older is left that it could hide. So the region may go as a whole once E1
 *           found nothing more, and nothing ever comes back into it, because a slot word only ever
 *           goes from it to the tail. Whether the index points to a record is what its slot word says
 *           (RULE 7): a place and a hash are one entry's alone, whatever the count, so no key is compared.
 *           The successor is read in the hold that sets oldest: a fold may
 *           have put another region in the place of the one that was there before.
 *           RULE 35: a record's count of overwrites is compared with its slot word's before it is copied,
 *           since a copy begins with none: an older record, which the kernel read back behind a failed
 *           force, would pass for the newest.
 *           Each cut has the region or all its copies, because each E1 and E2 is one commit.
 * If a process dies here
 *           The next holder finishes or undoes the one commit. What was read of the region was this
 *           process's own, and another begins again at the region's first record. Behind E0 the next who
 *           writes to the stripe ends the evacuation before that, so that nothing else comes to where
 *           the copies go: it needs no region but those that were claimed for it.
 * If power fails here
 *           RULE 25: the region is not used again before a checkpoint that does without it.
 */
/** Frees regions of a stripe whose records are mostly dead, so that the file stays bounded. */
public final class Cleaning {
    /** Garbage below which a stripe is left alone: about what its tail and its oldest region hold. */
    private static final int SLACK_REGIONS = 3;

    private static final int MOST_OWED = 4;

    /** Budget of a step that cleans a region in one hold. */
    private static final long WHOLE = Long.MAX_VALUE / 2;

    /** Of the oldest region's bytes, how many may expire before it is looked at again. */
    private static final int FRONT_SHARE = 8;

    /** The expiry of what has none. */
    private static final long NEVER = 0;

    /** What looking at a dead record counts against the budget of a step. */
    private static final int LOOK_BYTES = 32;

    /** Of the bytes that are read, what counts against it at least: tombstones are no puts. */
    private static final int LOOK_SHARE = 4;

    private final int number;
    private final StripeWords words;
    private final DataFile data;
    private final StoreClock clock;
    private final Records records;
    private final Index index;
    private final KeyHash hash;
    private final Regions regions;
    private final Damages damages;
    private final Terms terms;
    private final Tail tail;
    private final Commit commit;
    private final Successors successors;

    /** Guarded by the stripe's lock, as the next two are. */
    private final RecordWindow window;

    private final Moves moves;
    private long[] hashes = {};

    /** Guarded by the stripe's lock. */
    private @Nullable Job job;

    /** What the oldest region was found to be; replaced as a whole. */
    private @Nullable Front front;

    /** Times that an oldest region was read for that. */
    private final LongAdder frontLooks = new LongAdder();

    /** Oldest regions to clean however little garbage there is; guarded by the stripe's lock. */
    private int owed;

    Cleaning(Site site, Terms terms, Tail tail, Commit commit) {
        this.number = site.number();
        this.words = site.words();
        this.data = site.mapped().data();
        this.clock = site.mapped().shared().clock();
        this.records = site.mapped().records();
        this.index = site.mapped().index();
        this.hash = site.mapped().hash();
        this.regions = site.regions();
        this.damages = site.damages();
        this.terms = terms;
        this.tail = tail;
        this.commit = commit;
        this.successors = new Successors(data, number);
        this.window = new RecordWindow(data, number);
        this.moves = new Moves(window, index);
    }

    /**
     * An oldest region that need not be looked at before some time: most of it counts until then.
     *
     * @param number its allocation number
     * @param again milliseconds since 1970, {@link #NEVER} for as long as it is the oldest
     */
    private record Front(long number, long again) {}

    /** How far a step came. */
    public enum Progress {
        /** There is nothing to clean. */
        IDLE,
        /** The budget is used up. */
        MORE,
        /** A region has left the chain. */
        FREED,
        /** A copy found no room: {@code makeRoom} without the lock, then again. */
        NO_ROOM
    }

    /** The region that is being cleaned, and how far. */
    private static final class Job {
        final long number;

        /** What the next copy or tombstone claims at most. */
        int regionsNeeded = 1;

        @Nullable Chain chain;
        int at = RegionHeader.BYTES;
        long bytes;
        boolean damaged;

        Job(long number) {
            this.number = number;
        }
    }

    /** Garbage that the stripe may have before it is cleaned. */
    public long tolerated() {
        return words.acquire(StripeWords.LIVE_BYTES) / terms.share()
                + (long) SLACK_REGIONS * data.regionBytes();
    }

    /** Bytes of the stripe's log that are dead. */
    public long garbage() {
        return words.acquire(StripeWords.LOG_BYTES) - words.acquire(StripeWords.LIVE_BYTES);
    }

    /** Whether entries of the stripe may have expired, which are no garbage until they are dropped. */
    public boolean mayHaveExpired() {
        return clock.hasCome(words.acquire(StripeWords.EARLIEST_EXPIRY));
    }

    /**
     * The stripe's log has grown by a region; under its lock. Where entries may have expired, one is
     * cleaned for it: those that still count get out of the way of those that do not.
     */
    void rolled() {
        if (mayHaveExpired()) {
            owed = Math.min(owed + 1, MOST_OWED);
        }
    }

    /** Whether to look at the oldest region: perhaps most of it has expired. Needs no lock. */
    public boolean frontIsDue() {
        Front seen = front;
        return mayHaveExpired()
                && (seen == null
                        || seen.number != words.acquire(StripeWords.OLDEST_NUMBER)
                        || clock.hasCome(seen.again));
    }

    /**
     * Sees to it that the oldest region is cleaned if most of it has expired; under the lock. It is
     * read again once it is another, or an eighth of it has expired since. What was superseded
     * meanwhile is garbage, which cleaning goes by besides.
     */
    public void lookAtFront() {
        long oldest = words.acquire(StripeWords.OLDEST);
        if (oldest == 0 || tail.isIn(oldest - 1) || owed > 0 || !frontIsDue()) {
            return;
        }
        frontLooks.increment();
        long oldestNumber = words.acquire(StripeWords.OLDEST_NUMBER);
        List<Chain.Entry> live = new ArrayList<>();
        long[] bytes = {0, 0};
        try {
            oldest().forEach(entry -> {
                bytes[0] += entry.liveBytes();
                if (isLive(entry)) {
                    bytes[1] += entry.liveBytes();
                    live.add(entry);
                }
            });
        } catch (CorruptStore e) {
            damages.found(oldestNumber, e);
            front = new Front(oldestNumber, NEVER);
            return;
        }
        owed = 2 * bytes[1] < bytes[0] ? 1 : 0;
        front = new Front(oldestNumber, expiryOf(live, bytes[0] / FRONT_SHARE));
    }

    /** When so many bytes of entries will have expired. */
    private static long expiryOf(List<Chain.Entry> entries, long bytes) {
        long expired = 0;
        for (Chain.Entry entry :
                entries.stream()
                        .filter(entry -> entry.expires() != 0)
                        .sorted(Comparator.comparingLong(Chain.Entry::expires))
                        .toList()) {
            expired += entry.liveBytes();
            if (expired >= bytes) {
                return entry.expires();
            }
        }
        return NEVER;
    }

    /** Times that this process read an oldest region to see how much of it has expired. */
    long frontLooks() {
        return frontLooks.sum();
    }

    /** The oldest region. */
    private Chain oldest() {
        long region = words.acquire(StripeWords.OLDEST) - 1;
        long end =
                tail.isIn(region)
                        ? words.acquire(StripeWords.TAIL)
                        : Place.tail(region, data.regionBytes());
        return Chain.region(data, number, region, words.acquire(StripeWords.OLDEST_NUMBER), end);
    }

    /**
     * Whether a new region has room for a record and for all that the oldest one holds and the index
     * points to, but for what the record supersedes; under the lock.
     */
    boolean fitsBesideFront(byte[] key, int bytes) {
        if (words.acquire(StripeWords.OLDEST) == 0 || words.damaged()) {
            return false;
        }
        long[] needed = {RegionHeader.BYTES + bytes};
        try {
            oldest().forEach(entry -> {
                if (counts(entry) && !Arrays.equals(entry.key(), key)) {
                    needed[0] += bytesElsewhere(entry);
                }
            });
        } catch (CorruptStore e) {
            damages.found(words.acquire(StripeWords.OLDEST_NUMBER), e);
            return false;
        }
        return needed[0] <= data.regionBytes();
    }

    /** What takes an entry's place: a copy, or a tombstone, which may need regions besides. */
    private long bytesElsewhere(Chain.Entry entry) {
        int runRegions =
                clock.hasCome(entry.expires())
                        ? tombstone(entry.key()).runRegions(data.regionBytes())
                        : 0;
        return entry.bytes() + (long) runRegions * data.regionBytes();
    }

    private boolean counts(Chain.Entry entry) {
        return entry.kind() == RecordLayout.PUT
                && !entry.gone()
                && index.pointsTo(words, hash.of(entry.key()), entry.offset());
    }

    private boolean isLive(Chain.Entry entry) {
        return !clock.hasCome(entry.expires()) && counts(entry);
    }

    /** Regions that the copy wants which found no room; without the stripe's lock, so about. */
    public int regionsNeeded() {
        Job present = job;
        return present == null ? 1 : present.regionsNeeded;
    }

    /** Whether there is anything to clean; without the stripe's lock, so perhaps. */
    public boolean isDue() {
        return owed > 0 || garbage() > tolerated();
    }

    /** The allocation number of the tail region: that of the last one to be cleaned now. */
    public long turnEnd() {
        return words.acquire(StripeWords.TAIL_NUMBER);
    }

    /** Whether the oldest region is younger than that. */
    public boolean turnIsOver(long turnEnd) {
        return words.acquire(StripeWords.OLDEST_NUMBER) > turnEnd;
    }

    /**
     * Cleans a little; under the stripe's lock. With the last regions it is the whole oldest one
     * (RULE 27): so it claims one at most, as what it copies stood in one, and gives one back.
     *
     * @param budget bytes to copy, about
     * @param tolerated garbage at which to stop, -1 for never
     * @param use which regions copies may claim
     */
    public Progress step(long budget, long tolerated, Use use) {
        long oldest = words.acquire(StripeWords.OLDEST);
        if (garbage() <= tolerated && owed == 0 || oldest == 0 || tail.isIn(oldest - 1)) {
            return Progress.IDLE;
        }
        Job present = job(words.acquire(StripeWords.OLDEST_NUMBER));
        if (present.damaged) {
            return Progress.IDLE;
        }
        if (!tail.ready(use)) {
            return Progress.NO_ROOM;
        }
        try {
            if (use == Use.EVACUATE) {
                beginEvacuation();
            }
            long most = use == Use.EVACUATE ? WHOLE : budget;
            return step(present, oldest - 1, most, use);
        } catch (CorruptStore e) {
            present.damaged = true; // the region stays
            damages.found(present.number, e);
            commit.failed();
            boolean _ = commit.repair();
            return Progress.IDLE;
        } catch (RuntimeException | Error e) {
            job = null; // half read, perhaps: from the region's first record again
            throw e;
        }
    }

    private Job job(long oldestNumber) {
        Job present = job;
        if (present == null || present.number != oldestNumber) {
            present = new Job(oldestNumber);
            job = present;
        }
        return present;
    }

    /** Who takes this over ends it before anything else is written; under the stripe's lock. */
    void beginEvacuation() {
        words.release(StripeWords.EVACUATING, words.acquire(StripeWords.OLDEST_NUMBER)); // E0
    }

    private Progress step(Job job, long region, long budget, Use use) {
        for (long spent = 0; data.regionBytes() - job.at >= RecordLayout.MIN_BYTES; ) {
            if (spent > budget) {
                return Progress.MORE;
            }
            window.read(region, job.number, job.at);
            boolean done =
                    window.bytes() == 0
                            ? cleanOne(job, region, use)
                            : cleanWindow(job, region, use);
            if (!done) {
                return Progress.NO_ROOM;
            }
            int looked = Math.max(LOOK_BYTES * window.puts(), window.bytes() / LOOK_SHARE);
            spent += Math.max(looked, LOOK_BYTES) + moves.bytes(0, moves.count());
            job.regionsNeeded = 1;
        }
        return leave(job, region);
    }

    /** Moves what counts of a window; false if there was no room: then all of it is judged again. */
    private boolean cleanWindow(Job job, long region, Use use) {
        int puts = window.puts();
        long table = words.acquire(StripeWords.TABLE);
        long[] hashes = hashes(puts);
        long sum = 0;
        for (int i = 0; i < puts; i++) {
            hashes[i] = hash.of(window.array(), window.keyAt(i), window.keyLength(i));
            sum += index.touch(table, hashes[i]);
        }
        Words.keepAlive(sum);
        moves.clear();
        boolean expired = false;
        for (int i = 0; i < puts; i++) {
            long slotAt =
                    index.addressOf(table, hashes[i], index.slotWord(window.offset(i), hashes[i]));
            if (slotAt == 0) {
                continue;
            }
            records.requireOverwrites( // RULE 35: a copy would pass for the newest
                    window.offset(i), index.slot(slotAt), window.overwrites(i));
            if (clock.hasCome(window.expires(i))) {
                expired = true;
            } else {
                moves.add(i, hashes[i], slotAt, window.heat(i));
            }
        }
        if (!tail.move(moves, region, use) || expired && !dropExpired(job, use)) {
            return false;
        }
        job.bytes += window.recordBytes();
        job.at += window.bytes();
        return true;
    }

    private boolean dropExpired(Job job, Use use) {
        for (int i = 0; i < window.puts(); i++) {
            if (clock.hasCome(window.expires(i))) {
                int from = window.keyAt(i);
                byte[] key = Arrays.copyOfRange(window.array(), from, from + window.keyLength(i));
                Index.Lookup found = index.locate(words, hashes[i], key);
                if (found.slot() != 0
                        && SlotWord.offset(found.slot()) == window.offset(i)
                        && !drop(hashes[i], key, window.offset(i), found, job, use)) {
                    return false;
                }
            }
        }
        return true;
    }

    private long[] hashes(int puts) {
        if (hashes.length < puts) {
            hashes = new long[puts];
        }
        return hashes;
    }

    /** A record whose key lies in a run, by itself; false if there was no room. */
    private boolean cleanOne(Job job, long region, Use use) {
        Chain chain = job.chain;
        if (chain == null) {
            long end = Place.tail(region, data.regionBytes());
            chain = Chain.region(data, number, region, job.number, end);
            job.chain = chain;
        }
        moves.clear();
        Chain.Entry[] taken = new Chain.Entry[1];
        int next =
                chain.takeFrom(
                        job.at,
                        1,
                        entry -> {
                            taken[0] = entry;
                            return false;
                        });
        Chain.Entry entry = taken[0];
        if (entry != null && !cleaned(entry, job, use)) {
            return false;
        }
        job.at = next;
        return true;
    }

    private boolean cleaned(Chain.Entry entry, Job job, Use use) {
        RecordBytes.Run run = entry.run();
        if (entry.gone() && run != null && regions.isAlive(number, run)) {
            throw Damages.keyInRun(data.path(), entry.offset()); // it counts, and cannot be read
        }
        boolean put = entry.kind() == RecordLayout.PUT;
        if (put && !entry.gone()) {
            long hashed = hash.of(entry.key());
            Index.Lookup found = index.locate(words, hashed, entry.key());
            if (found.slot() != 0 && SlotWord.offset(found.slot()) == entry.offset()) {
                records.requireOverwrites(entry.offset(), found.slot(), entry.overwrites());
                boolean done =
                        clock.hasCome(entry.expires())
                                ? drop(hashed, entry.key(), entry.offset(), found, job, use)
                                : tail.move(hashed, entry, found, job.number, use);
                if (!done) {
                    return false;
                }
            }
        }
        job.bytes += put ? entry.bytes() : entry.liveBytes();
        return true;
    }

    private Progress leave(Job job, long region) {
        Steps.at("E2");
        commit.leave(successors.of(region, job.number, words), job.bytes);
        this.job = null;
        owed = Math.max(0, owed - 1);
        long turn = words.acquire(StripeWords.TURN);
        if (words.acquire(StripeWords.OLDEST_NUMBER) > turn) { // all was moved or written since
            words.release(
                    StripeWords.EARLIEST_EXPIRY, words.acquire(StripeWords.NEXT_EARLIEST_EXPIRY));
            words.release(StripeWords.NEXT_EARLIEST_EXPIRY, 0);
            words.release(StripeWords.TURN, words.acquire(StripeWords.TAIL_NUMBER));
        }
        lookAtFront();
        return Progress.FREED;
    }

    private Draft tombstone(byte[] key) {
        return Draft.of(key, null, 0, data.regionBytes());
    }

    /** A tombstone takes the place of an expired entry; false if there is no room. */
    private boolean drop(
            long hashed, byte[] key, long offset, Index.Lookup found, Job job, Use use) {
        Draft tombstone = tombstone(key);
        job.regionsNeeded = 1 + tombstone.runRegions(data.regionBytes());
        Outline old = records.outlineLocked(offset);
        long tailNumber = tail.number();
        boolean dropped = tail.append(hashed, tombstone, use, found, old) != Tail.NO_REGION;
        if (tail.number() != tailNumber) {
            rolled();
        }
        return dropped;
    }
}
