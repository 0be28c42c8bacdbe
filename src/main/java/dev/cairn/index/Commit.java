package dev.cairn.index;

import static dev.cairn.format.StripeWords.BUILDING;
import static dev.cairn.format.StripeWords.DEAD_RUN;
import static dev.cairn.format.StripeWords.DEAD_RUN_NUMBER;
import static dev.cairn.format.StripeWords.DEATH_EPOCH;
import static dev.cairn.format.StripeWords.INTENT;
import static dev.cairn.format.StripeWords.LIVE_BYTES;
import static dev.cairn.format.StripeWords.LIVE_COUNT;
import static dev.cairn.format.StripeWords.NEW_LIVE_BYTES;
import static dev.cairn.format.StripeWords.NEW_LIVE_COUNT;
import static dev.cairn.format.StripeWords.NEW_OLDEST;
import static dev.cairn.format.StripeWords.NEW_OLDEST_NUMBER;
import static dev.cairn.format.StripeWords.NEW_SLOT_AT;
import static dev.cairn.format.StripeWords.NEW_SLOT_WORD;
import static dev.cairn.format.StripeWords.NEW_TABLE;
import static dev.cairn.format.StripeWords.NEW_TAG;
import static dev.cairn.format.StripeWords.NEW_TAIL;
import static dev.cairn.format.StripeWords.NEW_TAIL_NUMBER;
import static dev.cairn.format.StripeWords.NEW_VERSION;
import static dev.cairn.format.StripeWords.NEXT;
import static dev.cairn.format.StripeWords.NEXT_RUN;
import static dev.cairn.format.StripeWords.OLDEST;
import static dev.cairn.format.StripeWords.OLDEST_NUMBER;
import static dev.cairn.format.StripeWords.TABLE;
import static dev.cairn.format.StripeWords.TAIL;
import static dev.cairn.format.StripeWords.TAIL_NUMBER;
import static dev.cairn.format.StripeWords.VERSION;

import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.log.Appender;
import dev.cairn.log.Regions;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import java.lang.invoke.VarHandle;

/*
 * Actors    the holder of a stripe's lock, or whoever took the lock over from it.
 * Words     the intent; the companions (new ...), which say what the stripe's words will be.
 * Steps     W4 companions      W5 intent      W6 tag, slot word      W7 table word
 *           W8 version, oldest, counts        W9 tail                W10 next, next run := 0
 *           W11 dead run       W12 intent := 0
 * Why it is safe
 *           W5 is the commit: before it nothing below the tail and no slot word has changed, after
 *           it the companions hold everything that is to be done. They are absolute, so W6 to W12
 *           done again, from any kill, any number of times, end in the same words (RULE 12). Every
 *           store here is a release, so none rises above the one before it; the fence behind W5
 *           also keeps it before every later load.
 *           W7 stands between the last slot word into a dying run and W11, which lets it be claimed
 *           (RULE 8): a reader that still has the old slot word finds the table word changed.
 *           The tail comes last of what watchers look at: who sees it finds the rest done.
 * What is benign
 *           A redo that swings a slot which is swung: the same words.
 * If a process dies here
 *           Before W5: claims are given back, the rest never happened. After it: the next holder of
 *           the lock does W6 to W12. Both are O(1), but for the regions of a large value's run.
 * If power fails here
 *           None of these words is durable.
 */
/** How one write of a stripe becomes true, and how it is finished after a death. */
public final class Commit {
    private static final long COMMITTED = 1;

    private final SharedMemory shared;
    private final Index index;
    private final Regions regions;

    public Commit(SharedMemory shared, Index index, Regions regions) {
        this.shared = shared;
        this.index = index;
        this.regions = regions;
    }

    /**
     * What a write changes.
     *
     * @param slotAt of the slot word that changes
     * @param slot what it will be, 0 if the entry goes
     * @param tag of the key
     * @param version that the write got
     * @param log where the record lies and how the log stands behind it
     * @param liveCount entries then
     * @param liveBytes bytes of live entries then
     * @param deadRun run of the record that is superseded, 0 if it has none
     * @param deadRunNumber its allocation number
     */
    public record Change(
            long slotAt,
            long slot,
            long tag,
            long version,
            Appender.Spot log,
            long liveCount,
            long liveBytes,
            long deadRun,
            long deadRunNumber) {}

    /** Stages a change, commits it and carries it out. */
    public void apply(int stripe, Change change) {
        StripeWords words = shared.stripe(stripe);
        long table = words.acquire(TABLE);
        words.release(NEW_SLOT_AT, change.slotAt); // W4
        words.release(NEW_SLOT_WORD, change.slot);
        words.release(NEW_TAG, change.tag);
        words.release(NEW_TABLE, change.deadRun == 0 ? table : TableWord.next(table));
        words.release(NEW_VERSION, change.version);
        words.release(NEW_TAIL, change.log.tail());
        words.release(NEW_TAIL_NUMBER, change.log.tailNumber());
        words.release(NEW_OLDEST, change.log.oldest());
        words.release(NEW_OLDEST_NUMBER, change.log.oldestNumber());
        words.release(NEW_LIVE_COUNT, change.liveCount);
        words.release(NEW_LIVE_BYTES, change.liveBytes);
        words.release(DEAD_RUN, change.deadRun);
        if (change.deadRun != 0) {
            words.release(DEAD_RUN_NUMBER, change.deadRunNumber);
            words.release(DEATH_EPOCH, shared.acquire(SharedLayout.EPOCH));
        }
        Steps.at("W5");
        words.release(INTENT, COMMITTED); // W5
        VarHandle.fullFence();
        carryOut(words, stripe);
    }

    private void carryOut(StripeWords words, int stripe) {
        Steps.at("W6");
        index.swing(
                words.acquire(NEW_SLOT_AT), words.acquire(NEW_SLOT_WORD), words.acquire(NEW_TAG));
        Steps.at("W7");
        if (words.acquire(TABLE) != words.acquire(NEW_TABLE)) {
            words.release(TABLE, words.acquire(NEW_TABLE));
            VarHandle.fullFence();
        }
        Steps.at("W8");
        words.release(VERSION, words.acquire(NEW_VERSION));
        words.release(OLDEST, words.acquire(NEW_OLDEST));
        words.release(OLDEST_NUMBER, words.acquire(NEW_OLDEST_NUMBER));
        words.release(LIVE_COUNT, words.acquire(NEW_LIVE_COUNT));
        words.release(LIVE_BYTES, words.acquire(NEW_LIVE_BYTES));
        words.release(TAIL_NUMBER, words.acquire(NEW_TAIL_NUMBER));
        Steps.at("W9");
        words.release(TAIL, words.acquire(NEW_TAIL));
        Steps.at("W10");
        if (words.acquire(NEXT) != 0) {
            words.release(NEXT, 0);
        }
        if (words.acquire(NEXT_RUN) != 0) {
            words.release(NEXT_RUN, 0);
        }
        long deadRun = words.acquire(DEAD_RUN);
        if (deadRun != 0) {
            Steps.at("W11");
            regions.bury(
                    words,
                    stripe,
                    deadRun,
                    words.acquire(DEAD_RUN_NUMBER),
                    words.acquire(DEATH_EPOCH));
        }
        Steps.at("W12");
        words.release(INTENT, 0);
    }

    /**
     * Finishes or undoes what a holder left; the caller holds the stripe's lock. The one routine for
     * a takeover, for a Throwable in a live holder and for the cut (RULE 12).
     *
     * @return whether there was anything to do
     */
    public boolean repair(int stripe) {
        StripeWords words = shared.stripe(stripe);
        if (!words.pending()) {
            return false;
        }
        if (words.acquire(INTENT) != 0) {
            carryOut(words, stripe);
        }
        regions.abandon(words, stripe);
        regions.abandonRun(words, stripe);
        words.release(BUILDING, 0); // swung or not: the table word names what counts
        return true;
    }
}
