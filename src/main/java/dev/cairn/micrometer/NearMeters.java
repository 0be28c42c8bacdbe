package dev.cairn.micrometer;

import com.github.benmanes.caffeine.cache.stats.CacheStats;

import dev.cairn.NearCacheStats;

import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * The meters of a near cache of this process: what Caffeine counts, and how values were confirmed.
 */
final class NearMeters {
    private NearMeters() {}

    /**
     * @param owner a map or a cache, which the meters do not keep alive
     */
    static <T> void bind(Meters meters, T owner, Function<T, NearCacheStats> stats) {
        meters.openGauge(
                meters.ofNear(
                        CacheMeters.SIZE, "The approximate number of entries in the near cache."),
                owner,
                it -> stats.apply(it).size());
        Meters.Id gets =
                meters.ofNear(
                        CacheMeters.GETS,
                        "The lookups that found a value in the near cache (hit), even"
                                + " an outdated one, or found none (miss).");
        counter(meters, gets.tag("result", "hit"), owner, stats, CacheStats::hitCount);
        counter(meters, gets.tag("result", "miss"), owner, stats, CacheStats::missCount);
        counter(
                meters,
                meters.ofNear(CacheMeters.EVICTIONS, "The entries that the near cache evicted."),
                owner,
                stats,
                CacheStats::evictionCount);
        counter(
                meters,
                meters.ofNear("cache.eviction.weight", "The total weight of the evicted entries."),
                owner,
                stats,
                CacheStats::evictionWeight);
        reads(meters, owner, stats, "confirmed", NearCacheStats::confirmed);
        reads(meters, owner, stats, "refreshed", NearCacheStats::refreshed);
        reads(meters, owner, stats, "stale", NearCacheStats::stale);
        reads(meters, owner, stats, "unconfirmed", NearCacheStats::unconfirmed);
    }

    private static <T> void counter(
            Meters meters,
            Meters.Id id,
            T owner,
            Function<T, NearCacheStats> stats,
            ToLongFunction<CacheStats> figure) {
        meters.counter(id, owner, it -> figure.applyAsLong(stats.apply(it).caffeine()));
    }

    private static <T> void reads(
            Meters meters,
            T owner,
            Function<T, NearCacheStats> stats,
            String result,
            ToLongFunction<NearCacheStats> figure) {
        meters.counter(
                meters.ofStore(
                                "cairn.near.reads",
                                "reads",
                                "The reads of values from the near cache by result:"
                                        + " confirmed by shared memory, refreshed by a lookup,"
                                        + " stale and read again from the store, or not confirmed,"
                                        + " within the bounded staleness.")
                        .tag("result", result),
                owner,
                it -> figure.applyAsLong(stats.apply(it)));
    }
}
