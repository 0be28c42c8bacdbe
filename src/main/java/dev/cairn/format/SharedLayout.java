package dev.cairn.format;

/**
 * The shared-memory file: offsets of everything in it that is not a table of the index.
 *
 * <pre>
 *        0  identity, clean mark, store-wide words
 *     1024  directory of owner tables
 *     3072  counts of caches
 *     4096  process table
 *    69632  buckets of claims
 *   102400  stripe descriptors, 512 bytes each
 *           in a store with eviction: the part in CacheLayout
 *  areasAt  areas of 16 KiB units: tables of the index, owner tables
 * </pre>
 *
 * Words that different actors store lie in different cache lines.
 */
public final class SharedLayout {
    public static final int MAGIC = 0;
    public static final int READY = 8;
    public static final int STORE_ID = 16;
    public static final int NONCE = 32;
    public static final int BOOT_ID = 48;
    public static final int DATA_INODE = 64;
    public static final int STRIPES = 72;
    public static final int REGION_BYTES = 80;

    public static final int CLEAN = 128;
    public static final int CLEAN_TIMELINE = 136;
    public static final int CLEAN_EPOCH = 152;
    public static final int CLEAN_SLOT_CRC = 160;

    public static final int REGIONS = 192;
    public static final int SHARED_BYTES = 200;
    public static final int ALLOCATIONS = 256;
    public static final int CLAIM_HINT = 320;
    public static final int FREE_HINT = 328;
    public static final int WAITING_HINT = 336;
    public static final int CUT_WAITING_HINT = 344;
    public static final int HOLE_HINT = 352;
    public static final int DOUBT = 360;
    public static final int EPOCH = 384;
    public static final int DURABLE = 392;
    public static final int TIMELINE = 400;
    public static final int ATTEMPT = 416;
    public static final int FAILED = 424;
    public static final int FEEDS = 432;
    public static final int CLOCK = 448;
    public static final int GROW_LOCK = 512;
    public static final int ALLOCATION_LOCK = 576;
    public static final int CHECKPOINT_LOCK = 640;

    public static final int PINS = 704;
    public static final int PIN_SLOTS = 8;
    public static final int EVACUATION_LOCK = 832;
    public static final int FEED = 896;
    public static final int OPENING_DONE = 960;
    public static final int OPENING_ALL = 968;

    public static final int DIRECTORY = 1024;
    public static final int DIRECTORY_ENTRIES = 40;

    public static final int CACHE_COUNTERS = 3072;

    public static final int PROCESSES = 4096;
    public static final int PROCESS_SLOTS = 1024;
    public static final int PROCESS_BYTES = 64;

    public static final int CLAIMS = PROCESSES + PROCESS_SLOTS * PROCESS_BYTES;
    public static final int CLAIM_BUCKETS = 64;

    public static final int STRIPE_DESCRIPTORS = CLAIMS + CLAIM_BUCKETS * ClaimWords.BYTES;

    /** The bytes "CAIRNSHM", with the layout's number in the last byte. */
    public static final long MAGIC_VALUE = 0x4D48_534E_5249_4143L ^ 8L << 56;

    /**
     * The unit of areas, which is the size of the smallest table; 24 bits of it are 256 GiB of
     * index.
     */
    public static final int AREA_BYTES = 1 << 14;

    private SharedLayout() {}

    public static long stripeAt(int stripe) {
        return STRIPE_DESCRIPTORS + (long) stripe * StripeWords.BYTES;
    }

    /** The stripe whose descriptor lies at that offset. */
    public static int stripe(long at) {
        return (int) ((at - STRIPE_DESCRIPTORS) / StripeWords.BYTES);
    }

    public static long processAt(int slot) {
        return PROCESSES + (long) slot * PROCESS_BYTES;
    }

    public static long claimBucketAt(int bucket) {
        return CLAIMS + (long) bucket * ClaimWords.BYTES;
    }

    public static int pinAt(int pin) {
        return PINS + pin * PinWords.BYTES;
    }

    /** The first byte of the first area of a store that does not evict. */
    public static long areasAt(int stripes) {
        return Words.roundUp(stripeAt(stripes), AREA_BYTES);
    }

    /** The first byte of the first area. */
    public static long areasAt(DataHeader header) {
        return Words.roundUp(stripeAt(header.stripes()) + CacheLayout.bytes(header), AREA_BYTES);
    }
}
