package dev.cairn;

import com.github.benmanes.caffeine.cache.stats.CacheStats;

/**
 * What a near cache did since it was built. What Caffeine counts as a hit is a value that was there;
 * whether it still counted is told by the others. Made by Cairn only: a later version may add figures.
 */
public interface NearCacheStats {
    /**
     * The answers given after shared memory confirmed that nothing had changed: two words of it for a
     * value, the buckets of the key for an absence.
     */
    long confirmed();

    /**
     * The values handed out after a lookup in the index found that their entries had not changed, while
     * others of their stripe had moved.
     */
    long refreshed();

    /** The values that another write had overtaken, and that were found so and read anew. */
    long stale();

    /** The values handed out within the bounded staleness, without looking. */
    long unconfirmed();

    /** The figures that Caffeine counts itself. */
    CacheStats caffeine();
}
