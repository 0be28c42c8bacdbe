package dev.cairn.format;

/**
 * Bit fields that name places in the data file. A place counts 16-byte units from the file's start;
 * place 0 lies in the header, so no record has it.
 *
 * <pre>
 * tail word    | 63     region + 1, 40 bits  24 | 23 units in region 0 |   0: stripe has no region
 * run word     | 63     region + 1, 40 bits  24 | 23   regions, 24   0 |   0: no run
 * </pre>
 */
public final class Place {
    public static final int UNIT_SHIFT = 4;
    public static final int UNIT_BYTES = 1 << UNIT_SHIFT;
    public static final int LOW_BITS = 24;
    private static final long LOW_MASK = (1L << LOW_BITS) - 1;

    /** The first byte that no place can name: 16 TiB. */
    public static final long END = 1L << Long.SIZE - LOW_BITS + UNIT_SHIFT;

    private Place() {}

    /** Packs 40 high and 24 low bits into any of the words above. */
    public static long word(long high, long low) {
        return high << LOW_BITS | low;
    }

    public static long high(long word) {
        return word >>> LOW_BITS;
    }

    public static long low(long word) {
        return word & LOW_MASK;
    }

    public static long tail(long region, long bytesInRegion) {
        return word(region + 1, bytesInRegion >>> UNIT_SHIFT);
    }

    /** The tail word advanced by {@code bytes} within the same region. */
    public static long advanced(long tailWord, int bytes) {
        return tailWord + (bytes >>> UNIT_SHIFT);
    }

    /** The region of a tail or run word that is not 0. */
    public static long region(long word) {
        return high(word) - 1;
    }

    public static int bytesInRegion(long tailWord) {
        return (int) low(tailWord) << UNIT_SHIFT;
    }

    public static long run(long region, long regions) {
        return word(region + 1, regions);
    }
}
