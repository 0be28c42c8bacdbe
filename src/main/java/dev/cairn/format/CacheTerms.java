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

    /** Those of a store that is no cache. */
    public static final CacheTerms NONE = new CacheTerms(0, 0);

    /** Whether entries are evicted. */
    public boolean evicts() {
        return maxBytes != 0;
    }
}
