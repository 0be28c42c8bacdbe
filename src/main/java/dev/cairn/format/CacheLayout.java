package dev.cairn.format;

/**
 * The part of the shared-memory file that a store with eviction has between the stripe descriptors
 * and the areas: for each stripe the state of eviction, then a mark for each place where a record
 * may begin.
 *
 * <pre>
 *        0  for each stripe: the fields below, then ghosts, 4 cells of 16 bits per word
 *  marksAt  a bit for each 32 bytes of the regions
 *
 *  ghost    | 15  fingerprint, 12 bits  4 | 3  frequency, 4 bits  0 |    0: empty
 * </pre>
 *
 * The store can be read without it. In a new file it is all zeros.
 */
public final class CacheLayout {
    /**
     * The number of judged bytes for each score. Each region counts an eighth less than the next
     * one.
     */
    public static final int HISTOGRAM = 0;

    /** The number of scores, which begin at 0. */
    public static final int SCORES = 64;

    /** The allocation number of the region that is being evacuated. */
    public static final int JOB_NUMBER = 512;

    /**
     * How far that region is judged, and how many of its bytes were kept: {kept, 32 bits, to, 32
     * bits}.
     */
    public static final int JOB_PROGRESS = 520;

    /** What is kept of that region: {score, 32 bits, share of that score, of 2^16, 32 bits}. */
    public static final int JOB_THRESHOLD = 528;

    /** The remainder of the shares that were kept so far, of 2^16. */
    public static final int FRACTION = 536;

    /** The number of bytes that were put since frequencies were last halved. */
    public static final int INSERTED = 544;

    /** How many times frequencies were halved. */
    public static final int AGING = 552;

    /** The number of entries that were evicted. */
    public static final int EVICTIONS = 560;

    /** The number of entries that had expired when cleaning dropped them. */
    public static final int EXPIRATIONS = 568;

    public static final int GHOSTS = 576;

    /** The number of bytes of the file for one byte of ghosts. */
    private static final int GHOST_SHARE = 64;

    /**
     * The number of bytes of the data file that one mark stands for: no two records begin in them.
     */
    public static final int MARKED_BYTES = RecordLayout.MIN_BYTES;

    private CacheLayout() {}

    /** The number of bytes of a stripe's ghosts, a multiple of a cache line. */
    public static long ghostBytes(DataHeader header) {
        return Words.roundUp(header.cache().maxBytes() / GHOST_SHARE / header.stripes(), 64);
    }

    /** The offset in the shared-memory file at which the part of a stripe begins. */
    public static long stripeAt(DataHeader header, int stripe) {
        return SharedLayout.stripeAt(header.stripes()) + stripe * stripeBytes(header);
    }

    private static long stripeBytes(DataHeader header) {
        return GHOSTS + ghostBytes(header);
    }

    /** The offset in the shared-memory file at which the marks begin. */
    public static long marksAt(DataHeader header) {
        return stripeAt(header, header.stripes());
    }

    /** The number of bytes of the marks of a region. */
    public static int markBytes(int regionBytes) {
        return regionBytes / MARKED_BYTES / Byte.SIZE;
    }

    /** The size of this whole part in bytes; 0 for a store that does not evict. */
    public static long bytes(DataHeader header) {
        if (!header.cache().evicts()) {
            return 0;
        }
        return header.stripes() * stripeBytes(header) + places(header) / Byte.SIZE;
    }

    /** The number of marks: those of all regions within the bound. */
    public static long places(DataHeader header) {
        long regions = (header.cache().maxBytes() - header.regionsAt()) / header.regionBytes();
        return regions * (header.regionBytes() / MARKED_BYTES);
    }
}
