package dev.cairn;

import com.github.benmanes.caffeine.cache.stats.CacheStats;

/**
 * The work of a near cache since it was built. Caffeine counts a hit whenever the cache holds a
 * value for the key; the other figures tell whether that value was still current. Only Cairn
 * implements this interface, so a later version may add figures.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="nearCache"}
 */
@SuppressWarnings("exports") // see module-info.java
public interface NearCacheStats {
    /**
     * {@return the number of answers that shared memory confirmed as unchanged} To confirm a value
     * takes two words of shared memory, to confirm an absence takes the key's buckets.
     */
    long confirmed();

    /**
     * {@return the number of values that a lookup in the index found unchanged, after other entries
     * of their stripe had moved}
     */
    long refreshed();

    /** {@return the number of values that turned out to be overwritten and were read anew} */
    long stale();

    /**
     * {@return the number of values that were returned within the bounded staleness, without a
     * confirmation}
     */
    long unconfirmed();

    /**
     * {@return the approximate number of entries in the cache now, including remembered absences}
     */
    long size();

    /**
     * {@return whether anything is counted: there is a near cache, and its builder records
     * statistics}
     */
    boolean recorded();

    /** {@return the figures that Caffeine counts itself; all are 0 without a near cache} */
    CacheStats caffeine();
}
