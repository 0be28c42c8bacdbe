package dev.cairn.micrometer;

import dev.cairn.Stats;

/*
 * The names, types and tags are those of Micrometer's CacheMeterBinder and CaffeineCacheMetrics. Where
 * those have no unit, there is none here: a unit is part of the name that a monitoring system sees. There
 * is no cache.puts, because puts are not counted apart from removes; cairn.writes counts both.
 */
/** The meters that Micrometer has for other caches. */
final class CacheMeters {
    static final String SIZE = "cache.size";
    static final String GETS = "cache.gets";
    static final String EVICTIONS = "cache.evictions";

    private CacheMeters() {}

    /**
     * @param loads whether the cache has loaders
     */
    static void bind(Meters meters, boolean loads) {
        meters.gauge(
                meters.ofCache(SIZE, "The number of entries, including expired ones."),
                Stats::entries);
        Meters.Id gets =
                meters.ofCache(
                        GETS,
                        "The reads of all processes that found their key (hit) or did not (miss), of"
                                + " a store that evicts and of caches.");
        meters.counter(gets.tag("result", "hit"), Stats::hits);
        meters.counter(gets.tag("result", "miss"), Stats::misses);
        meters.counter(
                meters.ofCache(
                        EVICTIONS,
                        "The entries that all processes evicted to keep within the bound."),
                Stats::evictions);
        if (loads) {
            bindLoads(meters);
        }
    }

    private static void bindLoads(Meters meters) {
        Meters.Id load =
                meters.ofCache(
                        "cache.load",
                        "The calls of loaders, of all processes, that returned (success) or threw"
                                + " (failure).");
        meters.counter(
                load.tag("result", "success"), stats -> stats.loads() - stats.loadFailures());
        meters.counter(load.tag("result", "failure"), Stats::loadFailures);
        meters.nanosGauge(
                meters.ofCache(
                        "cache.load.duration", "The time that all calls of loaders took together."),
                Stats::loadNanos);
        meters.counter(
                meters.ofStore(
                        "cairn.refreshes",
                        "loads",
                        "The calls of loaders that reloaded entries in the background."),
                Stats::refreshes);
    }
}
