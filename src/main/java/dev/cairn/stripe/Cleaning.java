package dev.cairn.stripe;

import static java.util.Objects.requireNonNull;

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
import java.util.List;

/*
 * Actors    whoever holds a stripe's lock: a writer behind its own write, the keeper of any process.
 * Steps     E0 with the last regions of the store: evacuating := the oldest region's number
 *           E1 the records of a window of the oldest region that the index points to: copies at the
 *              tail, by one commit, or two where the tail region ends between them; versions and
 *              counts stay. For each that is expired: a tombstone at the tail
 *           E2 no such record is left: oldest := its successor, the region dead, by one commit
 *           A store that evicts: E1 moves of the live records those that the policy keeps. E2 walks the
 *           region again, moves what was read since it was judged, and takes with the region what the
 *           index points to still, expired or evicted. Tombstones are for what has a run
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
 *           What goes with the oldest region needs no tombstone: it was the newest record of its key,
 *           older ones stood before it in the chain and are gone, so no recovery finds the key. Whether
 *           it goes is told by the index in the hold of E2, so what was written meanwhile stays.
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

    /** Budget of a whole region in one hold. */
    private static final long WHOLE = Long.MAX_VALUE / 2;

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
    private final List<Integer> toDrop = new ArrayList<>();
    private long[] hashes = {};

    /** Guarded by the stripe's lock. */
    private @Nullable Job job;

    private final Front front;

    /** Null if the store does not evict. */
    private final @Nullable Policy policy;

    /** Guarded by the stripe's lock. */
    private final Drops drops;

    /** Oldest regions to clean however little garbage there is; guarded by the stripe's lock. */
    private int owed;

    Cleaning(Site site, Terms terms, Tail tail, Commit commit, @Nullable Policy policy) {
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
        this.front = new Front(site, tail);
        this.policy = policy;
        this.drops = new Drops(index);
    }

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

    /** Garbage that the stripe may have before it is cleaned; one that evicts is not cleaned for it. */
    public long tolerated() {
        return policy != null
                ? Long.MAX_VALUE
                : words.acquire(StripeWords.LIVE_BYTES) / terms.share()
                        + (long) SLACK_REGIONS * data.regionBytes();
    }

    /** Bytes of the stripe's log that are dead. */
    public long garbage() {
        return words.acquire(StripeWords.LOG_BYTES) - words.acquire(StripeWords.LIVE_BYTES);
    }

    /** Whether entries of the stripe may have expired, which are no garbage until they are dropped. */
    public boolean mayHaveExpired() {
        return front.mayHaveExpired();
    }

    /**
     * The stripe's log has grown by a region; under its lock. Where entries may have expired, one is
     * cleaned for it: those that still count get out of the way of those that do not. Eviction comes to
     * them anyhow.
     */
    void rolled() {
        if (policy == null && mayHaveExpired()) {
            owed = Math.min(owed + 1, MOST_OWED);
        }
    }

    /** Whether to look at the oldest region: perhaps most of it has expired. Needs no lock. */
    public boolean frontIsDue() {
        return front.isDue();
    }

    /** Sees to it that the oldest region is cleaned if most of it has expired; under the lock. */
    public void lookAtFront() {
        long oldest = words.acquire(StripeWords.OLDEST);
        if (oldest == 0 || tail.isIn(oldest - 1) || owed > 0 || !frontIsDue()) {
            return;
        }
        owed = front.hasExpired() ? 1 : 0;
    }

    /** Times that this process read an oldest region to see how much of it has expired. */
    long frontLooks() {
        return front.looks();
    }

    /** See {@link Front#fitsBeside}. */
    boolean fitsBesideFront(byte[] key, int bytes) {
        return front.fitsBeside(key, bytes);
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
        return garbage() <= tolerated && owed == 0
                ? Progress.IDLE
                : step(budget, use, Job.EVERYTHING);
    }

    /**
     * Evacuates a little of the oldest region and keeps what the policy wants to be kept, of a store
     * that evicts; else as {@link #step}.
     *
     * @param most bytes of the region to keep
     */
    public Progress evict(long budget, Use use, long most) {
        Progress progress = step(budget, use, most);
        if (progress == Progress.IDLE && job != null && job.damaged && isOldest(job)) {
            commit.clear(); // rather than let the chain grow for ever
            return Progress.FREED;
        }
        return progress;
    }

    private boolean isOldest(Job present) {
        return present.number == words.acquire(StripeWords.OLDEST_NUMBER);
    }

    /**
     * As {@link #evict}, of a stripe whose oldest region is its tail, with the last regions: the runs of
     * its values may be what takes the room.
     */
    public Progress evictTail(long most) {
        return words.acquire(StripeWords.OLDEST) != 0 && tail.roll(Use.EVACUATE)
                ? evict(WHOLE, Use.EVACUATE, most)
                : Progress.IDLE;
    }

    private Progress step(long budget, Use use, long mostKept) {
        long oldest = words.acquire(StripeWords.OLDEST);
        if (oldest == 0 || tail.isIn(oldest - 1)) {
            return Progress.IDLE;
        }
        Job present = job(words.acquire(StripeWords.OLDEST_NUMBER));
        present.mostKept = mostKept;
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
            return step(present, oldest - 1, use == Use.EVACUATE ? WHOLE : budget, use);
        } catch (CorruptStore e) {
            if (policy != null && !present.fromStart) { // where it went on may be wrong
                present.fromStart = true;
                policy.judged(RegionHeader.BYTES);
                return Progress.MORE;
            }
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
        if (policy != null) {
            present.at = policy.judgedTo(oldestNumber); // perhaps another process went on
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
            if (policy != null) {
                policy.judged(job.at);
            }
        }
        return policy == null || foundDrops(job, region, use)
                ? leave(job, region)
                : Progress.NO_ROOM;
    }

    /** Moves what counts of a window; false if there was no room: then all of it is judged again. */
    private boolean cleanWindow(Job job, long region, Use use) {
        int puts = window.puts();
        long table = words.acquire(StripeWords.TABLE);
        hashAll();
        moves.clear();
        toDrop.clear();
        for (int i = 0; i < puts; i++) {
            long slotAt = slotAtOf(table, i);
            if (slotAt == 0) {
                continue;
            }
            int heat = heatOfCopy(job, i);
            if (heat != Policy.GOES) {
                moves.add(i, hashes[i], slotAt, heat);
            } else if (policy == null || window.hasRun(i)) {
                toDrop.add(i); // the rest goes with the region
            }
        }
        if (!tail.move(moves, region, use) || !dropped(job, use)) {
            return false;
        }
        job.bytes += window.recordBytes();
        job.at += window.bytes();
        return true;
    }

    /** Where the slot word of a put of the window stands, 0 if it does not count. */
    private long slotAtOf(long table, int put) {
        long offset = window.offset(put);
        long slotAt = index.addressOf(table, hashes[put], index.slotWord(offset, hashes[put]));
        if (slotAt != 0) { // RULE 35: a copy would pass for the newest
            records.requireOverwrites(offset, index.slot(slotAt), window.overwrites(put));
        }
        return slotAt;
    }

    /** The heat of the copy of a put of the window, {@link Policy#GOES} if there is to be none. */
    private int heatOfCopy(Job job, int put) {
        if (clock.hasCome(window.expires(put))) {
            return Policy.GOES;
        }
        return policy == null || job.evictsNothing()
                ? window.heat(put)
                : policy.judge(
                        window.offset(put),
                        window.heat(put),
                        window.isCopy(put),
                        window.length(put),
                        window.liveBytes(put),
                        job.mostKept);
    }

    /** Tombstones for what is to be dropped of the window; false if there was no room. */
    private boolean dropped(Job job, Use use) {
        for (int put : toDrop) {
            int from = window.keyAt(put);
            byte[] key = Arrays.copyOfRange(window.array(), from, from + window.keyLength(put));
            Index.Lookup found = index.locate(words, hashes[put], key);
            if (found.slot() != 0
                    && SlotWord.offset(found.slot()) == window.offset(put)
                    && !drop(hashes[put], key, window.offset(put), found, job, use)) {
                return false;
            }
            if (policy != null) {
                policy.hasGone(hashes[put], window.heat(put), clock.hasCome(window.expires(put)));
            }
        }
        return true;
    }

    /**
     * Walks the oldest region, all of which was judged, and finds what goes with it; what was read since
     * it was judged is moved after all. It tells also what the region's records take. False if there was
     * no room for a copy.
     */
    private boolean foundDrops(Job job, long region, Use use) {
        drops.clear();
        job.bytes = 0;
        job.at = RegionHeader.BYTES;
        while (data.regionBytes() - job.at >= RecordLayout.MIN_BYTES) {
            window.read(region, job.number, job.at);
            boolean done =
                    window.bytes() == 0
                            ? cleanOne(job, region, use)
                            : foundDropsOfWindow(job, region, use);
            if (!done) {
                return false;
            }
            job.bytes += window.recordBytes();
            job.at += window.bytes();
        }
        return true;
    }

    private boolean foundDropsOfWindow(Job job, long region, Use use) {
        long table = words.acquire(StripeWords.TABLE);
        hashAll();
        moves.clear();
        toDrop.clear();
        for (int i = 0; i < window.puts(); i++) {
            long slotAt = slotAtOf(table, i);
            if (slotAt != 0) {
                if (window.hasRun(i)) { // it was not judged: the hint was wrong
                    toDrop.add(i);
                    continue;
                }
                boolean expired = clock.hasCome(window.expires(i));
                int heat =
                        expired
                                ? Policy.GOES
                                : requireNonNull(policy)
                                        .heatIfRead(window.offset(i), window.heat(i));
                if (heat == Policy.GOES) {
                    drops.add(hashes[i], slotAt, window.heat(i), expired, window.length(i));
                } else {
                    moves.add(i, hashes[i], slotAt, heat);
                }
            }
        }
        return tail.move(moves, region, use) && dropped(job, use);
    }

    /** Hashes the keys of the window's puts, and fetches their buckets. */
    private void hashAll() {
        int puts = window.puts();
        if (hashes.length < puts) {
            hashes = new long[puts];
        }
        long table = words.acquire(StripeWords.TABLE);
        long sum = 0;
        for (int i = 0; i < puts; i++) {
            hashes[i] = hash.of(window.array(), window.keyAt(i), window.keyLength(i));
            sum += index.touch(table, hashes[i]);
        }
        Words.keepAlive(sum);
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
                        clock.hasCome(entry.expires()) || goes(job, entry)
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

    private boolean goes(Job job, Chain.Entry entry) {
        return policy != null
                && !job.evictsNothing()
                && policy.judge(
                                entry.offset(),
                                0,
                                false,
                                entry.bytes(),
                                entry.liveBytes(),
                                job.mostKept)
                        == Policy.GOES;
    }

    private Progress leave(Job job, long region) {
        Steps.at("E2");
        commit.leave(successors.of(region, job.number, words), job.bytes, drops);
        if (policy != null) {
            drops.tell(words, policy);
            drops.clear();
        }
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

    /** A tombstone takes the place of an expired entry; false if there is no room. */
    private boolean drop(
            long hashed, byte[] key, long offset, Index.Lookup found, Job job, Use use) {
        Draft tombstone = Draft.of(key, null, 0, data.regionBytes());
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
