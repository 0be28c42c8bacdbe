package dev.cairn.near;

import com.github.benmanes.caffeine.cache.stats.CacheStats;

import dev.cairn.NearCacheStats;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

/**
 * The outcomes of the reads through a near cache.
 *
 * @param counted null without a near cache: a program that has none need not have Caffeine
 */
record ReadCounts(
        long confirmed,
        long refreshed,
        long stale,
        long unconfirmed,
        long size,
        boolean recorded,
        @Nullable CacheStats counted)
        implements NearCacheStats {

    @Override
    public CacheStats caffeine() {
        return counted == null ? CacheStats.empty() : counted;
    }

    @Override
    public String toString() {
        if (counted == null) {
            return "no near cache";
        }
        return "confirmed: %s, refreshed: %s, stale: %s, unconfirmed: %s; Caffeine: %s hits, %s misses, %s evictions"
                .formatted(
                        Units.count(confirmed),
                        Units.count(refreshed),
                        Units.count(stale),
                        Units.count(unconfirmed),
                        Units.count(counted.hitCount()),
                        Units.count(counted.missCount()),
                        Units.count(counted.evictionCount()));
    }
}
