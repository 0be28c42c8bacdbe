package dev.cairn.format;

/**
 * The word that says where a stripe's table is. A change of it says that a place which the table
 * named was freed (RULE 8). The same format, with generation 0, names an area that is being built.
 *
 * <pre>
 * | 63  location, 24 bits, in units of 16 KiB  40 | 39 log2 of buckets 35 | 34  generation, 35  0 |
 * </pre>
 */
public final class TableWord {
    private static final int LOCATION_SHIFT = 40;
    private static final int LOG2_SHIFT = 35;
    private static final long LOG2_MASK = 31;
    private static final long GENERATION_MASK = (1L << LOG2_SHIFT) - 1;
    public static final int MAX_LOG2 = 31;

    /** The first byte that no location can name: 256 GiB. */
    public static final long END = (1L << Long.SIZE - LOCATION_SHIFT) * SharedLayout.AREA_BYTES;

    private TableWord() {}

    public static long of(long offset, int log2, long generation) {
        return offset / SharedLayout.AREA_BYTES << LOCATION_SHIFT
                | (long) log2 << LOG2_SHIFT
                | generation & GENERATION_MASK;
    }

    /** The table's first byte in the shared-memory file. */
    public static long offset(long word) {
        return (word >>> LOCATION_SHIFT) * SharedLayout.AREA_BYTES;
    }

    public static int log2(long word) {
        return (int) (word >>> LOG2_SHIFT & LOG2_MASK);
    }

    public static long generation(long word) {
        return word & GENERATION_MASK;
    }

    /** The same table with the next generation. */
    public static long next(long word) {
        return word & ~GENERATION_MASK | word + 1 & GENERATION_MASK;
    }

    /** Whether one table word of a stripe was stored before another. Generations wrap around. */
    public static boolean isOlder(long word, long than) {
        return (word - than & GENERATION_MASK) > GENERATION_MASK >>> 1;
    }

    /** The number of bytes of the area that a table takes. */
    public static long bytes(int log2) {
        return Math.max(SharedLayout.AREA_BYTES, (long) BucketWords.BYTES << log2);
    }
}
