package dev.cairn.stripe;

import dev.cairn.CheckpointFailed;
import dev.cairn.LockTimeout;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Index;
import dev.cairn.index.Mapped;
import dev.cairn.index.Tables;
import dev.cairn.lock.Contention;
import dev.cairn.lock.ProcessTable;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.Appender;
import dev.cairn.log.Draft;
import dev.cairn.log.Records.Copy;
import dev.cairn.log.Records.Outline;
import dev.cairn.log.Regions.Use;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/*
 * Actors    the threads of every process that writes; of one stripe, one at a time.
 * Steps     W1 the stripe's lock; repair what a dead holder left; replace a tail region that was
 *              given up: see Renewal
 *           W2 the slot; the place: the tail, or a new region (N1 to N3, header, filler), or a run
 *           W3 content with checksum and version, behind the tail: see Tail
 *           W4 to W12 stage, commit, carry out: see Commit
 *           X1 to X8 instead of W3 to W12: the old record is overwritten where it lies: see Tail
 *           W13 (remove) uncount the buckets passed      W14 unlock
 * Why it is safe
 *           Up to W5, or X3, nothing changes that anybody reads, but for tags and overflow counts, which
 *           may claim too much. Nobody waits for space or for the growth of a file with the lock
 *           held (RULE 13): the attempt ends, gives back what it claimed, and begins again.
 * If a process dies here
 *           The next holder of the lock repairs. The same repair runs when a Throwable comes out of
 *           an attempt of a live process, and if even that fails the lock is left to the next holder,
 *           which no error can keep from taking it: see SharedLock.
 */
/**
 * One stripe as a process that may write uses it: its words in shared memory, its lock, the tail of
 * its log, its table and its cleaning, and what can be done to it.
 */
public final class Stripe {
    /** Expected version: whatever there is. */
    public static final long ANY = -1;

    /** Expected version: nothing. */
    public static final long NOTHING = 0;

    /** Expected version: whatever there is, as long as there is something. */
    public static final long SOMETHING = -2;

    /** No room was found; a table that needs some says minus its bytes, which are more. */
    public static final long NO_REGION = Tail.NO_REGION;

    /** The last regions are not to be had for a write. */
    public static final long REFUSED = Long.MIN_VALUE;

    private static final long NOT_APPLIED = 0;

    /** Regions of a chain that is cleaned all through to make room for one write that adds. */
    private static final int SHORT_CHAIN = 16;

    /** Entries that are written in one hold of the lock, so that others wait some 100 us. */
    private static final int MOST_IN_A_HOLD = 32;

    /** Likewise their bytes: a large value has a hold of its own. */
    private static final long MOST_BYTES_IN_A_HOLD = 1 << 15;

    /** Bytes that a write may clean for each byte that it appends. */
    private static final long CLEANING_PACE = 8;

    private final int number;
    private final StripeWords words;
    private final Mapped mapped;
    private final Tables tables;
    private final Terms terms;
    private final SharedLock lock;
    private final Commit commit;
    private final Tail tail;
    private final Cleaning cleaning;

    /** Null if the store does not evict. */
    private final @Nullable Policy policy;

    Stripe(
            Site site,
            Tables tables,
            Terms terms,
            ProcessTable processes,
            Contention contention,
            Waiters waiters) {
        this.number = site.number();
        this.words = site.words();
        this.mapped = site.mapped();
        this.tables = tables;
        this.terms = terms;
        Appender appender =
                new Appender(mapped.data(), mapped.records(), site.regions(), words, number);
        this.commit = new Commit(site, appender);
        this.tail = new Tail(site, appender, commit);
        this.policy = Policy.of(site);
        this.cleaning = new Cleaning(site, terms, tail, commit, policy);
        this.lock =
                new SharedLock(
                        mapped.shared().base(),
                        words.at() + StripeWords.LOCK,
                        "the lock of stripe " + number,
                        processes,
                        contention,
                        new Repairing(words, commit, appender, waiters));
    }

    public int number() {
        return number;
    }

    public StripeWords words() {
        return words;
    }

    public Cleaning cleaning() {
        return cleaning;
    }

    /** Puts of this process that overwrote a record where it lay, about. */
    long overwrites() {
        return tail.overwrites();
    }

    SharedLock lock() {
        return lock;
    }

    /**
     * Does something with the stripe's lock. If it fails in the midst of a write, that is finished or
     * undone before the lock is given back.
     *
     * @throws LockTimeout if a live holder keeps it too long
     */
    public void holding(Runnable work) {
        long _ =
                longHolding(() -> {
                    work.run();
                    return 0;
                });
    }

    /** As {@link #holding(Runnable)}. */
    public <T extends @Nullable Object> T valueHolding(Supplier<T> work) {
        return lock.holding(terms.timeoutNanos(), work);
    }

    /** As {@link #holding(Runnable)}, unless somebody has the lock; tells whether it was done. */
    public boolean tryHolding(Runnable work) {
        return lock.tryHolding(work);
    }

    private long longHolding(LongSupplier work) {
        return lock.longHolding(terms.timeoutNanos(), work);
    }

    /** Repairs what a dead holder left, unless a live one has the lock for so long. */
    public void tryRepair(long nanos) {
        lock.tryRepair(nanos);
    }

    /** Repairs what errors left of this process. */
    public void mend() {
        lock.mend();
    }

    /** The exception of whoever waited so long for the lock, in vain. */
    public LockTimeout timeout(long waitedNanos) {
        return lock.timeout(waitedNanos);
    }

    /** Repairs when nobody is left who could hold the lock. */
    void repairRetired() {
        if (words.acquire(StripeWords.LOCK) != 0) {
            commit.inherit();
        }
        boolean _ = commit.repair();
        words.release(StripeWords.LOCK, 0);
    }

    /** Whether regions were claimed or died since this was asked last, about; needs no lock. */
    public boolean turnedOver() {
        return commit.turnedOver();
    }

    /** Takes a copy of what was there before a write, expected or not. */
    public static final class Before {
        private @Nullable Copy copy;

        /** Null if nothing was there; to be checked for soundness. */
        public @Nullable Copy copy() {
            return copy;
        }
    }

    /**
     * Writes or removes an entry if it is as expected: one attempt under the stripe's lock.
     *
     * @param draft a tombstone removes
     * @param use what regions may be claimed for
     * @param expected the version the entry must have, {@link #ANY}, {@link #NOTHING} or {@link
     *     #SOMETHING}
     * @param before gets what the write found; null if nobody wants it
     * @return the version of the write; 0 if the entry was not as expected or not there to remove;
     *     {@link #NO_REGION}, {@link #REFUSED} or minus the bytes that a table needs
     */
    public long put(long hashed, Draft draft, Use use, long expected, @Nullable Before before) {
        return longHolding(() -> inHold(hashed, draft, use, expected, before)); // W1, W14
    }

    /** What is to be written to a stripe, whatever is there. */
    public record Hashed(long hash, Draft draft) {}

    /** Writes entries in one hold of the lock, as many as there is room for; tells how many. */
    public int putSome(List<Hashed> entries, int from) {
        int end = Math.min(entries.size(), from + MOST_IN_A_HOLD);
        return (int)
                longHolding( // W1
                        () -> {
                            int written = 0;
                            long bytes = 0;
                            while (from + written < end && bytes < MOST_BYTES_IN_A_HOLD) {
                                Hashed next = entries.get(from + written);
                                if (inHold(next.hash, next.draft, Use.WRITE, ANY, null) < 0) {
                                    break;
                                }
                                bytes += next.draft.liveBytes(mapped.data().regionBytes());
                                written++;
                            }
                            return written;
                        }); // W14
    }

    /** Regions that a write wants, or the evacuation that comes before it. */
    public int needed(Draft draft) {
        int own = draft.runRegions(mapped.data().regionBytes()) + 1;
        return words.evacuating() ? Math.max(own, cleaning.regionsNeeded()) : own;
    }

    private long inHold(long hashed, Draft draft, Use use, long expected, @Nullable Before before) {
        Steps.at("W2");
        long result = locked(hashed, draft, use, expected, before);
        Steps.at("W14");
        return result;
    }

    private long locked(long hashed, Draft draft, Use use, long expected, @Nullable Before before) {
        if (mapped.shared().acquire(SharedLayout.FAILED) != 0) {
            throw new CheckpointFailed(
                    mapped.data().path(),
                    "a checkpoint failed, and nothing is written until one succeeds",
                    null);
        }
        if (!tailIsReady(use)) {
            return NO_REGION;
        }
        if (expected == ANY) { // it will be written: while the lookup waits for its own lines
            Words.keepAlive(tail.touch(draft.bytes()));
        }
        Index.Lookup found = mapped.index().locate(words, hashed, draft.key()); // W2
        Outline old =
                found.slot() == 0
                        ? null
                        : mapped.records().outlineLocked(SlotWord.offset(found.slot()));
        if (old != null && (expected > 0 || before != null)) { // what is there is gone by
            mapped.records().requireOverwrites(old.offset(), found.slot(), old.overwrites());
        }
        boolean absent = old == null || mapped.shared().clock().hasCome(old.expires());
        if (before != null) {
            before.copy = old == null || absent ? null : mapped.records().copy(number, old);
        }
        boolean remove = draft.kind() == RecordLayout.TOMBSTONE;
        if (!matches(expected, remove, old, absent)) {
            return NOT_APPLIED;
        }
        if (old == null && tables.crowded(words, found)) {
            do {
                long room = tables.rebuild(words);
                if (room != 0) {
                    return -room;
                }
                found = mapped.index().locate(words, hashed, draft.key());
            } while (found.slotAt() == 0);
        }
        long version =
                policy == null
                        ? append(hashed, draft, use, found, old)
                        : appendWithHeat(policy, hashed, draft, use, found, old);
        boolean dropsExpired = remove && expected == ANY && absent;
        return dropsExpired && version > 0 ? NOT_APPLIED : version;
    }

    private long appendWithHeat(
            Policy by,
            long hashed,
            Draft draft,
            Use use,
            Index.Lookup found,
            @Nullable Outline old) {
        if (draft.kind() != RecordLayout.PUT) {
            return append(hashed, draft, use, found, old);
        }
        Draft hot = draft.withHeat(by.heatOfPut(hashed, old, draft.heat()));
        long version = append(hashed, hot, use, found, old);
        if (version > 0) {
            long offset = SlotWord.offset(mapped.index().slot(found.slotAt()));
            by.wasPut(hashed, old == null, offset, draft.bytes());
        }
        return version;
    }

    /** Whether there is what is expected; what is expired can be removed, for good. */
    private static boolean matches(
            long expected, boolean remove, @Nullable Outline old, boolean absent) {
        long present = old == null || absent ? NOTHING : old.version();
        if (expected == ANY) {
            return !remove || old != null;
        }
        return expected == SOMETHING ? present != NOTHING : present == expected;
    }

    /** Whether the tail may be appended to, once an evacuation that took the last regions is ended. */
    private boolean tailIsReady(Use use) {
        boolean evacuating = words.evacuating(); // which may have the last regions
        return !(evacuating && cleaning.step(0, -1, Use.EVACUATE) == Cleaning.Progress.NO_ROOM)
                && tail.ready(evacuating ? Use.EVACUATE : use); // behind copies, too
    }

    /** Appends the record, and cleans for it; its version, {@link #NO_REGION} or {@link #REFUSED}. */
    private long append(
            long hashed, Draft draft, Use use, Index.Lookup found, @Nullable Outline old) {
        boolean put = draft.kind() == RecordLayout.PUT;
        if (use == Use.EVACUATE && put && draft.runRegions(mapped.data().regionBytes()) > 0) {
            return REFUSED; // a run gives no region back
        }
        boolean borrows = use == Use.EVACUATE && tail.overflows(draft.bytes());
        if (borrows) {
            long refusal = refusal(draft, old);
            if (refusal < 0) {
                return refusal;
            }
            cleaning.beginEvacuation();
        }
        long tailNumber = tail.number();
        long version = tail.append(hashed, draft, use, found, old);
        if (tail.number() != tailNumber) {
            cleaning.rolled();
        }
        if (version != NO_REGION) {
            clean(draft, borrows);
        }
        return version;
    }

    private void clean(Draft draft, boolean borrows) {
        Cleaning.Progress _ =
                borrows
                        ? cleaning.step(0, -1, Use.EVACUATE)
                        : cleaning.step(
                                CLEANING_PACE * draft.bytes(), cleaning.tolerated(), Use.REMOVE);
    }

    /**
     * RULE 27: a write may have one of the last regions if it gives one back in the same hold: the
     * stripe's oldest, whose entries fit the new one beside the record. Whatever is superseded stands
     * in the oldest region once in a turn of the chain, so a removal always comes to that point. So
     * does a put that is no longer than what it supersedes, or than the stripe's garbage; but it is
     * not worth a turn of a long chain.
     */
    private long refusal(Draft draft, @Nullable Outline old) {
        if (draft.kind() == RecordLayout.PUT) {
            long gained = cleaning.garbage() + (old == null ? 0 : old.bytes());
            long shortChain = (long) SHORT_CHAIN * mapped.data().regionBytes();
            if (gained < draft.bytes() || words.acquire(StripeWords.LOG_BYTES) > shortChain) {
                return REFUSED;
            }
        }
        return cleaning.fitsBesideFront(draft.key(), draft.bytes()) ? 0 : NO_REGION;
    }
}
