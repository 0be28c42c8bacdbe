package dev.cairn.checkpoint;

import dev.cairn.CheckpointFailed;
import dev.cairn.Durability;
import dev.cairn.LockTimeout;
import dev.cairn.events.Events;
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
 * Actors    one checkpointer at a time in all processes, which holds the checkpoint lock; writers.
 * Words     epoch: of the checkpoint to come; durable: the last one whose force returned; attempt:
 *           the one that is being forced; failed: the one whose force returned an error; 0: none.
 * Steps     P1 take all stripes' locks and repair each stripe
 *           P2 tails, oldest regions, versions, counts: the cut; then cut version := version in each stripe
 *           P3 epoch + 1                              P4 release the locks: writers go on
 *           P5 attempt := the cut's epoch             P6 force the log
 *           P7 store the slot that does not hold durable     P8 force that slot
 *           P9 durable := the cut's epoch              P10 failed := 0, attempt := 0
 * Why it is safe
 *           RULE 19: while all locks are held, no write is under way. So the cut is a prefix of the
 *           history of all stripes together, and it contains every write that returned before the call.
 *           P3 comes before P4: a region that is born after the cut has the next epoch. So nothing that
 *           the cut names dies with an epoch that durable reaches before a checkpoint without it is
 *           durable.
 *           RULE 30: P2 tells up to which version a stripe's records belong to the cut. Puts overwrite
 *           in place only records with a greater version. These lie behind the tail of this cut and of
 *           all cuts before it (see Tail), whether or not those were published. P1 repairs before:
 *           if the cut came after the X5 of a dead writer, it would name a torn record.
 *           RULE 19: if the locks cannot all be taken within a millisecond, all are released, and the
 *           next attempt waits twice as long. Large values are copied while a stripe's lock is held. If
 *           many threads put large values, there may be no millisecond in which all of them are done.
 *           But each hold ends, and while the cut holds a stripe, no new hold of it begins. So when the
 *           cut waits for as long as writers hold the stripes that it lacks, it gets them. Therefore
 *           writers wait for a cut no longer than about twice the time for which they make others wait.
 *           RULE 20: P6 covers all regions of the cut, whichever process stored to them, since it forces
 *           the file and not only this process's stores. P7 begins when P6 has returned, so if a slot
 *           is whole, its log is on disk. P7 leaves the slot of the durable epoch alone, so at every
 *           moment there is one to go back to. The slot is not chosen by the parity of the epoch,
 *           because a failed attempt would turn the parity over. What the cut names does not change
 *           until P9: it dies after the cut (RULE 25), and it is not overwritten (RULE 30).
 *           RULE 22: a caller needs the epoch that was to come when it called: its writes are older.
 *           The cut is kept on this process's heap. If the checkpointer dies, its cut is never
 *           published, so no other process needs it.
 * If a process dies here
 *           P1 to P4: the stripes' locks are taken over. An epoch without a slot does no harm. A cut
 *           version without a cut does none either: some puts append that could have overwritten.
 *           P5 to P8: attempt stays (SUSPECT). What was forced is unknown, and a page that failed may be
 *           clean. The next checkpointer heals first: it stores each page of the log again, verifies
 *           what lies behind the durable checkpoint, counts of overwrites included (RULE 35), and
 *           then makes a cut of its own (RULE 21).
 * If power fails here
 *           Up to P7 the durable slot is the newest whole one. From P7 on the other slot may be whole
 *           too, with its log on disk since P6: then the store opens at that.
 */
/** Makes a store durable while others write. */
public final class Checkpointer {
    private static final int UNLOCKED_LOOKS = 1000;

    /**
     * How long the stripes that are already locked may wait for the others, at the first attempt.
     */
    private static final long CUT_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

    private final DataFile data;
    private final SharedMemory shared;
    private final Regions regions;
    private final Stripes stripes;
    private final ProcessTable processes;
    private final SharedLock lock;
    private final Healer healer;
    private final AtomicLong longestHoldNanos = new AtomicLong();

    /** The holder of the checkpoint lock replaces it. */
    private volatile Tally tally = new Tally(0, 0, 0, 0);

    /**
     * The checkpoints of this process, except those of recoveries and the last close.
     *
     * @param made the number of checkpoints that succeeded
     * @param failed the number of checkpoints that were begun and did not succeed
     * @param nanos the total time of those that succeeded
     * @param longestNanos the longest time of one of them
     */
    public record Tally(long made, long failed, long nanos, long longestNanos) {
        private Tally with(boolean success, long time) {
            return success
                    ? new Tally(made + 1, failed, nanos + time, Math.max(longestNanos, time))
                    : new Tally(made, failed + 1, nanos, longestNanos);
        }
    }

    /**
     * @param lock the checkpoint lock
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

    /** The epoch that a checkpoint must reach to cover what was written before this call. */
    public long need() {
        return shared.acquire(SharedLayout.EPOCH);
    }

    /**
     * Makes sure that a checkpoint of that epoch or a later one is durable. It uses another
     * caller's checkpoint if there is one, and otherwise makes its own.
     *
     * @param timeoutNanos how long to wait for another checkpoint, and then for the stripes
     * @return the epoch of the durable checkpoint
     * @throws CheckpointFailed if the operating system could not make this checkpoint durable, or
     *     another's for which this call waited
     * @throws LockTimeout if a live holder keeps a stripe for too long, or another checkpoint takes
     *     too long
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
        CheckpointRecord record = new CheckpointRecord(data, Events.checkpoint());
        long epoch = makeAndTell(timeoutNanos, record);
        dropDeadPins();
        regions.counts().recountIfDoubted();
        return epoch;
    }

    private long makeAndTell(long timeoutNanos, CheckpointRecord record) {
        long start = System.nanoTime();
        boolean success = false;
        try {
            CheckpointSlot slot = make(timeoutNanos, record);
            success = true;
            record.succeeded();
            return slot.epoch();
        } catch (Throwable e) {
            record.failed(e);
            throw e;
        } finally {
            tally = tally.with(success, System.nanoTime() - start);
        }
    }

    private CheckpointSlot make(long timeoutNanos, CheckpointRecord record) {
        Placed durable = durablePlaced();
        if (shared.acquire(SharedLayout.ATTEMPT) != 0) {
            healer.heal(slotOf(durable));
        }
        // what other processes added to the file is mapped first: if that fails, it is not a failed
        // force
        MemorySegment _ = data.remapped();
        CheckpointSlot slot = cut(timeoutNanos, record);
        force(slot, durable, record, to -> data.file().force(0, to));
        return slot;
    }

    /** Frees the regions that backups of dead processes kept. */
    public void dropDeadPins() {
        if (Pin.dropDead(shared, processes)) {
            regions.counts().unpinned();
        }
    }

    private CheckpointFailed failure(@Nullable Throwable cause) {
        return new CheckpointFailed(
                data.path(),
                "a checkpoint failed: all writes are visible, but whether they are"
                        + " durable is unknown; further writes are refused until a checkpoint"
                        + " succeeds",
                cause);
    }

    private CheckpointSlot cut(long timeoutNanos, CheckpointRecord record) {
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
            record.attempted(taken.nanos());
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
                        "the locks of all stripes could not be held at once within %d ms"
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

    /** RULE 30: from now on nothing that a cut names is overwritten in place. */
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
     * Publishes cuts as the next epoch while no process writes: at the last close and at the end of
     * a recovery, under the exclusive open lock.
     *
     * @throws CheckpointFailed if the operating system could not force it; the last checkpoint
     *     still counts
     */
    public void publishQuiet(UUID timeline, List<Cut> cuts) {
        CheckpointRecord record = new CheckpointRecord(data, Events.checkpoint());
        try {
            publishQuiet(timeline, cuts, record);
        } catch (Throwable e) {
            record.failed(e);
            throw e;
        }
        record.succeeded();
    }

    private void publishQuiet(UUID timeline, List<Cut> cuts, CheckpointRecord record) {
        Placed durable = durablePlaced();
        if (shared.acquire(SharedLayout.ATTEMPT) != 0) {
            healer.healQuiet(slotOf(durable));
        }
        CheckpointSlot slot = slot(timeline, cuts);
        passOver(slot.cuts());
        regions.counts().cut();
        shared.release(SharedLayout.EPOCH, slot.epoch() + 1);
        VarHandle.fullFence();
        force(slot, durable, record, to -> data.file().forceInPieces(to, shared::advanced));
    }

    /** Forces the data file up to an offset. */
    private interface Forcing {
        void force(long to) throws IOException;
    }

    private void force(
            CheckpointSlot slot, @Nullable Placed durable, CheckpointRecord record, Forcing log) {
        record.forcing(slot, slotOf(durable));
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

    /** A checkpoint and the index of the slot that holds it, 0 or 1. */
    private record Placed(CheckpointSlot slot, int index) {}

    /**
     * The last checkpoint whose force returned; null if neither slot holds it, because of damage.
     */
    public @Nullable CheckpointSlot durableSlot() {
        return slotOf(durablePlaced());
    }

    private static @Nullable CheckpointSlot slotOf(@Nullable Placed placed) {
        return placed == null ? null : placed.slot;
    }

    /**
     * The durable checkpoint and its slot. Only a slot that names the durable epoch is read as a
     * whole and checked.
     */
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

    /** Whether something was written since the last checkpoint, or the wall clock was set back. */
    public boolean isBehind() {
        CheckpointSlot slot = durableSlot();
        return slot == null
                || shared.acquire(SharedLayout.ATTEMPT) != 0
                || !slot.cuts().equals(cuts(shared))
                || shared.clock().wasSetBack(slot);
    }

    /** The counts of this process's checkpoints. */
    public Tally tally() {
        return tally;
    }

    /** The longest time for which a checkpoint or an attempt of this process held writers up. */
    public long longestHoldNanos() {
        return longestHoldNanos.get();
    }

    /** Repairs what an error in this process left behind. */
    public void mend() {
        lock.mend();
    }

    /** Stops all checkpoints of this process from now on. */
    public void retire() {
        lock.retire();
    }

    /** Whether the checkpoint was forced as a whole and is the one that the shared words name. */
    public boolean isDurable(CheckpointSlot slot) {
        return shared.acquire(SharedLayout.ATTEMPT) == 0
                && agrees(slot)
                && !shared.clock().wasSetBack(slot)
                && !mayHaveExpiredSince(slot);
    }

    /**
     * Whether something may have expired since the checkpoint. It must stay expired even if the
     * wall clock is set back before the next opening.
     */
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

    /** Whether the shared words are those of a store that stands at this checkpoint. */
    public boolean agrees(CheckpointSlot slot) {
        return slot.epoch() == shared.acquire(SharedLayout.DURABLE)
                && slot.timeline().equals(timeline())
                && slot.epoch() + 1 == shared.acquire(SharedLayout.EPOCH)
                && slot.regions() == data.regions()
                && slot.cuts().equals(cuts(shared));
    }

    /** The stripes in the state that their words show. That is a cut if no process writes. */
    public static List<Cut> cuts(SharedMemory shared) {
        List<Cut> cuts = new ArrayList<>();
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            cuts.add(cut(shared.stripe(stripe)));
        }
        return cuts;
    }

    /** The cuts of a store without entries, with the versions of this store. */
    public static List<Cut> emptyCuts(SharedMemory shared) {
        return cuts(shared).stream().map(cut -> new Cut(0, 0, 0, 0, cut.version(), 0, 0)).toList();
    }

    /** One stripe in the state that its words show. The caller holds the stripe's lock. */
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
     * One stripe as it is, or as it will be when its holder's committed write has been carried out.
     * It takes no lock: it looks again until two looks agree.
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
        // RULE 36: the other companions belong to another commit
        if (intent == StripeWords.IN_PLACE) {
            return cut(words, words.acquire(StripeWords.NEW_VERSION));
        }
        boolean isShort = intent == StripeWords.SHORT; // then the ends of the log do not change
        return new Cut(
                words.acquire(isShort ? StripeWords.OLDEST : StripeWords.NEW_OLDEST),
                words.acquire(isShort ? StripeWords.OLDEST_NUMBER : StripeWords.NEW_OLDEST_NUMBER),
                words.acquire(StripeWords.NEW_TAIL),
                words.acquire(isShort ? StripeWords.TAIL_NUMBER : StripeWords.NEW_TAIL_NUMBER),
                words.acquire(StripeWords.NEW_VERSION),
                words.acquire(StripeWords.NEW_LIVE_COUNT),
                words.acquire(StripeWords.NEW_LIVE_BYTES));
    }

    /** The timeline that shared memory names. */
    public UUID timeline() {
        MemorySegment base = shared.base();
        return new UUID(
                Words.acquire(base, SharedLayout.TIMELINE),
                Words.acquire(base, SharedLayout.TIMELINE + Long.BYTES));
    }
}
