package dev.cairn;

import com.github.benmanes.caffeine.cache.stats.CacheStats;

/**
 * What a near cache did since it was built. What Caffeine counts as a hit is a value that was there;
 * whether it still counted is told by the others.
 *
 * @param confirmed answers given after shared memory confirmed that nothing had changed: two words of
 *     it for a value, the buckets of the key for an absence
 * @param refreshed values handed out after a lookup in the index found that their entries had not
 *     changed, while others of their stripe had moved
 * @param stale values that another write had overtaken, found so and read anew
 * @param unconfirmed values handed out within the bounded staleness, without looking
 * @param caffeine its own figures
 */
public record NearCacheStats(
        long confirmed, long refreshed, long stale, long unconfirmed, CacheStats caffeine) {}
