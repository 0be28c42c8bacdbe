package dev.cairn.cli;

import dev.cairn.Recovery;
import dev.cairn.Recovery.Kind;
import dev.cairn.Stats;
import dev.cairn.units.Units;

import java.time.Duration;
import java.util.Locale;

/** The figures of a store as a person reads them, one in a row. */
final class StatRows {
    private final StringBuilder text = new StringBuilder();

    StatRows(Object heading) {
        text.append(heading).append('\n');
    }

    StatRows put(String name, String value) {
        text.append("  %-20s%s%n".formatted(name, value));
        return this;
    }

    StatRows putAll(Stats stats, Recovery recovery) {
        put("entries", Units.count(stats.entries()));
        put("index", "room for " + Units.count(stats.indexSlots()) + " entries");
        put("live", Units.bytes(stats.liveBytes()) + share(stats.liveBytes(), stats));
        put("garbage", Units.bytes(stats.garbageBytes()) + share(stats.garbageBytes(), stats));
        put(
                "data file",
                Units.bytes(stats.dataFileBytes())
                        + (stats.maxBytes() == 0
                                ? ""
                                : " of at most " + Units.bytes(stats.maxBytes())));
        put("shared-memory file", Units.bytes(stats.sharedMemoryFileBytes()));
        put(
                "regions",
                "%s of %s, %s free, %s waiting for a checkpoint"
                        .formatted(
                                Units.count(stats.regions()),
                                Units.bytes(stats.regionBytes()),
                                Units.count(stats.freeRegions()),
                                Units.count(stats.waitingRegions())));
        put("stripes", Units.count(stats.stripes()));
        put("writing processes", processes(stats, recovery));
        put(
                "checkpoint",
                "%s is durable, %s is the next"
                        .formatted(Units.count(stats.durableEpoch()), Units.count(stats.epoch())));
        put("state", state(stats.state()));
        put("file names", naming(stats.naming()));
        put("damage", damage(stats.damagedStripes()));
        put(
                "lock waits",
                "%s in %s, the longest %s"
                        .formatted(
                                Units.count(stats.lockWaits()),
                                Units.time(Duration.ofNanos(stats.lockWaitNanos())),
                                Units.time(Duration.ofNanos(stats.longestLockWaitNanos()))));
        put("checkpoint waits", Units.count(stats.checkpointWaits()));
        put("overwrites in place", Units.count(stats.overwritesInPlace()));
        if (stats.evictions() + stats.expirations() > 0) {
            put(
                    "evicted",
                    "%s, and %s that had expired"
                            .formatted(
                                    Units.count(stats.evictions()),
                                    Units.count(stats.expirations())));
        }
        put("takeovers", Units.count(stats.takeovers()));
        put("clock", clock(stats.clockAheadMillis()));
        putCaches(stats);
        put("opened", opened(recovery));
        return this;
    }

    /** Adds the figures of caches, if caches use the store. */
    private void putCaches(Stats stats) {
        long reads = stats.hits() + stats.misses();
        if (reads != 0) {
            put(
                    "cache reads",
                    "%s hits, %s misses (%.1f %% hits)"
                            .formatted(
                                    Units.count(stats.hits()),
                                    Units.count(stats.misses()),
                                    100.0 * stats.hits() / reads));
        }
        if (stats.loads() != 0) {
            put(
                    "cache loads",
                    "%s, %s failed, %s in the background, %s each"
                            .formatted(
                                    Units.count(stats.loads()),
                                    Units.count(stats.loadFailures()),
                                    Units.count(stats.refreshes()),
                                    Units.time(
                                            Duration.ofNanos(stats.loadNanos() / stats.loads()))));
        }
    }

    @Override
    public String toString() {
        return text.toString();
    }

    static String processes(Stats stats, Recovery recovery) {
        boolean uncounted = stats.processes() == 0 && recovery.kind() == Kind.JOINED;
        return uncounted ? "at least 1" : Units.count(stats.processes());
    }

    private static String state(Stats.State state) {
        return switch (state) {
            case SOUND -> "sound";
            case ATTEMPTED -> "attempted: a checkpoint is under way, or its process died";
            case FAILED ->
                    "FAILED: writes are refused until a checkpoint succeeds; 'cairn"
                            + " checkpoint' makes one";
        };
    }

    private static String naming(Stats.Naming naming) {
        return switch (naming) {
            case NAMED -> "unchanged";
            case COMPANION_LOST ->
                    "LOST: the shared-memory or the lock file was removed or replaced;"
                            + " close the store everywhere, then open it again";
            case RENAMED -> "LOST: the data file was renamed; writes go to the renamed file";
            case REMOVED ->
                    "LOST: the data file was removed or replaced; only a backup saves its content";
        };
    }

    private static String damage(int stripes) {
        return stripes == 0
                ? "none found by cleaning"
                : ("cleaning stops at a damaged region in %s of the stripes, so"
                                + " their logs grow; 'cairn check' says where")
                        .formatted(Units.count(stripes));
    }

    private static String clock(long aheadMillis) {
        return aheadMillis == 0
                ? "same as the wall clock"
                : ("%s %s the wall clock; entries expire by this clock, so they"
                                + " live as long as they should")
                        .formatted(
                                Units.span(Duration.ofMillis(Math.abs(aheadMillis))),
                                aheadMillis > 0 ? "ahead of" : "behind");
    }

    private static String share(long bytes, Stats stats) {
        return stats.dataFileBytes() == 0
                ? ""
                : " (%.0f %% of the data file)".formatted(100.0 * bytes / stats.dataFileBytes());
    }

    private static String opened(Recovery recovery) {
        return "%s in %s: %s"
                .formatted(
                        recovery.kind().name().toLowerCase(Locale.ROOT),
                        Units.time(recovery.time()),
                        recovery.detail());
    }
}
