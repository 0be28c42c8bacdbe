package dev.cairn.format;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.UUID;

/**
 * One checkpoint: all that recovery needs to find its records.
 *
 * @param timeline a random ID, new at every recovery: epochs and versions of one timeline have no
 *     meaning in another
 * @param epoch the number of the checkpoint, from 1
 * @param regions the number of regions of the file at the cut, all with real blocks
 * @param allocations the allocation counter (RULE 4)
 * @param clock what the store's clock showed, in milliseconds since 1970 (RULE 28)
 * @param wall what the wall clock showed at the same time, in milliseconds since 1970; 0 if unknown
 * @param cuts one cut for each stripe
 */
public record CheckpointSlot(
        UUID timeline,
        long epoch,
        long regions,
        long allocations,
        long clock,
        long wall,
        List<Cut> cuts) {
    public static final int MAGIC = 0;
    public static final int CRC = 8;
    public static final int SLOT_INDEX = 12;
    public static final int STORE_ID = 16;
    public static final int TIMELINE = 32;
    public static final int EPOCH = 48;
    public static final int REGIONS = 56;
    public static final int ALLOCATIONS = 64;
    public static final int CLOCK = 72;
    public static final int STRIPES = 80;
    public static final int WALL = 88;
    public static final int CUTS = 128;

    public static final int CUT_OLDEST = 0;
    public static final int CUT_OLDEST_NUMBER = 8;
    public static final int CUT_TAIL = 16;
    public static final int CUT_TAIL_NUMBER = 24;
    public static final int CUT_VERSION = 32;
    public static final int CUT_LIVE_COUNT = 40;
    public static final int CUT_LIVE_BYTES = 48;
    public static final int CUT_BYTES = 64;

    /** The bytes "CAIRNCKP". */
    public static final long MAGIC_VALUE = 0x504B_434E_5249_4143L;

    public CheckpointSlot {
        cuts = List.copyOf(cuts);
    }

    /**
     * A stripe at a checkpoint.
     *
     * @param oldest its oldest region plus one, 0 if it has none
     * @param oldestNumber that region's allocation number
     * @param tail the end of its log, {@link Place#tail}
     * @param tailNumber the tail region's allocation number
     * @param version the last version that was given
     * @param liveCount the number of entries, including expired ones
     * @param liveBytes the bytes of their records and runs
     */
    public record Cut(
            long oldest,
            long oldestNumber,
            long tail,
            long tailNumber,
            long version,
            long liveCount,
            long liveBytes) {
        public static final Cut EMPTY = new Cut(0, 0, 0, 0, 0, 0, 0);
    }

    public static int bytes(int stripes) {
        return (int) Words.roundUp(CUTS + (long) CUT_BYTES * stripes, DataHeader.BLOCK_BYTES);
    }

    public byte[] encode(UUID storeId, int slotIndex) {
        byte[] slot = new byte[bytes(cuts.size())];
        Words.setPlain(slot, MAGIC, MAGIC_VALUE);
        Words.setIntPlain(slot, SLOT_INDEX, slotIndex);
        Checksum.putId(slot, STORE_ID, storeId);
        Checksum.putId(slot, TIMELINE, timeline);
        Words.setPlain(slot, EPOCH, epoch);
        Words.setPlain(slot, REGIONS, regions);
        Words.setPlain(slot, ALLOCATIONS, allocations);
        Words.setPlain(slot, CLOCK, clock);
        Words.setPlain(slot, WALL, wall);
        Words.setIntPlain(slot, STRIPES, cuts.size());
        int at = CUTS;
        for (Cut cut : cuts) {
            Words.setPlain(slot, at + CUT_OLDEST, cut.oldest);
            Words.setPlain(slot, at + CUT_OLDEST_NUMBER, cut.oldestNumber);
            Words.setPlain(slot, at + CUT_TAIL, cut.tail);
            Words.setPlain(slot, at + CUT_TAIL_NUMBER, cut.tailNumber);
            Words.setPlain(slot, at + CUT_VERSION, cut.version);
            Words.setPlain(slot, at + CUT_LIVE_COUNT, cut.liveCount);
            Words.setPlain(slot, at + CUT_LIVE_BYTES, cut.liveBytes);
            at += CUT_BYTES;
        }
        Words.setIntPlain(slot, CRC, Checksum.of(slot, 0, slot.length));
        return slot;
    }

    /** The checksum that stands in an encoded slot. */
    public static int crc(byte[] slot) {
        return Words.intPlain(slot, CRC);
    }

    /**
     * Decodes a slot; null unless the bytes are a whole slot of that store, index and number of
     * stripes.
     */
    public static @Nullable CheckpointSlot decode(
            byte[] bytes, UUID storeId, int slotIndex, int stripes) {
        byte[] slot = bytes.clone();
        int crc = crc(slot);
        Words.setIntPlain(slot, CRC, 0);
        if (Checksum.of(slot, 0, slot.length) != crc
                || Words.plain(slot, MAGIC) != MAGIC_VALUE
                || Words.intPlain(slot, SLOT_INDEX) != slotIndex
                || Words.intPlain(slot, STRIPES) != stripes
                || !Checksum.idAt(slot, STORE_ID).equals(storeId)) {
            return null;
        }
        Cut[] cuts = new Cut[stripes];
        for (int stripe = 0; stripe < stripes; stripe++) {
            int at = CUTS + stripe * CUT_BYTES;
            cuts[stripe] =
                    new Cut(
                            Words.plain(slot, at + CUT_OLDEST),
                            Words.plain(slot, at + CUT_OLDEST_NUMBER),
                            Words.plain(slot, at + CUT_TAIL),
                            Words.plain(slot, at + CUT_TAIL_NUMBER),
                            Words.plain(slot, at + CUT_VERSION),
                            Words.plain(slot, at + CUT_LIVE_COUNT),
                            Words.plain(slot, at + CUT_LIVE_BYTES));
        }
        return new CheckpointSlot(
                Checksum.idAt(slot, TIMELINE),
                Words.plain(slot, EPOCH),
                Words.plain(slot, REGIONS),
                Words.plain(slot, ALLOCATIONS),
                Words.plain(slot, CLOCK),
                Words.plain(slot, WALL),
                List.of(cuts));
    }
}
