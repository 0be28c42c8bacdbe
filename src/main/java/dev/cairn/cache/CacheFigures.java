package dev.cairn.cache;

import dev.cairn.CacheStats;
import dev.cairn.Stats;
import dev.cairn.units.Units;

import java.time.Duration;

/** The figures of a store that concern caches. */
record CacheFigures(
        long hits,
        long misses,
        long loads,
        long loadFailures,
        long loadNanos,
        long refreshes,
        long evictions,
        long expirations)
        implements CacheStats {

    CacheFigures(Stats stats) {
        this(
                stats.hits(),
                stats.misses(),
                stats.loads(),
                stats.loadFailures(),
                stats.loadNanos(),
                stats.refreshes(),
                stats.evictions(),
                stats.expirations());
    }

    @Override
    public String toString() {
        return "%s hits, %s misses; %s loads in %s, %s failed, %s in the background; %s evicted, %s expired"
                .formatted(
                        Units.count(hits),
                        Units.count(misses),
                        Units.count(loads),
                        Units.time(Duration.ofNanos(loadNanos)),
                        Units.count(loadFailures),
                        Units.count(refreshes),
                        Units.count(evictions),
                        Units.count(expirations));
    }
}
