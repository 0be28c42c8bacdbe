package dev.cairn.checkpoint;

import dev.cairn.CheckpointFailed;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.log.DataFile;
import dev.cairn.shared.SharedMemory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * Makes a store durable while nobody writes: at its last close and at the end of a recovery, under
 * the exclusive open lock, with every stripe repaired.
 *
 * <p>RULE 20: force the log, then write the slot that does not hold the last epoch whose force
 * returned, then force that. At no moment is there not one whole slot whose log is on disk.
 */
public final class Checkpointer {
    private final DataFile data;
    private final SharedMemory shared;

    public Checkpointer(DataFile data, SharedMemory shared) {
        this.data = data;
        this.shared = shared;
    }

    /**
     * Publishes what the stripes' words say as the next epoch.
     *
     * @return the encoded slot
     * @throws CheckpointFailed if the operating system could not; the last checkpoint still counts
     */
    public byte[] publish(UUID timeline) {
        long epoch = shared.acquire(SharedLayout.EPOCH);
        CheckpointSlot slot =
                new CheckpointSlot(
                        timeline,
                        epoch,
                        data.regions(),
                        shared.acquire(SharedLayout.ALLOCATIONS),
                        shared.acquire(SharedLayout.CLOCK),
                        cuts(shared));
        DataHeader header = data.header();
        int index = slotFor(shared.acquire(SharedLayout.DURABLE));
        byte[] bytes = slot.encode(header.storeId(), index);
        long at = DataHeader.slotAt(index, header.stripes());
        try {
            data.file().force(0, data.regionAt(data.regions()));
            MemorySegment.copy(
                    bytes, 0, data.file().first(), ValueLayout.JAVA_BYTE, at, bytes.length);
            data.file().force(at, at + bytes.length);
        } catch (IOException e) {
            throw new CheckpointFailed(data.path(), "could not be made durable", e);
        }
        shared.release(SharedLayout.EPOCH, epoch + 1);
        shared.release(SharedLayout.DURABLE, epoch);
        shared.release(SharedLayout.TIMELINE, timeline.getMostSignificantBits());
        shared.release(SharedLayout.TIMELINE + Long.BYTES, timeline.getLeastSignificantBits());
        return bytes;
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

    /** The timeline in shared memory. */
    public UUID timeline() {
        MemorySegment base = shared.base();
        return new UUID(
                Words.acquire(base, SharedLayout.TIMELINE),
                Words.acquire(base, SharedLayout.TIMELINE + Long.BYTES));
    }
}
