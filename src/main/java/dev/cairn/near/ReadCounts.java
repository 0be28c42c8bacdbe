package dev.cairn.near;

import com.github.benmanes.caffeine.cache.stats.CacheStats;

import dev.cairn.NearCacheStats;
import dev.cairn.units.Units;

/** What the reads through a near cache came to. */
record ReadCounts(long confirmed, long refreshed, long stale, long unconfirmed, CacheStats caffeine)
        implements NearCacheStats {

    @Override
    public String toString() {
        return "confirmed: %s, refreshed: %s, stale: %s, unconfirmed: %s; Caffeine: %s hits, %s misses, %s evictions"
                .formatted(
                        Units.count(confirmed),
                        Units.count(refreshed),
                        Units.count(stale),
                        Units.count(unconfirmed),
                        Units.count(caffeine.hitCount()),
                        Units.count(caffeine.missCount()),
                        Units.count(caffeine.evictionCount()));
    }
}
