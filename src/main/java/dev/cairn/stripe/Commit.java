package dev.cairn.stripe;

import static dev.cairn.format.StripeWords.BUILDING;
import static dev.cairn.format.StripeWords.CLEARING;
import static dev.cairn.format.StripeWords.COPIES_END;
import static dev.cairn.format.StripeWords.DEAD_REGION;
import static dev.cairn.format.StripeWords.DEAD_REGION_NUMBER;
import static dev.cairn.format.StripeWords.DEAD_RUN;
import static dev.cairn.format.StripeWords.DEAD_RUN_NUMBER;
import static dev.cairn.format.StripeWords.DEATH_EPOCH;
import static dev.cairn.format.StripeWords.EVACUATED;
import static dev.cairn.format.StripeWords.GIVEN_UP;
import static dev.cairn.format.StripeWords.INTENT;
import static dev.cairn.format.StripeWords.IN_PLACE;
import static dev.cairn.format.StripeWords.IN_PLACE_VERSION;
import static dev.cairn.format.StripeWords.LIVE_BYTES;
import static dev.cairn.format.StripeWords.LIVE_COUNT;
import static dev.cairn.format.StripeWords.LOG_BYTES;
import static dev.cairn.format.StripeWords.MOVED_FROM;
import static dev.cairn.format.StripeWords.MOVES_AT;
import static dev.cairn.format.StripeWords.NEW_LIVE_BYTES;
import static dev.cairn.format.StripeWords.NEW_LIVE_COUNT;
import static dev.cairn.format.StripeWords.NEW_LOG_BYTES;
import static dev.cairn.format.StripeWords.NEW_OLDEST;
import static dev.cairn.format.StripeWords.NEW_OLDEST_NUMBER;
import static dev.cairn.format.StripeWords.NEW_SLOT_AT;
import static dev.cairn.format.StripeWords.NEW_SLOT_WORD;
import static dev.cairn.format.StripeWords.NEW_TABLE;
import static dev.cairn.format.StripeWords.NEW_TAIL;
import static dev.cairn.format.StripeWords.NEW_TAIL_DEAD;
import static dev.cairn.format.StripeWords.NEW_TAIL_NUMBER;
import static dev.cairn.format.StripeWords.NEW_VERSION;
import static dev.cairn.format.StripeWords.NEXT;
import static dev.cairn.format.StripeWords.NEXT_RUN;
import static dev.cairn.format.StripeWords.OLDEST;
import static dev.cairn.format.StripeWords.OLDEST_NUMBER;
import static dev.cairn.format.StripeWords.SHORT;
import static dev.cairn.format.StripeWords.TABLE;
import static dev.cairn.format.StripeWords.TAIL;
import static dev.cairn.format.StripeWords.TAIL_DEAD;
import static dev.cairn.format.StripeWords.TAIL_NUMBER;
import static dev.cairn.format.StripeWords.VERSION;
import static dev.cairn.format.StripeWords.WHOLE;

import dev.cairn.CorruptStore;
import dev.cairn.format.BucketWords;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.index.Index;
import dev.cairn.log.Appender;
import dev.cairn.log.DataFile;
import dev.cairn.log.Regions;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/*
 * Actors    the holder of a stripe's lock, or the process that took the lock over from it.
 * Words     the intent; the companions (new ...), which hold the stripe's words after the write. A short intent
 *           uses only the companions on their first line, and changes only words on the lock's line. So most puts
 *           write two lines of the stripe, a slot word, and the record.
 * Steps     W4 companions      W5 intent      W6 slots of the copies of a fold; tag, slot word
 *           W7 table word      W8 version, oldest, counts, evacuated      W9 tail
 *           W10 next, next run := 0      W11 dead run, dead region        W12 intent := 0
 *           X1 to X8, for a record that is overwritten in place: see Tail
 *           E7 in a store that evicts, if the oldest region is damaged: intent := 4; every slot word := 0;
 *           table word; counts, chain := none; all regions of the stripe dead; intent := 0
 * Why it is safe
 *           W5 is the commit. Before it, nothing below the tail and no slot word has changed. After it, the companions
 *           hold everything that is to be done. They are absolute values, so W6 to W12 end in the same words however
 *           often they are repeated (RULE 12). Every store here is a release, so none moves up before an earlier one.
 *           The fence after W5 also keeps W5 before every later load.
 *           W7 comes after the last slot word into a dying run or region was changed, and before W11 lets others claim
 *           it. So a reader that has the old slot word finds the table word changed (RULE 8). The tail is the last word
 *           that watchers read. So a watcher that sees the new tail finds the rest done.
 *           The slots of a fold's copies are not staged (RULE 26). A walk through the new region finds them, and
 *           swings those that still point into the dead region. It compares keys with the records there, which are
 *           unchanged while the owner word names this life of the region. If it names another, W11 was reached
 *           before, and so all slots were swung.
 *           When cleaning moves entries, the process that moves them knows their slots. A redo walks the copies, from
 *           MOVES_AT to the new tail, and swings the slots that point into the oldest region. A key has at most one
 *           record there, the original. The region stays in the chain, so its records are unchanged.
 *           In a store that evicts, the entries of the oldest region to which the index still points go with it:
 *           W6 sets their slot words to 0. The process that commits knows these slots. A redo finds them by a walk
 *           through the region while its owner word names this life of it. Entries that were copied are no longer
 *           among them. So counts and slots change in one commit, and each cut has the counts that fit its regions.
 * What is benign
 *           A redo that swings a slot which is swung already: the words are the same.
 * If a process dies here
 *           Before W5: claims are given back, and the rest never happened. After it: the next holder of the lock does
 *           W6 to W12. That walks one region at most, besides the regions of runs; E7 walks all of the stripe.
 * If power fails here
 *           None of these words is durable.
 */
/** Makes one write of a stripe take effect, and completes it after a death. */
final class Commit {
    /** The companions that are 0 if a stripe is to become empty. */
    private static final int[] OF_THE_EMPTY = {
        NEW_TAIL, NEW_TAIL_NUMBER, NEW_OLDEST, NEW_OLDEST_NUMBER,
        NEW_LIVE_COUNT, NEW_LIVE_BYTES, NEW_LOG_BYTES, NEW_TAIL_DEAD
    };

    private final int number;
    private final StripeWords words;
    private final DataFile data;
    private final SharedMemory shared;
    private final Index index;
    private final Regions regions;
    private final CommittedRecords committed;
    private final Appender appender;

    /** Whether regions were claimed or died since that was last reported. */
    private boolean turnedOver;

    Commit(StripeContext context, Appender appender) {
        this.number = context.number();
        this.words = context.words();
        this.data = context.mapped().data();
        this.shared = context.mapped().shared();
        this.index = context.mapped().index();
        this.regions = context.regions();
        this.committed = new CommittedRecords(context);
        this.appender = appender;
    }

    /**
     * What a write changes.
     *
     * @param slotAt the position of the slot word that changes, with the key's tag: {@link BucketWords#tagged}; 0 if
     *     none changes
     * @param slot its new value, 0 if the entry is removed
     * @param version the stripe's new version
     * @param log the place of the record, and the ends of the log after it
     * @param liveCount the new number of entries
     * @param liveBytes the new bytes of live entries
     * @param logBytes the bytes of all records and of live runs, before what a fold drops
     * @param deadInTail the bytes of the superseded record, if it lies in the tail region
     * @param deadRun the run of the superseded record, 0 if it has none
     * @param deadRunNumber its allocation number
     */
    record StagedChange(
            long slotAt,
            long slot,
            long version,
            Appender.Placement log,
            long liveCount,
            long liveBytes,
            long logBytes,
            long deadInTail,
            long deadRun,
            long deadRunNumber) {}

    /** Whether the next commit may be short. It may not after uncommitted copies, which only a whole one forgets. */
    boolean mayBeShort() {
        return words.acquire(MOVED_FROM) == 0;
    }

    /**
     * Stages, commits and carries out a short put, as most are: its record needs no run and fits into the tail
     * region, and the superseded record has no run.
     *
     * @param slotAt the position of the slot word that changes, with the key's tag
     * @param slot its new value
     * @param bytes the bytes of the record
     * @param dead the bytes of the superseded record, 0 if there is none
     * @param deadInTail the same, if that record lies in the tail region
     */
    void applyShort(long slotAt, long slot, long version, int bytes, int dead, int deadInTail) {
        words.release(NEW_SLOT_AT, slotAt); // W4
        words.release(NEW_SLOT_WORD, slot);
        words.release(NEW_VERSION, version);
        words.release(NEW_TAIL, Place.advanced(appender.tail(), bytes));
        words.release(NEW_LIVE_COUNT, words.acquire(LIVE_COUNT) + (dead == 0 ? 1 : 0));
        words.release(NEW_LIVE_BYTES, words.acquire(LIVE_BYTES) + bytes - dead);
        words.release(NEW_LOG_BYTES, words.acquire(LOG_BYTES) + bytes);
        words.release(NEW_TAIL_DEAD, words.acquire(TAIL_DEAD) + deadInTail);
        commit(SHORT);
        carryOutShort();
    }

    /**
     * Overwrites a record in place. Its image was staged behind the tail.
     *
     * @param slotAt the position of the slot word, with the key's tag
     * @param slot the slot word, which has an even count
     * @param bytes the bytes of the record
     */
    void applyInPlace(long slotAt, long slot, long version, int bytes) {
        words.release(NEW_SLOT_AT, slotAt); // X2
        words.release(NEW_SLOT_WORD, SlotWord.withCount(slot, SlotWord.count(slot) + 2));
        words.release(NEW_VERSION, version);
        Steps.at("X3");
        words.release(INTENT, IN_PLACE); // X3
        announceStaged();
        Steps.at("X5");
        appender.storeStaged(SlotWord.offset(slot), bytes); // X5
        finishInPlace();
    }

    /** X3a and X4: from now on readers see the staged image. */
    private void announceStaged() {
        Steps.at("X3a");
        words.release(IN_PLACE_VERSION, words.acquire(NEW_VERSION)); // X3a
        long last = words.acquire(NEW_SLOT_WORD);
        long staged = SlotWord.moved(last, appender.offset());
        Steps.at("X4");
        index.change(slotAtStaged(), SlotWord.withCount(staged, SlotWord.count(last) - 1)); // X4
    }

    /** X6 to X8: from now on readers see the record at its place. */
    private void finishInPlace() {
        Steps.at("X6");
        index.change(slotAtStaged(), words.acquire(NEW_SLOT_WORD)); // X6
        Steps.at("X7");
        words.release(VERSION, words.acquire(NEW_VERSION)); // X7
        Steps.at("X8");
        words.release(INTENT, 0); // X8
    }

    private long slotAtStaged() {
        return BucketWords.slotAt(words.acquire(NEW_SLOT_AT));
    }

    /** Repeats what another process began, with what it staged; if X6 was done, only X6 and the steps after it. */
    private void redoInPlace() {
        appender.loadTail();
        long last = words.acquire(NEW_SLOT_WORD);
        if (index.slot(slotAtStaged()) != last) {
            announceStaged();
            Steps.at("X5");
            appender.storeStagedByOther(SlotWord.offset(last), words.acquire(NEW_VERSION)); // X5
        }
        finishInPlace();
    }

    /** Stages a change, commits it and carries it out. */
    void apply(StagedChange change) {
        boolean death = stage(change);
        words.release(MOVED_FROM, 0);
        commit(death, null, 0, 0);
    }

    /**
     * Moves some entries of the oldest region to their copies.
     *
     * @param log the place of the first copy, and the ends of the log after the copies
     * @param from the region of the originals
     * @param moves the entries, of which those from the first to before the last are moved
     */
    void move(Appender.Placement log, long from, Moves moves, int first, int last) {
        int bytes = moves.bytes(first, last);
        boolean death = stage(unchanged(log, words.acquire(LOG_BYTES) + bytes));
        words.release(MOVED_FROM, from + 1);
        words.release(MOVES_AT, Place.bytesInRegion(log.tail()) - (long) bytes);
        commit(death, moves, first, last);
    }

    /** A change of the log alone. */
    private StagedChange unchanged(Appender.Placement log, long logBytes) {
        return new StagedChange(
                0,
                0,
                words.acquire(VERSION),
                log,
                words.acquire(LIVE_COUNT),
                words.acquire(LIVE_BYTES),
                logBytes,
                0,
                0,
                0);
    }

    /** Stages a change; returns whether a run or region dies. */
    private boolean stage(StagedChange change) {
        Appender.Fold fold = change.log.fold();
        words.release(NEW_SLOT_AT, change.slotAt); // W4
        words.release(NEW_SLOT_WORD, change.slot);
        words.release(NEW_VERSION, change.version);
        words.release(NEW_TAIL, change.log.tail());
        words.release(NEW_TAIL_NUMBER, change.log.tailNumber());
        words.release(NEW_OLDEST, change.log.oldest());
        words.release(NEW_OLDEST_NUMBER, change.log.oldestNumber());
        words.release(NEW_LIVE_COUNT, change.liveCount);
        words.release(NEW_LIVE_BYTES, change.liveBytes);
        boolean rolled = Place.high(change.log.tail()) != Place.high(appender.tail());
        words.release(NEW_TAIL_DEAD, rolled ? 0 : words.acquire(TAIL_DEAD) + change.deadInTail);
        words.release(DEAD_RUN, change.deadRun);
        words.release(DEAD_RUN_NUMBER, change.deadRunNumber);
        if (fold == null) {
            words.release(NEW_LOG_BYTES, change.logBytes);
            words.release(DEAD_REGION, 0);
        } else {
            words.release(NEW_LOG_BYTES, change.logBytes - fold.bytes() + fold.keptBytes());
            words.release(DEAD_REGION, Place.run(fold.header().region(), 1));
            words.release(DEAD_REGION_NUMBER, fold.header().number());
            words.release(COPIES_END, RegionHeader.BYTES + fold.keptBytes());
        }
        turnedOver |= rolled;
        return change.deadRun != 0 || fold != null;
    }

    /**
     * Takes the oldest region out of the chain (RULE 24). The caller holds the stripe's lock, and has moved every
     * record in the region to which the index points, except those that go with it.
     *
     * @param successor the header of the next region
     * @param bytes the bytes of the region's records, and of the runs of its tombstones
     * @param gone the entries that go with it; in a store that evicts, all to which the index points
     */
    void leave(RegionHeader successor, long bytes, Drops gone) {
        words.release(NEW_SLOT_AT, 0); // W4
        words.release(NEW_VERSION, words.acquire(VERSION));
        words.release(NEW_TAIL, appender.tail());
        words.release(NEW_TAIL_NUMBER, appender.tailNumber());
        words.release(NEW_OLDEST, successor.region() + 1);
        words.release(NEW_OLDEST_NUMBER, successor.number());
        words.release(NEW_LIVE_COUNT, words.acquire(LIVE_COUNT) - gone.count());
        words.release(NEW_LIVE_BYTES, words.acquire(LIVE_BYTES) - gone.bytes());
        words.release(NEW_LOG_BYTES, words.acquire(LOG_BYTES) - bytes);
        words.release(NEW_TAIL_DEAD, words.acquire(TAIL_DEAD));
        words.release(DEAD_RUN, 0);
        words.release(DEAD_REGION, Place.run(words.acquire(OLDEST) - 1, 1));
        words.release(DEAD_REGION_NUMBER, words.acquire(OLDEST_NUMBER));
        words.release(COPIES_END, 0);
        words.release(MOVED_FROM, 0);
        stageDeath(true);
        commit(WHOLE);
        for (int i = 0; i < gone.count(); i++) {
            Steps.at("W6 drop");
            gone.swing(i);
        }
        carryOut(null, 0, 0);
    }

    /** Drops all entries and regions of the stripe; the caller holds its lock. Versions go on. */
    void clear() {
        words.release(NEW_VERSION, words.acquire(VERSION));
        for (int word : OF_THE_EMPTY) {
            words.release(word, 0);
        }
        words.release(DEAD_REGION_NUMBER, words.acquire(TAIL_NUMBER));
        stageDeath(true);
        commit(CLEARING);
        carryOutClearing();
    }

    /** Can be repeated after any kill: nobody else claims a region for this stripe before it is done. */
    private void carryOutClearing() {
        Steps.at("E7");
        index.forEachSlot(words.acquire(TABLE), (slotAt, _) -> index.change(slotAt, 0));
        words.release(TABLE, words.acquire(NEW_TABLE));
        VarHandle.fullFence();
        setCounts();
        words.release(EVACUATED, words.acquire(DEAD_REGION_NUMBER));
        words.release(OLDEST, 0);
        words.release(OLDEST_NUMBER, 0);
        words.release(TAIL_NUMBER, 0);
        setTail();
        words.release(MOVED_FROM, 0);
        committed.buryAll(words.acquire(DEATH_EPOCH));
        finish();
    }

    private void commit(boolean death, @Nullable Moves moves, int first, int last) {
        stageDeath(death);
        commit(WHOLE);
        carryOut(moves, first, last);
    }

    private void stageDeath(boolean death) {
        long table = words.acquire(TABLE);
        words.release(NEW_TABLE, death ? TableWord.next(table) : table);
        if (death) {
            turnedOver = true;
            words.release(DEATH_EPOCH, shared.acquire(SharedLayout.EPOCH));
        }
    }

    private void commit(long intent) {
        Steps.at("W5");
        words.release(INTENT, intent); // W5
        VarHandle.fullFence();
    }

    /**
     * About whether regions were claimed or died since the last call. It takes no lock, so two callers may be told of
     * the same region.
     */
    boolean turnedOver() {
        boolean since = turnedOver;
        if (since) {
            turnedOver = false;
        }
        return since;
    }

    /**
     * @param moves null in a redo, which must walk the copies
     */
    private void carryOut(@Nullable Moves moves, int first, int last) {
        long deadRegion = words.acquire(DEAD_REGION);
        boolean evacuated = deadRegion != 0 && words.acquire(COPIES_END) == 0;
        if (deadRegion != 0 && !evacuated && committed.deadRegionIsAlive()) {
            committed.swingCopies(
                    Place.region(deadRegion), RegionHeader.BYTES, words.acquire(COPIES_END));
        }
        long movedFrom = words.acquire(MOVED_FROM);
        if (moves != null) {
            for (int i = first; i < last; i++) {
                Steps.at("W6 move");
                moves.swing(i);
            }
        } else if (movedFrom != 0) {
            long end = Place.bytesInRegion(words.acquire(NEW_TAIL));
            committed.swingCopies(movedFrom - 1, words.acquire(MOVES_AT), end);
        }
        swingSlot();
        Steps.at("W7");
        if (words.acquire(TABLE) != words.acquire(NEW_TABLE)) {
            words.release(TABLE, words.acquire(NEW_TABLE));
            VarHandle.fullFence();
        }
        setCounts();
        words.release(OLDEST, words.acquire(NEW_OLDEST));
        words.release(OLDEST_NUMBER, words.acquire(NEW_OLDEST_NUMBER));
        if (evacuated) {
            words.release(EVACUATED, words.acquire(DEAD_REGION_NUMBER));
        }
        words.release(TAIL_NUMBER, words.acquire(NEW_TAIL_NUMBER));
        setTail();
        Steps.at("W10");
        if (words.acquire(NEXT) != 0) {
            words.release(NEXT, 0);
        }
        if (words.acquire(NEXT_RUN) != 0) {
            words.release(NEXT_RUN, 0);
        }
        long epoch = words.acquire(DEATH_EPOCH);
        long deadRun = words.acquire(DEAD_RUN);
        if (deadRun != 0) {
            Steps.at("W11");
            regions.bury(words, number, deadRun, words.acquire(DEAD_RUN_NUMBER), epoch);
        }
        if (deadRegion != 0) {
            if (evacuated && committed.deadRegionIsAlive()) {
                committed.buryRunsOfTombstones(Place.region(deadRegion), epoch);
            }
            Steps.at("W11 region");
            regions.bury(words, number, deadRegion, words.acquire(DEAD_REGION_NUMBER), epoch);
        }
        finish();
        if (movedFrom != 0) {
            words.release(MOVED_FROM, 0); // a kill between the two only gives the tail up
        }
    }

    /** Repeats what another process began, which may have known where the dropped entries are. */
    private void redo() {
        long deadRegion = words.acquire(DEAD_REGION);
        boolean evacuated = deadRegion != 0 && words.acquire(COPIES_END) == 0;
        if (evacuated && data.header().cache().evicts() && committed.deadRegionIsAlive()) {
            committed.dropAll(Place.region(deadRegion));
        }
        carryOut(null, 0, 0);
    }

    /** Carries out a short commit. Nothing dies, and the log has the same regions: W7, W10, W11 are empty. */
    private void carryOutShort() {
        swingSlot();
        setCounts();
        setTail();
        finish();
    }

    private void swingSlot() {
        Steps.at("W6");
        long tagged = words.acquire(NEW_SLOT_AT);
        if (tagged != 0) {
            index.swing(
                    BucketWords.slotAt(tagged),
                    words.acquire(NEW_SLOT_WORD),
                    BucketWords.tag(tagged));
        }
    }

    private void setCounts() {
        Steps.at("W8");
        words.release(VERSION, words.acquire(NEW_VERSION));
        words.release(LIVE_COUNT, words.acquire(NEW_LIVE_COUNT));
        words.release(LIVE_BYTES, words.acquire(NEW_LIVE_BYTES));
        words.release(LOG_BYTES, words.acquire(NEW_LOG_BYTES));
        words.release(TAIL_DEAD, words.acquire(NEW_TAIL_DEAD));
    }

    private void setTail() {
        Steps.at("W9");
        words.release(TAIL, words.acquire(NEW_TAIL));
    }

    private void finish() {
        Steps.at("W12");
        words.release(INTENT, 0);
        appender.loadTail();
    }

    /**
     * Replaces a tail region that was given up by one with the live records of it.
     *
     * @param placement the place of the tail after the copies
     */
    void replaceTail(Appender.Placement placement) {
        apply(unchanged(placement, words.acquire(LOG_BYTES)));
    }

    /**
     * Notes that the lock was taken over from a dead holder, before {@link #repair}. The holder may have written
     * behind the tail without a commit. The first bytes tell that of one record. Copies of a window are several, each
     * with its own checksum, so MOVED_FROM tells that they were begun.
     */
    void inherit() {
        boolean moving = words.acquire(MOVED_FROM) != 0;
        if (words.acquire(INTENT) == 0 && (moving || mayBeWritten(words.acquire(TAIL)))) {
            words.release(GIVEN_UP, words.acquire(TAIL_NUMBER));
        }
    }

    /**
     * Whether a whole record or filler, or its image on the disk, may lie behind the tail. Then its first 16 bytes,
     * which are in one page, are not all 0, and no process stores zeros there.
     */
    private boolean mayBeWritten(long tail) {
        if (tail == 0 || Place.region(tail) >= data.regions()) {
            return tail != 0;
        }
        int bytes = Place.bytesInRegion(tail);
        if (bytes > data.regionBytes() - RecordLayout.MIN_BYTES) {
            return false; // nothing fits there
        }
        long at = data.regionAt(Place.region(tail)) + bytes;
        MemorySegment memory = data.covering(at, RecordLayout.MIN_BYTES);
        try {
            return (Words.acquire(memory, at) | Words.acquire(memory, at + Long.BYTES)) != 0;
        } catch (InternalError e) {
            return true; // the page cannot be read, so its content is unknown
        }
    }

    /** Notes that a write of this process ended in a Throwable; under the lock, before {@link #repair}. */
    void failed() {
        if (appender.mayHaveWritten()) {
            inherit();
        }
    }

    /**
     * Completes or undoes what a holder left; the caller holds the stripe's lock. It is the one routine for a
     * takeover, for a Throwable in a live holder and for the cut (RULE 12).
     *
     * @return whether there was anything to do
     */
    boolean repair() {
        if (!words.pending()) {
            return false;
        }
        long intent = words.acquire(INTENT);
        if (intent == SHORT) {
            carryOutShort();
        } else if (intent == IN_PLACE) {
            redoInPlace();
        } else if (intent == CLEARING) {
            carryOutClearing();
        } else if (intent == WHOLE) {
            redo();
        } else if (intent != 0) {
            throw new CorruptStore(
                    shared.file().path(),
                    words.at() + INTENT,
                    "an intent: 0 to %d".formatted(CLEARING),
                    Long.toString(intent));
        }
        regions.abandon(words, number);
        regions.abandonRun(words, number);
        words.release(BUILDING, 0); // swung or not: the table word names the valid table
        return true;
    }
}
