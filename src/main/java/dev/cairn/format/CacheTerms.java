package dev.cairn.format;

/**
 * What makes a store a cache: fixed when its data file is created, since all processes must agree.
 *
 * @param maxBytes of the data file, beyond which entries are evicted; 0 if none are
 * @param idleMillis after which an entry that nobody reads expires; 0 for never
 */
public record CacheTerms(long maxBytes, long idleMillis) {
    /** A century, as the options allow. */
    static final long LONGEST_IDLE_MILLIS = 36_500L * 24 * 60 * 60 * 1000;

    /** The fewest regions of a store that evicts. */
    public static final int LEAST_REGIONS = 16;

    /** The greatest bound: what eviction keeps in shared memory is a fortieth of it. */
    public static final long MOST_BYTES = 1L << 42;

    /** Those of a store that is no cache. */
    public static final CacheTerms NONE = new CacheTerms(0, 0);

    /** Whether entries are evicted. */
    public boolean evicts() {
        return maxBytes != 0;
    }
}
