package dev.cairn.stripe;

import dev.cairn.CheckpointFailed;
import dev.cairn.LockTimeout;
import dev.cairn.events.Events;
import dev.cairn.events.Events.Takeover;
import dev.cairn.events.Recording;
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
 * Actors    the threads of every process that writes; for one stripe, one at a time.
 * Steps     W1 the stripe's lock; repair what a dead holder left; replace a tail region that was
 *              given up: see Renewal
 *           W2 the slot; the place: the tail, or a new region (N1 to N3, header, filler), or a run
 *           W3 content with checksum and version, behind the tail: see Tail
 *           W4 to W12 stage, commit, carry out: see Commit
 *           X1 to X8 instead of W3 to W12: the old record is overwritten in place: see Tail
 *           W13 (remove) uncount the buckets passed      W14 unlock
 * Why it is safe
 *           Up to W5, or X3, nothing changes that anybody reads, except tags and overflow counts, which
 *           may claim too much. No thread waits for space or for the growth of a file with the lock
 *           held (RULE 13): the attempt ends, gives back what it claimed, and begins again.
 * If a process dies here
 *           The next holder of the lock repairs. The same repair runs when a Throwable comes out of an
 *           attempt of a live process. If even that fails, the lock is left to the next holder, which
 *           no error can keep from taking it: see SharedLock.
 */
/**
 * One stripe as a process that may write uses it: its words in shared memory, its lock, the tail of
 * its log, its table and its cleaning, and the operations on it.
 */
public final class Stripe {
    /** Expected version: any version, and the key may be absent. */
    public static final long ANY = -1;

    /** Expected version: the key must be absent. */
    public static final long NOTHING = 0;

    /** Expected version: any version, but the key must be present. */
    public static final long SOMETHING = -2;

    /**
     * The result if no room was found. If a table needs room, the result is minus the number of its
     * bytes, which is less.
     */
    public static final long NO_REGION = Tail.NO_REGION;

    /** The result if a write may not use the last free regions. */
    public static final long REFUSED = Long.MIN_VALUE;

    private static final long NOT_APPLIED = 0;

    /**
     * The longest chain, in regions, that is cleaned all through to make room for one write that
     * adds data.
     */
    private static final int SHORT_CHAIN = 16;

    /**
     * The number of entries that are written in one hold of the lock, so that others wait for about
     * 100 us.
     */
    private static final int MOST_IN_A_HOLD = 32;

    /**
     * The number of bytes that are written in one hold of the lock: a large value has a hold of its
     * own.
     */
    private static final long MOST_BYTES_IN_A_HOLD = 1 << 15;

    /** The number of bytes that a write may clean for each byte that it appends. */
    private static final long CLEANING_PACE = 8;

    private final int number;
    private final StripeWords words;
    private final Mapped mapped;
    private final Tables tables;
    private final StripeSettings settings;
    private final SharedLock lock;
    private final Commit commit;
    private final Tail tail;
    private final Cleaning cleaning;

    /** Null if the store does not evict. */
    private final @Nullable Policy policy;

    Stripe(
            StripeContext context,
            Tables tables,
            ProcessTable processes,
            Contention contention,
            Waiters waiters) {
        this.number = context.number();
        this.words = context.words();
        this.mapped = context.mapped();
        this.tables = tables;
        this.settings = context.settings();
        Appender appender =
                new Appender(mapped.data(), mapped.records(), context.regions(), words, number);
        this.commit = new Commit(context, appender);
        this.tail = new Tail(context, appender, commit);
        this.policy = Policy.of(context);
        this.cleaning = new Cleaning(context, tail, commit, policy);
        this.lock =
                SharedLock.ofStripe(
                        number,
                        mapped.shared().base(),
                        words.at() + StripeWords.LOCK,
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

    /** About how many puts of this process overwrote a record in place. */
    long overwrites() {
        return tail.overwrites();
    }

    SharedLock lock() {
        return lock;
    }

    /**
     * Runs work with the stripe's lock held. If it fails during a write, that write is completed or
     * undone before the lock is released.
     *
     * @throws LockTimeout if a live holder keeps the lock for too long
     */
    public void holding(Runnable work) {
        long _ =
                longHolding(() -> {
                    work.run();
                    return 0;
                });
    }

    /** Runs work as {@link #holding(Runnable)} does, and returns its result. */
    public <T extends @Nullable Object> T valueHolding(Supplier<T> work) {
        return lock.holding(settings.timeoutNanos(), work);
    }

    /**
     * Runs work as {@link #holding(Runnable)} does, unless another thread has the lock; returns
     * whether it did.
     */
    public boolean tryHolding(Runnable work) {
        return lock.tryHolding(work);
    }

    private long longHolding(LongSupplier work) {
        return lock.longHolding(settings.timeoutNanos(), work);
    }

    /**
     * Repairs what a dead holder left, unless a live holder keeps the lock for longer than {@code
     * nanos}.
     */
    public void tryRepair(long nanos) {
        lock.tryRepair(nanos);
    }

    /** Repairs what errors left in this process. */
    public void mend() {
        lock.mend();
    }

    /** The exception of a thread that waited this long for the lock, without success. */
    public LockTimeout timeout(long waitedNanos) {
        return lock.timeout(waitedNanos);
    }

    /** Repairs when no thread is left that could hold the lock. */
    void repairRetired() {
        long left = words.acquire(StripeWords.LOCK);
        Recording<Takeover> takeover = left == 0 ? null : Events.takeover();
        if (left != 0) {
            commit.inherit();
        }
        boolean repaired = commit.repair();
        words.release(StripeWords.LOCK, 0);
        lock.tell(takeover, left, repaired);
    }

    /** About whether regions were claimed or died since the last call; it needs no lock. */
    public boolean turnedOver() {
        return commit.turnedOver();
    }

    /** Takes a copy of what was there before a write, whether or not it was expected. */
    public static final class PreviousEntry {
        private @Nullable Copy copy;

        /** The copy, or null if nothing was there. Its soundness is not checked yet. */
        public @Nullable Copy copy() {
            return copy;
        }
    }

    /**
     * Writes or removes an entry if it is as expected. It is one attempt under the stripe's lock.
     *
     * @param draft what to write; a tombstone removes the entry
     * @param use what regions may be claimed for
     * @param expected the version that the entry must have, {@link #ANY}, {@link #NOTHING} or
     *     {@link #SOMETHING}
     * @param before gets what the write found; null if the caller does not need it
     * @return the version of the write; 0 if the entry was not as expected, or absent when it was
     *     to be removed; {@link #NO_REGION}, {@link #REFUSED}, or minus the bytes that a table
     *     needs
     */
    public long put(
            long hashed, Draft draft, Use use, long expected, @Nullable PreviousEntry before) {
        return longHolding(() -> inHold(hashed, draft, use, expected, before)); // W1, W14
    }

    /** An entry that is to be written to a stripe, whatever is there. */
    public record Hashed(long hash, Draft draft) {}

    /** Writes as many entries as there is room for in one hold of the lock; returns how many. */
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

    /** The number of regions that a write needs, or the evacuation that must come before it. */
    public int needed(Draft draft) {
        int own = draft.runRegions(mapped.data().regionBytes()) + 1;
        return words.evacuating() ? Math.max(own, cleaning.regionsNeeded()) : own;
    }

    private long inHold(
            long hashed, Draft draft, Use use, long expected, @Nullable PreviousEntry before) {
        Steps.at("W2");
        long result = locked(hashed, draft, use, expected, before);
        Steps.at("W14");
        return result;
    }

    private long locked(
            long hashed, Draft draft, Use use, long expected, @Nullable PreviousEntry before) {
        if (mapped.shared().acquire(SharedLayout.FAILED) != 0) {
            throw new CheckpointFailed(
                    mapped.data().path(),
                    "a checkpoint failed, and writes are refused until one succeeds",
                    null);
        }
        if (!tailIsReady(use)) {
            return NO_REGION;
        }
        // it will be written: fetch it while the lookup waits for its own lines
        if (expected == ANY) {
            Words.keepAlive(tail.touch(draft.bytes()));
        }
        Index.Lookup found = mapped.index().locate(words, hashed, draft.key()); // W2
        Outline old =
                found.slot() == 0
                        ? null
                        : mapped.records().outlineLocked(SlotWord.offset(found.slot()));
        if (old != null && (expected > 0 || before != null)) { // the present entry must be read
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
            boolean again = false;
            do {
                long room = tables.rebuild(words, again);
                if (room != 0) {
                    return -room;
                }
                again = true;
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

    /** Whether the present entry is as expected. An expired entry can be removed, for good. */
    private static boolean matches(
            long expected, boolean remove, @Nullable Outline old, boolean absent) {
        long present = old == null || absent ? NOTHING : old.version();
        if (expected == ANY) {
            return !remove || old != null;
        }
        return expected == SOMETHING ? present != NOTHING : present == expected;
    }

    /**
     * Whether the tail may be appended to. It first completes an evacuation that took the last free
     * regions.
     */
    private boolean tailIsReady(Use use) {
        boolean evacuating = words.evacuating(); // it may use the last free regions
        return !(evacuating && cleaning.step(0, -1, Use.EVACUATE) == Cleaning.Progress.NO_ROOM)
                && tail.ready(evacuating ? Use.EVACUATE : use); // copies need that, too
    }

    /**
     * Appends the record, and cleans for it; returns its version, {@link #NO_REGION} or {@link
     * #REFUSED}.
     */
    private long append(
            long hashed, Draft draft, Use use, Index.Lookup found, @Nullable Outline old) {
        boolean put = draft.kind() == RecordLayout.PUT;
        if (use == Use.EVACUATE && put && draft.runRegions(mapped.data().regionBytes()) > 0) {
            return REFUSED; // a run frees no region
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
     * Decides whether a write may use one of the last free regions (RULE 27). It may if it frees
     * one in the same hold: the stripe's oldest, whose entries fit into the new one beside the
     * record. In one turn of the chain every superseded record is once in the oldest region, so a
     * removal always reaches that point. A put also reaches it if it is not longer than what it
     * supersedes, or than the stripe's garbage; but it is not worth a turn of a long chain.
     */
    private long refusal(Draft draft, @Nullable Outline old) {
        if (draft.kind() == RecordLayout.PUT) {
            long gained = cleaning.garbage() + (old == null ? 0 : old.bytes());
            long shortChain = (long) SHORT_CHAIN * mapped.data().regionBytes();
            if (gained < draft.bytes() || words.acquire(StripeWords.LOG_BYTES) > shortChain) {
                return REFUSED;
            }
        }
        return cleaning.fitsBesideOldestRegion(draft.key(), draft.bytes()) ? 0 : NO_REGION;
    }
}
