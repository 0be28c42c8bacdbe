package dev.cairn.format;

/**
 * The use of the bits of a 64-bit hash. From the top: the stripe, then the prefix. A table of 2^n
 * buckets takes the first n bits of the prefix as the home bucket, so bucket b becomes 2b and 2b+1
 * when the table doubles. From the bottom: the tag.
 */
public final class HashBits {
    public static final int PREFIX_BITS = SlotWord.HASH_BITS;

    private HashBits() {}

    public static int stripe(long hash, int stripesLog2) {
        return (int) (hash >>> 1 >>> 63 - stripesLog2);
    }

    /** The hash without the stripe's bits, so that the prefix comes first. */
    public static long rest(long hash, int stripesLog2) {
        return hash << stripesLog2;
    }

    /** The hash bits that stand in the slot word. */
    public static long prefix(long rest) {
        return rest >>> 64 - PREFIX_BITS;
    }

    /** The tag, which is never 0, because that is the tag of an unused slot. */
    public static long tag(long hash) {
        long tag = hash & 0xFF;
        return tag == 0 ? 1 : tag;
    }

    /** The home bucket in a table of that size. */
    public static long home(long rest, int log2) {
        return rest >>> 1 >>> 63 - log2;
    }

    /**
     * The step of a walk. It is odd, so that a walk visits every bucket of a table before it
     * returns to one.
     */
    public static long stride(long tag) {
        return tag << 1 | 1;
    }
}
