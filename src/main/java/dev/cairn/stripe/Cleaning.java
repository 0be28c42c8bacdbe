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
 * Actors    the holder of a stripe's lock: a writer after its own write, or the maintenance thread of any process.
 * Steps     E0 if the last free regions are used: evacuating := the oldest region's number
 *           E1 those records of a window of the oldest region to which the index points are copied to
 *              the tail, by one commit, or two if the tail region ends between them; versions and
 *              counts stay. An expired record gets a tombstone at the tail
 *           E2 when no such record is left: oldest := its successor, the region dead, by one commit
 *           In a store that evicts, E1 moves those live records that the policy keeps. E2 walks the
 *           region again, and moves what was read since it was judged. The records to which the index
 *           still points go with the region: they are expired or evicted. Only a record with a run gets
 *           a tombstone
 * Why it is safe
 *           Only the oldest region is cleaned, never the tail (RULE 24). If the index does not point to a record there,
 *           a record behind it supersedes it, or it is a tombstone, and no older record is left that it could hide. So
 *           when E1 finds nothing more, the region may go as a whole. Nothing ever comes back into it, because a slot
 *           word only goes from it to the tail. The slot word tells whether the index points to a record (RULE 7). A
 *           place and a hash belong to one entry, whatever the count is, so no key is compared. The successor is read
 *           in the hold that sets oldest, because a fold may have put another region in its place before.
 *           Before a record is copied, its count of overwrites is compared with that of its slot word (RULE 35). A
 *           copy begins with count 0. So without the comparison an older record, which the kernel read back after a
 *           failed force, would pass for the newest from then on.
 *           Each cut has the region or all its copies, because each E1 and E2 is one commit.
 *           A record that goes with the oldest region needs no tombstone. It was the newest record of its key, and
 *           older ones stood before it in the chain and are gone. So no recovery finds the key. The index decides in
 *           the hold of E2 whether a record goes, so what was written meanwhile stays.
 * If a process dies here
 *           The next holder completes or undoes the one commit. Only the dead process knew how far it had read, so the
 *           next one begins again at the region's first record. After E0 the next process that writes to the stripe
 *           completes the evacuation first, in the regions that were claimed for it. So nothing else takes the space
 *           of the copies.
 * If power fails here
 *           RULE 25: the region is not reused before a checkpoint that does without it.
 */
/** Frees regions of a stripe whose records are mostly dead, so that the size of the file stays bounded. */
public final class Cleaning {
    /** The garbage below which a stripe is not cleaned: about what its tail and its oldest region hold. */
    private static final int SLACK_REGIONS = 3;

    private static final int MOST_OWED = 4;

    /** The budget for a whole region in one hold. */
    private static final long WHOLE = Long.MAX_VALUE / 2;

    /** The bytes for which the look at a dead record counts in the budget of a step. */
    private static final int LOOK_BYTES = 32;

    /** At least this fraction of the bytes that are read counts in the budget, because tombstones are no puts. */
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
    private final StripeSettings settings;
    private final Tail tail;
    private final Commit commit;
    private final Successors successors;

    /** Guarded by the stripe's lock, as the next two fields are. */
    private final RecordWindow window;

    private final Moves moves;
    private final List<Integer> toDrop = new ArrayList<>();
    private long[] hashes = {};

    /** Guarded by the stripe's lock. */
    private @Nullable RegionCleaning current;

    private final OldestRegion oldestRegion;

    /** Null if the store does not evict. */
    private final @Nullable Policy policy;

    /** Guarded by the stripe's lock. */
    private final Drops drops;

    /** The number of oldest regions to clean, however little garbage there is; guarded by the stripe's lock. */
    private int owed;

    Cleaning(StripeContext context, Tail tail, Commit commit, @Nullable Policy policy) {
        this.number = context.number();
        this.words = context.words();
        this.data = context.mapped().data();
        this.clock = context.mapped().shared().clock();
        this.records = context.mapped().records();
        this.index = context.mapped().index();
        this.hash = context.mapped().hash();
        this.regions = context.regions();
        this.damages = context.damages();
        this.settings = context.settings();
        this.tail = tail;
        this.commit = commit;
        this.successors = new Successors(data, number);
        this.window = new RecordWindow(data, number);
        this.moves = new Moves(window, index);
        this.oldestRegion = new OldestRegion(context, tail);
        this.policy = policy;
        this.drops = new Drops(index);
    }

    /** The result of a step. */
    public enum Progress {
        /** There is nothing to clean. */
        IDLE,
        /** The budget is used up. */
        MORE,
        /** A region has left the chain. */
        FREED,
        /** There was no room for a copy. The caller must release the lock, call {@code makeRoom} and try again. */
        NO_ROOM
    }

    /**
     * The garbage in bytes that the stripe may have before it is cleaned: live bytes / {@link StripeSettings#share}
     * + 3 regions. There is no limit for a stripe that evicts, which is not cleaned because of garbage.
     */
    public long tolerated() {
        return policy != null
                ? Long.MAX_VALUE
                : words.acquire(StripeWords.LIVE_BYTES) / settings.share()
                        + (long) SLACK_REGIONS * data.regionBytes();
    }

    /** The number of dead bytes in the stripe's log. */
    public long garbage() {
        return words.acquire(StripeWords.LOG_BYTES) - words.acquire(StripeWords.LIVE_BYTES);
    }

    /** Whether entries of the stripe may have expired. They count as garbage only when they are dropped. */
    public boolean mayHaveExpired() {
        return oldestRegion.mayHaveExpired();
    }

    /**
     * Notes that the stripe's log has grown by a region; the caller holds the lock. If entries may have expired, one
     * region is cleaned for it, which separates the entries that still count from the expired ones. Eviction comes to
     * them anyway.
     */
    void rolled() {
        if (policy == null && mayHaveExpired()) {
            owed = Math.min(owed + 1, MOST_OWED);
        }
    }

    /** Whether to look at the oldest region, because most of it may have expired. It needs no lock. */
    public boolean oldestRegionIsDue() {
        return oldestRegion.isDue();
    }

    /** Makes sure that the oldest region is cleaned if most of it has expired. The caller holds the lock. */
    public void lookAtOldestRegion() {
        long oldest = words.acquire(StripeWords.OLDEST);
        if (oldest == 0 || tail.isIn(oldest - 1) || owed > 0 || !oldestRegionIsDue()) {
            return;
        }
        owed = oldestRegion.hasExpired() ? 1 : 0;
    }

    /** How many times this process read an oldest region to see how much of it has expired. */
    long oldestRegionLooks() {
        return oldestRegion.looks();
    }

    /** See {@link OldestRegion#fitsBeside}. */
    boolean fitsBesideOldestRegion(byte[] key, int bytes) {
        return oldestRegion.fitsBeside(key, bytes);
    }

    /**
     * The number of regions that the copy needs which found no room. The caller does not hold the stripe's lock, so
     * it is approximate.
     */
    public int regionsNeeded() {
        RegionCleaning present = current;
        return present == null ? 1 : present.regionsNeeded;
    }

    /** Whether there is anything to clean. The caller does not hold the stripe's lock, so it is approximate. */
    public boolean isDue() {
        return owed > 0 || garbage() > tolerated();
    }

    /** The allocation number of the tail region. A turn of the chain that starts now ends with this region. */
    public long turnEnd() {
        return words.acquire(StripeWords.TAIL_NUMBER);
    }

    /** Whether the oldest region is younger than the region with this number. */
    public boolean turnIsOver(long turnEnd) {
        return words.acquire(StripeWords.OLDEST_NUMBER) > turnEnd;
    }

    /**
     * Cleans a part of the oldest region; the caller holds the stripe's lock. With the last free regions it cleans
     * the whole oldest region (RULE 27): it then claims at most one region, because what it copies fitted into one,
     * and it frees one.
     *
     * @param budget about how many bytes to copy
     * @param tolerated the garbage in bytes at which to stop, -1 to go on regardless
     * @param use which regions copies may claim
     */
    public Progress step(long budget, long tolerated, Use use) {
        return garbage() <= tolerated && owed == 0
                ? Progress.IDLE
                : step(budget, use, RegionCleaning.EVERYTHING);
    }

    /**
     * Evacuates a part of the oldest region. In a store that evicts it keeps what the policy keeps; otherwise it is
     * the same as {@link #step}.
     *
     * @param most how many bytes of the region to keep at most
     */
    public Progress evict(long budget, Use use, long most) {
        Progress progress = step(budget, use, most);
        if (progress == Progress.IDLE && current != null && current.damaged && isOldest(current)) {
            commit.clear(); // rather than let the chain grow for ever
            return Progress.FREED;
        }
        return progress;
    }

    private boolean isOldest(RegionCleaning present) {
        return present.number == words.acquire(StripeWords.OLDEST_NUMBER);
    }

    /**
     * Evicts as {@link #evict} does, from a stripe whose oldest region is its tail, with the last free regions: the
     * runs of its values may take the room.
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
        RegionCleaning present = cleaningOf(words.acquire(StripeWords.OLDEST_NUMBER));
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
            if (policy != null && !present.fromStart) { // resumed at a wrong place, perhaps
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
            current = null; // perhaps half read: start again at the region's first record
            throw e;
        }
    }

    private RegionCleaning cleaningOf(long oldestNumber) {
        RegionCleaning present = current;
        if (present == null || present.number != oldestNumber) {
            present = new RegionCleaning(oldestNumber);
            current = present;
        }
        if (policy != null) {
            present.at = policy.judgedTo(oldestNumber); // another process may have gone on
        }
        return present;
    }

    /**
     * Begins an evacuation; the caller holds the stripe's lock. A process that takes the stripe over completes the
     * evacuation before it writes anything else.
     */
    void beginEvacuation() {
        words.release(StripeWords.EVACUATING, words.acquire(StripeWords.OLDEST_NUMBER)); // E0
    }

    private Progress step(RegionCleaning cleaning, long region, long budget, Use use) {
        for (long spent = 0; data.regionBytes() - cleaning.at >= RecordLayout.MIN_BYTES; ) {
            if (spent > budget) {
                return Progress.MORE;
            }
            window.read(region, cleaning.number, cleaning.at);
            boolean done =
                    window.bytes() == 0
                            ? cleanOne(cleaning, region, use)
                            : cleanWindow(cleaning, region, use);
            if (!done) {
                return Progress.NO_ROOM;
            }
            int looked = Math.max(LOOK_BYTES * window.puts(), window.bytes() / LOOK_SHARE);
            int moved = moves.bytes(0, moves.count());
            spent += Math.max(looked, LOOK_BYTES) + moved;
            cleaning.moved(moved);
            cleaning.regionsNeeded = 1;
            if (policy != null) {
                policy.judged(cleaning.at);
            }
        }
        return policy == null || foundDrops(cleaning, region, use)
                ? leave(cleaning, region)
                : Progress.NO_ROOM;
    }

    /**
     * Moves the live records of a window; returns false if there was no room, and then the whole window is judged
     * again.
     */
    private boolean cleanWindow(RegionCleaning cleaning, long region, Use use) {
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
            int heat = heatOfCopy(cleaning, i);
            if (heat != Policy.GOES) {
                moves.add(i, hashes[i], slotAt, heat);
            } else if (policy == null || window.hasRun(i)) {
                toDrop.add(i); // the other records go with the region
            }
        }
        if (!tail.move(moves, region, use) || !dropped(cleaning, use)) {
            return false;
        }
        cleaning.bytes += window.recordBytes();
        cleaning.at += window.bytes();
        return true;
    }

    /** The position of the slot word of a put of the window; 0 if the put is not live. */
    private long slotAtOf(long table, int put) {
        long offset = window.offset(put);
        long slotAt = index.addressOf(table, hashes[put], index.slotWord(offset, hashes[put]));
        if (slotAt != 0) { // RULE 35: a copy would pass for the newest
            records.requireOverwrites(offset, index.slot(slotAt), window.overwrites(put));
        }
        return slotAt;
    }

    /** The heat of the copy of a put of the window; {@link Policy#GOES} if it is not to be copied. */
    private int heatOfCopy(RegionCleaning cleaning, int put) {
        if (clock.hasCome(window.expires(put))) {
            return Policy.GOES;
        }
        return policy == null || cleaning.evictsNothing()
                ? window.heat(put)
                : policy.judge(
                        window.offset(put),
                        window.heat(put),
                        window.isCopy(put),
                        window.length(put),
                        window.liveBytes(put),
                        cleaning.mostKept);
    }

    /**
     * Writes tombstones for the records of the window that are to be dropped; returns false if there was no room.
     */
    private boolean dropped(RegionCleaning cleaning, Use use) {
        for (int put : toDrop) {
            int from = window.keyAt(put);
            byte[] key = Arrays.copyOfRange(window.array(), from, from + window.keyLength(put));
            Index.Lookup found = index.locate(words, hashes[put], key);
            if (found.slot() != 0
                    && SlotWord.offset(found.slot()) == window.offset(put)
                    && !drop(hashes[put], key, found, cleaning, use)) {
                return false;
            }
            if (policy != null) {
                policy.hasGone(hashes[put], window.heat(put), clock.hasCome(window.expires(put)));
            }
        }
        return true;
    }

    /**
     * Walks the oldest region after all of it was judged, and finds the records that go with it. It moves those that
     * were read since they were judged, and adds up the bytes of the region's records. It returns false if there was
     * no room for a copy.
     */
    private boolean foundDrops(RegionCleaning cleaning, long region, Use use) {
        drops.clear();
        cleaning.bytes = 0;
        cleaning.at = RegionHeader.BYTES;
        while (data.regionBytes() - cleaning.at >= RecordLayout.MIN_BYTES) {
            window.read(region, cleaning.number, cleaning.at);
            boolean done =
                    window.bytes() == 0
                            ? cleanOne(cleaning, region, use)
                            : foundDropsOfWindow(cleaning, region, use);
            if (!done) {
                return false;
            }
            cleaning.bytes += window.recordBytes();
            cleaning.at += window.bytes();
            cleaning.moved(moves.bytes(0, moves.count()));
        }
        return true;
    }

    private boolean foundDropsOfWindow(RegionCleaning cleaning, long region, Use use) {
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
        return tail.move(moves, region, use) && dropped(cleaning, use);
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

    /** Cleans a record whose key lies in a run, by itself; returns false if there was no room. */
    private boolean cleanOne(RegionCleaning cleaning, long region, Use use) {
        Chain chain = cleaning.chain;
        if (chain == null) {
            long end = Place.tail(region, data.regionBytes());
            chain = Chain.region(data, number, region, cleaning.number, end);
            cleaning.chain = chain;
        }
        moves.clear();
        Chain.Entry[] taken = new Chain.Entry[1];
        int next =
                chain.takeFrom(
                        cleaning.at,
                        1,
                        entry -> {
                            taken[0] = entry;
                            return false;
                        });
        Chain.Entry entry = taken[0];
        if (entry != null && !cleaned(entry, cleaning, use)) {
            return false;
        }
        cleaning.at = next;
        return true;
    }

    private boolean cleaned(Chain.Entry entry, RegionCleaning cleaning, Use use) {
        RecordBytes.Run run = entry.run();
        if (entry.gone() && run != null && regions.isAlive(number, run)) {
            throw Damages.keyInRun(data.path(), entry.offset()); // live, but unreadable
        }
        boolean put = entry.kind() == RecordLayout.PUT;
        if (put && !entry.gone()) {
            long hashed = hash.of(entry.key());
            Index.Lookup found = index.locate(words, hashed, entry.key());
            if (found.slot() != 0 && SlotWord.offset(found.slot()) == entry.offset()) {
                records.requireOverwrites(entry.offset(), found.slot(), entry.overwrites());
                boolean dropped = clock.hasCome(entry.expires()) || goes(cleaning, entry);
                if (dropped
                        ? !drop(hashed, entry.key(), found, cleaning, use)
                        : !tail.move(hashed, entry, found, cleaning.number, use)) {
                    return false;
                }
                cleaning.moved(dropped ? 0 : entry.bytes());
            }
        }
        cleaning.bytes += put ? entry.bytes() : entry.liveBytes();
        return true;
    }

    private boolean goes(RegionCleaning cleaning, Chain.Entry entry) {
        return policy != null
                && !cleaning.evictsNothing()
                && policy.judge(
                                entry.offset(),
                                0,
                                false,
                                entry.bytes(),
                                entry.liveBytes(),
                                cleaning.mostKept)
                        == Policy.GOES;
    }

    private Progress leave(RegionCleaning cleaning, long region) {
        Steps.at("E2");
        commit.leave(successors.of(region, cleaning.number, words), cleaning.bytes, drops);
        cleaning.dropped(drops.count());
        cleaning.end(data.path(), number, data.regionBytes(), garbage());
        if (policy != null) {
            drops.tell(words, policy);
            drops.clear();
        }
        this.current = null;
        owed = Math.max(0, owed - 1);
        long turn = words.acquire(StripeWords.TURN);
        if (words.acquire(StripeWords.OLDEST_NUMBER) > turn) { // all moved or written since
            words.release(
                    StripeWords.EARLIEST_EXPIRY, words.acquire(StripeWords.NEXT_EARLIEST_EXPIRY));
            words.release(StripeWords.NEXT_EARLIEST_EXPIRY, 0);
            words.release(StripeWords.TURN, words.acquire(StripeWords.TAIL_NUMBER));
        }
        lookAtOldestRegion();
        return Progress.FREED;
    }

    /** Replaces the entry that was found with a tombstone; returns false if there is no room. */
    private boolean drop(
            long hashed, byte[] key, Index.Lookup found, RegionCleaning cleaning, Use use) {
        Draft tombstone = Draft.of(key, null, 0, data.regionBytes());
        cleaning.regionsNeeded = 1 + tombstone.runRegions(data.regionBytes());
        Outline old = records.outlineLocked(SlotWord.offset(found.slot()));
        long tailNumber = tail.number();
        boolean dropped = tail.append(hashed, tombstone, use, found, old) != Tail.NO_REGION;
        cleaning.dropped(dropped ? 1 : 0);
        if (tail.number() != tailNumber) {
            rolled();
        }
        return dropped;
    }
}
