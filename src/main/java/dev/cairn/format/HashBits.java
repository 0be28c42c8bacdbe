package dev.cairn.format;

/**
 * How a 64-bit hash is used up. From the top: the stripe, then the prefix, of which a table of 2^n
 * buckets takes the first n bits as the home bucket, so that bucket b becomes 2b and 2b+1 when the
 * table doubles. From the bottom: the tag.
 */
public final class HashBits {
    public static final int PREFIX_BITS = SlotWord.HASH_BITS;

    private HashBits() {}

    public static int stripe(long hash, int stripesLog2) {
        return (int) (hash >>> 1 >>> 63 - stripesLog2);
    }

    /** The hash without the stripe's bits: prefix first. */
    public static long rest(long hash, int stripesLog2) {
        return hash << stripesLog2;
    }

    /** The bits that stand in the slot word. */
    public static long prefix(long rest) {
        return rest >>> 64 - PREFIX_BITS;
    }

    /** Never 0, which is what an unused slot's tag reads as. */
    public static long tag(long hash) {
        long tag = hash & 0xFF;
        return tag == 0 ? 1 : tag;
    }

    /** The home bucket in a table of that size. */
    public static long home(long rest, int log2) {
        return rest >>> 1 >>> 63 - log2;
    }

    /** Odd, so that a walk visits every bucket of a table before it returns to one. */
    public static long stride(long tag) {
        return tag << 1 | 1;
    }
}
