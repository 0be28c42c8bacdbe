package dev.cairn.checkpoint;

import dev.cairn.CheckpointFailed;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.DataFile;
import dev.cairn.log.Regions;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Makes a store durable while nobody writes: at its last close and at the end of a recovery, under
 * the exclusive open lock, with every stripe repaired.
 *
 * <p>RULE 20: force the log, then write the slot that does not hold the last epoch whose force
 * returned, then force that. At no moment is there not one whole slot whose log is on disk. The
 * attempt stands in shared memory until it succeeded: after one that did not, every page is stored
 * again before the next force, which would else find them clean and say all was well (RULE 21).
 */
public final class Checkpointer {
    private static final int UNLOCKED_LOOKS = 1000;

    private final DataFile data;
    private final SharedMemory shared;
    private final Regions regions;

    public Checkpointer(DataFile data, SharedMemory shared, Regions regions) {
        this.data = data;
        this.shared = shared;
        this.regions = regions;
    }

    /**
     * Publishes cuts as the next epoch.
     *
     * @throws CheckpointFailed if the operating system could not; the last checkpoint still counts
     */
    public void publish(UUID timeline, List<Cut> cuts) {
        long epoch = shared.acquire(SharedLayout.EPOCH);
        CheckpointSlot slot =
                new CheckpointSlot(
                        timeline,
                        epoch,
                        data.regions(),
                        shared.acquire(SharedLayout.ALLOCATIONS),
                        shared.acquire(SharedLayout.CLOCK),
                        cuts);
        DataHeader header = data.header();
        int index = slotFor(shared.acquire(SharedLayout.DURABLE));
        byte[] bytes = slot.encode(header.storeId(), index);
        long at = DataHeader.slotAt(index, header.stripes());
        if (shared.acquire(SharedLayout.ATTEMPT) != 0) {
            regions.storeAgain(); // RULE 21: what a failed force left clean may not be on disk
        }
        shared.release(SharedLayout.ATTEMPT, epoch);
        shared.release(SharedLayout.EPOCH, epoch + 1); // RULE 19: before the slot can exist
        VarHandle.fullFence();
        Steps.at("P log");
        try {
            data.file().force(0, data.regionAt(data.regions()));
            MemorySegment.copy(
                    bytes, 0, data.file().first(), ValueLayout.JAVA_BYTE, at, bytes.length);
            Steps.at("P slot");
            data.file().force(at, at + bytes.length);
        } catch (IOException e) {
            throw new CheckpointFailed(data.path(), "could not be made durable", e);
        }
        Steps.at("P durable");
        shared.release(SharedLayout.DURABLE, epoch);
        shared.release(SharedLayout.TIMELINE, timeline.getMostSignificantBits());
        shared.release(SharedLayout.TIMELINE + Long.BYTES, timeline.getLeastSignificantBits());
        shared.release(SharedLayout.ATTEMPT, 0);
    }

    /** Whether a checkpoint was forced as a whole and is what the shared words say. */
    public boolean isDurable(CheckpointSlot slot) {
        return shared.acquire(SharedLayout.ATTEMPT) == 0 && agrees(slot);
    }

    /** Whether the shared words are those of a store that stands at a checkpoint. */
    public boolean agrees(CheckpointSlot slot) {
        return slot.epoch() == shared.acquire(SharedLayout.DURABLE)
                && slot.timeline().equals(timeline())
                && slot.epoch() + 1 == shared.acquire(SharedLayout.EPOCH)
                && slot.clock() == shared.acquire(SharedLayout.CLOCK)
                && slot.regions() == data.regions()
                && slot.cuts().equals(cuts(shared));
    }

    /** Never by parity: the slot that holds the durable epoch is the only one to fall back to. */
    private int slotFor(long durable) {
        DataHeader header = data.header();
        for (int index = 0; index < 2; index++) {
            byte[] bytes = slotBytes(data.file().first(), header, index);
            CheckpointSlot slot =
                    CheckpointSlot.decode(bytes, header.storeId(), index, header.stripes());
            if (slot != null && slot.epoch() == durable) {
                return 1 - index;
            }
        }
        return 0;
    }

    /** A copy of a slot's bytes. */
    public static byte[] slotBytes(MemorySegment memory, DataHeader header, int index) {
        byte[] bytes = new byte[CheckpointSlot.bytes(header.stripes())];
        MemorySegment.copy(
                memory,
                ValueLayout.JAVA_BYTE,
                DataHeader.slotAt(index, header.stripes()),
                bytes,
                0,
                bytes.length);
        return bytes;
    }

    /** The stripes as their words stand, which is a cut if nobody writes. */
    public static List<Cut> cuts(SharedMemory shared) {
        List<Cut> cuts = new ArrayList<>();
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            cuts.add(cut(shared.stripe(stripe)));
        }
        return cuts;
    }

    /** One stripe as its words stand; under its lock. */
    public static Cut cut(StripeWords words) {
        return new Cut(
                words.acquire(StripeWords.OLDEST),
                words.acquire(StripeWords.OLDEST_NUMBER),
                words.acquire(StripeWords.TAIL),
                words.acquire(StripeWords.TAIL_NUMBER),
                words.acquire(StripeWords.VERSION),
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
        return words.acquire(StripeWords.INTENT) == 0
                ? cut(words)
                : new Cut(
                        words.acquire(StripeWords.NEW_OLDEST),
                        words.acquire(StripeWords.NEW_OLDEST_NUMBER),
                        words.acquire(StripeWords.NEW_TAIL),
                        words.acquire(StripeWords.NEW_TAIL_NUMBER),
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
