package dev.cairn.format;

import org.jspecify.annotations.Nullable;

import java.util.UUID;

/**
 * The first 64 bytes of a region of the chain, or of a run of regions. They do not change while the
 * region lives.
 *
 * @param region the number of regions before it in the file
 * @param number its allocation number, which is never given twice (RULE 4)
 * @param stripe the stripe whose log it belongs to
 * @param runRegions the number of regions of the run that begins here, 0 for a region of the chain
 * @param predecessor the region before it in the chain plus one, 0 for none
 * @param predecessorNumber that region's allocation number
 */
public record RegionHeader(
        long region,
        long number,
        int stripe,
        int runRegions,
        long predecessor,
        long predecessorNumber) {
    public static final int MAGIC = 0;
    public static final int CRC = 4;
    public static final int STORE_ID = 8;
    public static final int NUMBER = 24;
    public static final int REGION = 32;
    public static final int STRIPE = 40;
    public static final int RUN_REGIONS = 44;
    public static final int PREDECESSOR = 48;
    public static final int PREDECESSOR_NUMBER = 56;
    public static final int BYTES = 64;

    /** The bytes "REGN". */
    public static final int MAGIC_VALUE = 0x4E474552;

    public byte[] encode(UUID storeId) {
        byte[] header = new byte[BYTES];
        Words.setIntPlain(header, MAGIC, MAGIC_VALUE);
        Checksum.putId(header, STORE_ID, storeId);
        Words.setPlain(header, NUMBER, number);
        Words.setPlain(header, REGION, region);
        Words.setIntPlain(header, STRIPE, stripe);
        Words.setIntPlain(header, RUN_REGIONS, runRegions);
        Words.setPlain(header, PREDECESSOR, predecessor);
        Words.setPlain(header, PREDECESSOR_NUMBER, predecessorNumber);
        Words.setIntPlain(header, CRC, Checksum.of(header, 0, BYTES));
        return header;
    }

    /**
     * Decodes a header; null unless the bytes begin with the header of a region of that store at
     * that place.
     */
    public static @Nullable RegionHeader decode(byte[] bytes, UUID storeId, long region) {
        byte[] header = java.util.Arrays.copyOf(bytes, BYTES);
        int crc = Words.intPlain(header, CRC);
        Words.setIntPlain(header, CRC, 0);
        if (Checksum.of(header, 0, BYTES) != crc
                || Words.intPlain(header, MAGIC) != MAGIC_VALUE
                || Words.plain(header, REGION) != region
                || !Checksum.idAt(header, STORE_ID).equals(storeId)) {
            return null;
        }
        return new RegionHeader(
                region,
                Words.plain(header, NUMBER),
                Words.intPlain(header, STRIPE),
                Words.intPlain(header, RUN_REGIONS),
                Words.plain(header, PREDECESSOR),
                Words.plain(header, PREDECESSOR_NUMBER));
    }
}
