package dev.cairn.format;

/**
 * The properties that make a store a cache. They are fixed when the data file is created, since all
 * processes must agree on them.
 *
 * @param maxBytes the size of the data file beyond which entries are evicted; 0 for no eviction
 * @param idleMillis the time after which an entry that nobody reads expires; 0 for never
 */
public record CacheTerms(long maxBytes, long idleMillis) {
    /** A century, the longest time that the options allow. */
    static final long LONGEST_IDLE_MILLIS = 36_500L * 24 * 60 * 60 * 1000;

    /** The least number of regions of a store that evicts. */
    public static final int LEAST_REGIONS = 16;

    /** The greatest bound. Eviction keeps a fortieth of it in shared memory. */
    public static final long MOST_BYTES = 1L << 42;

    /** The terms of a store that is not a cache. */
    public static final CacheTerms NONE = new CacheTerms(0, 0);

    /** Whether entries are evicted. */
    public boolean evicts() {
        return maxBytes != 0;
    }
}
