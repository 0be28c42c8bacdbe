package dev.cairn.format;

/**
 * A bucket: one cache line of a meta word and seven slot words.
 *
 * <pre>
 * meta word  | overflow count, 8 bits | tag 6 | tag 5 | tag 4 | tag 3 | tag 2 | tag 1 | tag 0 |
 * </pre>
 */
public final class BucketWords {
    public static final int BYTES = 64;
    public static final int SLOTS = 7;
    public static final int FIRST_SLOT = 8;
    public static final int MAX_OVERFLOW = 255;

    private static final int OVERFLOW_SHIFT = 56;
    private static final int TAG_BITS = 8;
    private static final long LOW_BITS = 0x0001_0101_0101_0101L;
    private static final long HIGH_BITS = 0x0080_8080_8080_8080L;

    private BucketWords() {}

    /**
     * The slots whose tag may equal the given tag, each as a set bit 7 in its byte. Because of a
     * borrow there may be a slot too many, but never one too few (RULE 7).
     */
    public static long match(long meta, long tag) {
        long difference = (meta ^ tag * LOW_BITS) & (LOW_BITS * 0xFF);
        return difference - LOW_BITS & ~difference & HIGH_BITS;
    }

    /** The slot of a match's lowest bit. */
    public static int slot(long match) {
        return Long.numberOfTrailingZeros(match) >>> 3;
    }

    public static int overflow(long meta) {
        return (int) (meta >>> OVERFLOW_SHIFT);
    }

    public static long withOverflow(long meta, int count) {
        return meta & -1L >>> 8 | (long) count << OVERFLOW_SHIFT;
    }

    public static int tag(long meta, int slot) {
        return (int) (meta >>> 8 * slot) & 0xFF;
    }

    public static long withTag(long meta, int slot, long tag) {
        return meta & ~(0xFFL << 8 * slot) | tag << 8 * slot;
    }

    /** Packs the position of a slot word, which is below 2^38, and its tag into one word. */
    public static long tagged(long slotAt, long tag) {
        return slotAt << TAG_BITS | tag;
    }

    /** The position in such a word. */
    public static long slotAt(long tagged) {
        return tagged >>> TAG_BITS;
    }

    /** The tag in such a word. */
    public static long tag(long tagged) {
        return tagged & 0xFF;
    }

    /** The bucket's first byte, from the position of one of its slot words. */
    public static long bucketAt(long slotAt) {
        return slotAt & -BYTES;
    }

    public static int slotOf(long slotAt) {
        return (int) (slotAt & BYTES - 1) / Long.BYTES - 1;
    }
}
