package dev.cairn.cli;

import dev.cairn.CairnStore;
import dev.cairn.Overtaken;
import dev.cairn.Recovery;
import dev.cairn.Recovery.Kind;
import dev.cairn.Stats;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.function.ToLongFunction;

/**
 * Samples a store again and again. Each sample opens it anew, for reading only. So it is always the
 * store of that name, and no process is kept from recovering it.
 */
@Command(
        name = "top",
        description =
                "Shows the figures of stat and how they change, again and again. If"
                        + " standard output is not a terminal, it prints a line each time.")
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class Top extends StoreVerb {
    private static final String CLEAR_SCREEN = "\033[H\033[2J";
    private static final byte[] NO_KEY = {};
    private static final String LINE = "%-8s %14s %11s %11s %11s %11s %13s %12s %10s  %s%n";
    private static final String HEADING =
            LINE.formatted(
                    "time",
                    "entries",
                    "live",
                    "garbage",
                    "waiting",
                    "free",
                    "log grew by",
                    "checkpoint",
                    "processes",
                    "state");

    @Option(
            names = "--every",
            paramLabel = "DURATION",
            defaultValue = "1s",
            converter = DurationConverter.class,
            description = "The time between two samples: 500ms, 1s (the default), 1m ...")
    private Duration every;

    @Option(
            names = "--times",
            paramLabel = "N",
            description = "Ends after N samples. Without it, top ends when it is interrupted.")
    private long times = Long.MAX_VALUE;

    @Option(names = "--json", description = "Prints one JSON object a line, with sizes in bytes.")
    private boolean json;

    /** The figures at one moment. */
    private record Sample(Instant at, long nanoTime, Stats stats, Recovery recovery) {
        static Sample of(CairnStore store) {
            return new Sample(Instant.now(), System.nanoTime(), store.stats(), store.recovery());
        }

        LocalTime time() {
            return LocalTime.ofInstant(at, ZoneId.systemDefault()).truncatedTo(ChronoUnit.SECONDS);
        }

        /** How much a figure grew per second since then; 0 for the first sample. */
        long perSecond(@Nullable Sample before, ToLongFunction<Stats> figure) {
            if (before == null) {
                return 0;
            }
            double grown = (double) figure.applyAsLong(stats) - figure.applyAsLong(before.stats);
            return Math.round(grown * 1e9 / Math.max(nanoTime - before.nanoTime, 1));
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        @Nullable CairnStore snapshot = null;
        @Nullable Sample before = null;
        try {
            for (long count = 0; count < times; count++) {
                if (count > 0) {
                    Thread.sleep(every);
                }
                CairnStore store = snapshot != null ? snapshot : openToRead();
                Sample now = Sample.of(store);
                snapshot = kept(store);
                streams().print(text(before, now));
                before = now;
            }
        } finally {
            if (snapshot != null) {
                snapshot.close();
            }
        }
        return ExitCode.OK;
    }

    /**
     * Keeps a snapshot, which is costly to make, and valid until a newer checkpoint; closes every
     * other store.
     */
    private static @Nullable CairnStore kept(CairnStore store) {
        if (store.recovery().kind() == Kind.SNAPSHOT && isCurrent(store)) {
            return store;
        }
        store.close();
        return null;
    }

    private static boolean isCurrent(CairnStore snapshot) {
        try {
            boolean _ = snapshot.containsKey(NO_KEY);
            return true;
        } catch (Overtaken e) {
            return false;
        }
    }

    private String text(@Nullable Sample before, Sample now) {
        if (json) {
            return json(before, now);
        }
        if (streams().terminal()) {
            return CLEAR_SCREEN + screen(before, now);
        }
        return (before == null ? HEADING : "") + line(before, now);
    }

    private String json(@Nullable Sample before, Sample now) {
        return new JsonReport()
                        .put("file", file)
                        .put("at", now.at)
                        .putAll(now.stats)
                        .put("entriesPerSecond", now.perSecond(before, Stats::entries))
                        .put("logBytesPerSecond", now.perSecond(before, Top::logBytes))
                + "\n";
    }

    private String screen(@Nullable Sample before, Sample now) {
        String heading =
                "%s at %s, every %s; Ctrl-C ends".formatted(file, now.time(), Units.time(every));
        return new StatRows(heading)
                .putAll(now.stats, now.recovery)
                .put("entries grew by", Units.count(now.perSecond(before, Stats::entries)) + "/s")
                .put("log grew by", growth(before, now))
                .put("checkpoints", Units.count(now.perSecond(before, Stats::durableEpoch)) + "/s")
                .toString();
    }

    private static String line(@Nullable Sample before, Sample now) {
        Stats stats = now.stats;
        return LINE.formatted(
                now.time(),
                Units.count(stats.entries()),
                Units.bytes(stats.liveBytes()),
                Units.bytes(stats.garbageBytes()),
                Units.bytes(stats.waitingRegions() * stats.regionBytes()),
                Units.bytes(stats.freeRegions() * stats.regionBytes()),
                growth(before, now),
                Units.count(stats.durableEpoch()),
                StatRows.processes(stats, now.recovery),
                stats.state().name().toLowerCase(Locale.ROOT) + cacheReads(stats));
    }

    /** The reads of caches; empty for a store that no cache uses. */
    private static String cacheReads(Stats stats) {
        long reads = stats.hits() + stats.misses();
        return reads == 0
                ? ""
                : ", %.1f %% of %s cache reads are hits"
                        .formatted(100.0 * stats.hits() / reads, Units.count(reads));
    }

    /** The bytes per second that writers and cleaners appended, without those that were freed. */
    private static String growth(@Nullable Sample before, Sample now) {
        long bytes = now.perSecond(before, Top::logBytes);
        return (bytes < 0 ? "-" : "") + Units.bytes(Math.abs(bytes)) + "/s";
    }

    private static long logBytes(Stats stats) {
        return stats.liveBytes() + stats.garbageBytes();
    }
}
