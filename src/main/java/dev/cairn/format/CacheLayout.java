package dev.cairn.format;

/**
 * What a store that evicts keeps in the shared-memory file, between the stripe descriptors and the
 * areas: a mark for each place where a record may begin, then for each stripe what eviction goes by.
 *
 * <pre>
 *        0  of each stripe: what is said below, then ghosts, 4 cells of 16 bits a word
 *  marksAt  a bit for each 32 bytes of the regions
 *
 *  ghost    | 15  fingerprint, 12 bits  4 | 3  frequency, 4 bits  0 |    0: empty
 * </pre>
 *
 * None of this is needed to read the store. A file made anew begins with zeros.
 */
public final class CacheLayout {
    /** Bytes that were judged, by score, of each region an eighth less than of the next. */
    public static final int HISTOGRAM = 0;

    /** The scores are from 0 to below this. */
    public static final int SCORES = 64;

    /** The allocation number of the region that is being evacuated. */
    public static final int JOB_NUMBER = 512;

    /** How far it is judged, and how many bytes of it were kept: {kept, 32 bits, to, 32 bits}. */
    public static final int JOB_PROGRESS = 520;

    /** What is kept of it: {score, 32 bits, part of that score, of 2^16, 32 bits}. */
    public static final int JOB_THRESHOLD = 528;

    /** What is left of the parts that were kept so far, of 2^16. */
    public static final int FRACTION = 536;

    /** Bytes that were put since frequencies were halved last. */
    public static final int INSERTED = 544;

    /** How often they were halved. */
    public static final int AGING = 552;

    /** Entries that were evicted. */
    public static final int EVICTIONS = 560;

    /** Entries that had expired when cleaning dropped them. */
    public static final int EXPIRATIONS = 568;

    public static final int GHOSTS = 576;

    /** Bytes of the file for a byte of ghosts. */
    private static final int GHOST_SHARE = 64;

    /** Bytes of the data file that a mark stands for: no two records begin in them. */
    public static final int MARKED_BYTES = RecordLayout.MIN_BYTES;

    private CacheLayout() {}

    /** Bytes of a stripe's ghosts, a multiple of a line's. */
    public static long ghostBytes(DataHeader header) {
        return Words.roundUp(header.cache().maxBytes() / GHOST_SHARE / header.stripes(), 64);
    }

    /** Where in the shared-memory file that of a stripe begins. */
    public static long stripeAt(DataHeader header, int stripe) {
        return SharedLayout.stripeAt(header.stripes()) + stripe * stripeBytes(header);
    }

    private static long stripeBytes(DataHeader header) {
        return GHOSTS + ghostBytes(header);
    }

    /** Where in the shared-memory file the marks begin. */
    public static long marksAt(DataHeader header) {
        return stripeAt(header, header.stripes());
    }

    /** Bytes of the marks of a region. */
    public static int markBytes(int regionBytes) {
        return regionBytes / MARKED_BYTES / Byte.SIZE;
    }

    /** Bytes of all of it; 0 for a store that does not evict. */
    public static long bytes(DataHeader header) {
        if (!header.cache().evicts()) {
            return 0;
        }
        return header.stripes() * stripeBytes(header) + places(header) / Byte.SIZE;
    }

    /** Marks that there are: those of all regions within the bound. */
    public static long places(DataHeader header) {
        long regions = (header.cache().maxBytes() - header.regionsAt()) / header.regionBytes();
        return regions * (header.regionBytes() / MARKED_BYTES);
    }
}
