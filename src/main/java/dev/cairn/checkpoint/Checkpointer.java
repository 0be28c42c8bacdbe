package dev.cairn.checkpoint;

import dev.cairn.CheckpointFailed;
import dev.cairn.Durability;
import dev.cairn.LockTimeout;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.lock.ProcessTable;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.DataFile;
import dev.cairn.log.Regions;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;
import dev.cairn.shared.StoreClock;
import dev.cairn.stripe.Stripes;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/*
 * Actors    one checkpointer at a time in all processes, by the checkpoint lock; writers.
 * Words     epoch: of the checkpoint to come; durable: the last one whose force returned; attempt:
 *           the one that is being forced; failed: the one whose force returned an error; 0: none.
 * Steps     P1 all stripes' locks, each repaired      P2 tails, oldest regions, versions, counts: the
 *           cut; then of each stripe cut version := its version
 *           P3 epoch + 1                              P4 the locks given back: writers go on
 *           P5 attempt := the cut's epoch             P6 the log, forced
 *           P7 the slot that does not hold durable    P8 that slot, forced
 *           P9 durable := the cut's epoch              P10 failed := 0, attempt := 0
 * Why it is safe
 *           RULE 19: with all locks held no write is under way, so the cut is a prefix of the history
 *           of all stripes together. A write that returned before the call lies before it. P3 comes
 *           before P4: what is born behind the cut has the next epoch, so nothing that the cut names
 *           dies with an epoch that durable reaches before a checkpoint without it is durable.
 *           RULE 30: P2 says up to which version a stripe's records are the cut's. Puts overwrite in
 *           place only records above that, which lie behind the tail of this cut and of all before it
 *           (see Tail), whether they came to be published or not. P1 repairs before: a cut behind
 *           the X5 of a dead writer would name a torn record.
 *           RULE 19: should not all come within a millisecond, all are let go, and the next attempt
 *           waits twice as long. Large values are copied with a stripe's lock held; where many threads
 *           put some, there may never be a millisecond in which all holds end. But each hold ends,
 *           and behind a stripe that the cut has none begins: once the cut waits for as long as writers
 *           have the stripes that it lacks, it gets them. So writers wait for a cut no longer than
 *           about twice what they make others wait.
 *           RULE 20: P6 covers all regions of the cut, whoever stored to them, since it goes by the
 *           file and not by this process's stores. P7 begins when P6 has returned, so a slot that is
 *           whole has its log on disk; and it leaves alone the slot of the durable epoch, so at every
 *           moment there is one to fall back to. Never by parity: a failed attempt would turn it over.
 *           What the cut names stays what it is until P9 (RULE 25), since it dies behind the cut, and is
 *           not overwritten (RULE 30).
 *           RULE 22: a caller needs the epoch that was to come when it called: its writes are older.
 *           The cut is kept on this process's heap: one whose checkpointer died is never published,
 *           so nobody else has a use for it.
 * If a process dies here
 *           P1 to P4: the stripes' locks are taken over; an epoch without a slot does no harm, nor does
 *           a cut version without a cut: some puts append that could have overwritten. P5 to P8:
 *           attempt stays (SUSPECT): what was forced is unknown, and a page that failed may be clean.
 *           The next checkpointer heals first: each page of the log stored again, what is behind the
 *           durable checkpoint verified, counts of overwrites included (RULE 35), then a cut of its own (RULE 21).
 * If power fails here
 *           Up to P7 the durable slot is the newest that is whole. From P7 on the other one may be,
 *           with its log on disk since P6: then the store opens at that.
 */
/** Makes a store durable, while others write. */
public final class Checkpointer {
    private static final int UNLOCKED_LOOKS = 1000;

    /** How long the stripes that are already held may wait for the others, at the first attempt. */
    private static final long CUT_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

    private final DataFile data;
    private final SharedMemory shared;
    private final Regions regions;
    private final Stripes stripes;
    private final ProcessTable processes;
    private final SharedLock lock;
    private final Healer healer;
    private final AtomicLong made = new AtomicLong();
    private final AtomicLong longestHoldNanos = new AtomicLong();

    /**
     * @param lock of checkpoints
     */
    public Checkpointer(
            DataFile data,
            SharedMemory shared,
            Regions regions,
            Stripes stripes,
            ProcessTable processes,
            SharedLock lock,
            Healer healer) {
        this.data = data;
        this.shared = shared;
        this.regions = regions;
        this.stripes = stripes;
        this.processes = processes;
        this.lock = lock;
        this.healer = healer;
    }

    /** The epoch that a checkpoint must have to cover what was written before this call. */
    public long need() {
        return shared.acquire(SharedLayout.EPOCH);
    }

    /**
     * Sees to it that a checkpoint of that epoch or a later one is durable: somebody else's, if there
     * is one, else its own.
     *
     * @param timeoutNanos how long to wait for another checkpoint, and then for the stripes
     * @return the epoch of the one that is
     * @throws CheckpointFailed if the operating system could not, or could not for another's
     *     checkpoint that this call waited for
     * @throws LockTimeout if a live holder keeps a stripe, or another checkpoint takes, too long
     */
    public long checkpoint(long need, long timeoutNanos) {
        if (data.header().durability() == Durability.NONE) {
            throw new UnsupportedOperationException(
                    data.path() + ": a store of durability NONE has no checkpoints");
        }
        if (durable() >= need || !isBehind()) {
            return durable();
        }
        return lock.longHolding(timeoutNanos, () -> checkpointHolding(need, timeoutNanos));
    }

    private long checkpointHolding(long need, long timeoutNanos) {
        if (durable() >= need) {
            return durable();
        }
        if (shared.acquire(SharedLayout.FAILED) >= need) {
            throw failure(null);
        }
        Placed durable = durablePlaced();
        if (shared.acquire(SharedLayout.ATTEMPT) != 0) {
            healer.heal(slotOf(durable));
        }
        // what others grew is mapped first: not to be able to is no failed force
        MemorySegment _ = data.remapped();
        CheckpointSlot slot = cut(timeoutNanos);
        force(slot, durable, to -> data.file().force(0, to));
        made.incrementAndGet();
        dropDeadPins();
        regions.counts().recountIfDoubted();
        return slot.epoch();
    }

    /** Frees what backups of dead processes kept. */
    public void dropDeadPins() {
        if (Pin.dropDead(shared, processes)) {
            regions.counts().recount();
        }
    }

    private CheckpointFailed failure(@Nullable Throwable cause) {
        return new CheckpointFailed(
                data.path(),
                "what was written is applied, its durability is unknown; nothing more is written"
                        + " until a checkpoint succeeds",
                cause);
    }

    private CheckpointSlot cut(long timeoutNanos) {
        long deadline = Steps.nanoTime() + timeoutNanos;
        long patience = CUT_NANOS;
        @Nullable CheckpointSlot[] cut = {null};
        for (int first = 0; ; ) {
            SharedLock.Taken taken =
                    stripes.holdingAll( // P1, P4
                            first,
                            deadline - Steps.nanoTime(),
                            patience,
                            () -> cut[0] = cutHolding());
            longestHoldNanos.accumulateAndGet(taken.nanos(), Math::max);
            CheckpointSlot slot = cut[0];
            if (slot != null) {
                return slot;
            }
            if (taken.locks() == 0) {
                throw stripes.get(first).timeout(timeoutNanos);
            }
            if (Steps.nanoTime() - deadline > 0) {
                throw new LockTimeout(
                        data.path(),
                        "the locks of all stripes at once",
                        OptionalLong.empty(),
                        Duration.ofNanos(timeoutNanos),
                        "not all stripes could be held at once in %d ms"
                                .formatted(TimeUnit.NANOSECONDS.toMillis(timeoutNanos)));
            }
            patience = Math.min(2 * patience, timeoutNanos);
            first = (first + taken.locks()) % stripes.count();
            LockSupport.parkNanos(Steps.pause(PAUSE_NANOS));
        }
    }

    private CheckpointSlot cutHolding() {
        Steps.at("P2");
        CheckpointSlot slot = slot(timeline(), cuts(shared)); // P2
        passOver(slot.cuts());
        regions.counts().cut();
        Steps.at("P3");
        shared.release(SharedLayout.EPOCH, slot.epoch() + 1); // P3
        VarHandle.fullFence();
        Steps.at("P4");
        return slot;
    }

    /** RULE 30: nothing that a cut names is overwritten in place from now on. */
    private void passOver(List<Cut> cuts) {
        for (int stripe = 0; stripe < cuts.size(); stripe++) {
            shared.stripe(stripe).release(StripeWords.CUT_VERSION, cuts.get(stripe).version());
        }
    }

    private CheckpointSlot slot(UUID timeline, List<Cut> cuts) {
        StoreClock.Times times = shared.clock().times();
        return new CheckpointSlot(
                timeline,
                shared.acquire(SharedLayout.EPOCH),
                data.regions(),
                shared.acquire(SharedLayout.ALLOCATIONS),
                times.store(),
                times.wall(),
                cuts);
    }

    /**
     * Publishes cuts as the next epoch while nobody writes: at the last close and at the end of a
     * recovery, under the exclusive open lock.
     *
     * @throws CheckpointFailed if the operating system could not; the last checkpoint still counts
     */
    public void publishQuiet(UUID timeline, List<Cut> cuts) {
        Placed durable = durablePlaced();
        if (shared.acquire(SharedLayout.ATTEMPT) != 0) {
            healer.healQuiet(slotOf(durable));
        }
        CheckpointSlot slot = slot(timeline, cuts);
        passOver(slot.cuts());
        regions.counts().cut();
        shared.release(SharedLayout.EPOCH, slot.epoch() + 1);
        VarHandle.fullFence();
        force(slot, durable, to -> data.file().forceInPieces(to, shared::advanced));
    }

    /** Forces the data file up to a place. */
    private interface Forcing {
        void force(long to) throws IOException;
    }

    private void force(CheckpointSlot slot, @Nullable Placed durable, Forcing log) {
        DataHeader header = data.header();
        int index = durable == null ? 0 : 1 - durable.index;
        byte[] bytes = slot.encode(header.storeId(), index);
        long at = DataHeader.slotAt(index, header.stripes());
        MemorySegment _ = data.file().segment(data.regionAt(slot.regions()));
        Steps.at("P5");
        shared.release(SharedLayout.ATTEMPT, slot.epoch()); // P5
        VarHandle.fullFence();
        Steps.at("P6");
        try {
            log.force(data.regionAt(slot.regions())); // P6
            Steps.at("P7");
            data.file().store(data.file().first(), at, bytes, 0, bytes.length); // P7
            Steps.at("P8");
            data.file().force(at, at + bytes.length); // P8
        } catch (IOException e) {
            shared.release(SharedLayout.FAILED, slot.epoch());
            throw failure(e);
        }
        Steps.at("P9");
        shared.release(SharedLayout.TIMELINE, slot.timeline().getMostSignificantBits()); // P9
        shared.release(
                SharedLayout.TIMELINE + Long.BYTES, slot.timeline().getLeastSignificantBits());
        regions.counts().becomeDurable(slot.epoch());
        Steps.at("P10");
        shared.release(SharedLayout.FAILED, 0); // P10
        shared.release(SharedLayout.ATTEMPT, 0);
    }

    /** A checkpoint, and which of the two slots has it. */
    private record Placed(CheckpointSlot slot, int index) {}

    /** The last checkpoint whose force returned; null if neither slot is it, after a damage. */
    public @Nullable CheckpointSlot durableSlot() {
        return slotOf(durablePlaced());
    }

    private static @Nullable CheckpointSlot slotOf(@Nullable Placed placed) {
        return placed == null ? null : placed.slot;
    }

    /** Only a slot that says that it is the one is read and checked as a whole. */
    private @Nullable Placed durablePlaced() {
        DataHeader header = data.header();
        MemorySegment memory = data.file().first();
        long epoch = durable();
        for (int index = 0; index < 2; index++) {
            long at = DataHeader.slotAt(index, header.stripes());
            if (Words.plain(memory, at + CheckpointSlot.EPOCH) == epoch) {
                byte[] bytes = new byte[CheckpointSlot.bytes(header.stripes())];
                MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at, bytes, 0, bytes.length);
                CheckpointSlot slot =
                        CheckpointSlot.decode(bytes, header.storeId(), index, header.stripes());
                if (slot != null && slot.epoch() == epoch) {
                    return new Placed(slot, index);
                }
            }
        }
        return null;
    }

    private long durable() {
        return shared.acquire(SharedLayout.DURABLE);
    }

    /** Whether anything was written since the last checkpoint, or the wall clock was set back. */
    public boolean isBehind() {
        CheckpointSlot slot = durableSlot();
        return slot == null
                || shared.acquire(SharedLayout.ATTEMPT) != 0
                || !slot.cuts().equals(cuts(shared))
                || shared.clock().wasSetBack(slot);
    }

    /** Checkpoints that this process made. */
    public long made() {
        return made.get();
    }

    /** The longest that one of them held writers up, in vain or not. */
    public long longestHoldNanos() {
        return longestHoldNanos.get();
    }

    /** Repairs what an error left of this process. */
    public void mend() {
        lock.mend();
    }

    /** From now on nobody in this process makes one. */
    public void retire() {
        lock.retire();
    }

    /** Whether a checkpoint was forced as a whole and is what the shared words say. */
    public boolean isDurable(CheckpointSlot slot) {
        return shared.acquire(SharedLayout.ATTEMPT) == 0
                && agrees(slot)
                && !shared.clock().wasSetBack(slot)
                && !mayHaveExpiredSince(slot);
    }

    /** What expired since must stay so, though the wall clock be set back before the next opening. */
    private boolean mayHaveExpiredSince(CheckpointSlot slot) {
        long now = shared.clock().now();
        for (int stripe = 0; stripe < shared.stripes() && now > slot.clock(); stripe++) {
            long earliest = shared.stripe(stripe).acquire(StripeWords.EARLIEST_EXPIRY);
            if (earliest != 0 && earliest <= now) {
                return true;
            }
        }
        return false;
    }

    /** Whether the shared words are those of a store that stands at a checkpoint. */
    public boolean agrees(CheckpointSlot slot) {
        return slot.epoch() == shared.acquire(SharedLayout.DURABLE)
                && slot.timeline().equals(timeline())
                && slot.epoch() + 1 == shared.acquire(SharedLayout.EPOCH)
                && slot.regions() == data.regions()
                && slot.cuts().equals(cuts(shared));
    }

    /** The stripes as their words stand, which is a cut if nobody writes. */
    public static List<Cut> cuts(SharedMemory shared) {
        List<Cut> cuts = new ArrayList<>();
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            cuts.add(cut(shared.stripe(stripe)));
        }
        return cuts;
    }

    /** The cuts of a store without entries, with the versions of this one. */
    public static List<Cut> emptyCuts(SharedMemory shared) {
        return cuts(shared).stream().map(cut -> new Cut(0, 0, 0, 0, cut.version(), 0, 0)).toList();
    }

    /** One stripe as its words stand; under its lock. */
    public static Cut cut(StripeWords words) {
        return cut(words, words.acquire(StripeWords.VERSION));
    }

    private static Cut cut(StripeWords words, long version) {
        return new Cut(
                words.acquire(StripeWords.OLDEST),
                words.acquire(StripeWords.OLDEST_NUMBER),
                words.acquire(StripeWords.TAIL),
                words.acquire(StripeWords.TAIL_NUMBER),
                version,
                words.acquire(StripeWords.LIVE_COUNT),
                words.acquire(StripeWords.LIVE_BYTES));
    }

    /**
     * One stripe as it is, or will be once the write that its holder committed is carried out;
     * without its lock, again until two looks agree.
     */
    public static Cut cutUnlocked(StripeWords words) {
        Cut before = settled(words);
        Cut now = settled(words);
        for (int look = 0; look < UNLOCKED_LOOKS && !now.equals(before); look++) {
            before = now;
            now = settled(words);
        }
        return now;
    }

    private static Cut settled(StripeWords words) {
        long intent = words.acquire(StripeWords.INTENT);
        if (intent == 0) {
            return cut(words);
        }
        if (intent == StripeWords.IN_PLACE) { // RULE 36: the other companions are another commit's
            return cut(words, words.acquire(StripeWords.NEW_VERSION));
        }
        boolean isShort = intent == StripeWords.SHORT; // then the log's regions stay what they are
        return new Cut(
                words.acquire(isShort ? StripeWords.OLDEST : StripeWords.NEW_OLDEST),
                words.acquire(isShort ? StripeWords.OLDEST_NUMBER : StripeWords.NEW_OLDEST_NUMBER),
                words.acquire(StripeWords.NEW_TAIL),
                words.acquire(isShort ? StripeWords.TAIL_NUMBER : StripeWords.NEW_TAIL_NUMBER),
                words.acquire(StripeWords.NEW_VERSION),
                words.acquire(StripeWords.NEW_LIVE_COUNT),
                words.acquire(StripeWords.NEW_LIVE_BYTES));
    }

    /** The timeline in shared memory. */
    public UUID timeline() {
        MemorySegment base = shared.base();
        return new UUID(
                Words.acquire(base, SharedLayout.TIMELINE),
                Words.acquire(base, SharedLayout.TIMELINE + Long.BYTES));
    }
}
