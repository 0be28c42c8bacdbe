package dev.cairn.cli;

import dev.cairn.CairnStore;
import dev.cairn.Recovery;
import dev.cairn.Stats;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;
import java.util.Locale;

@Command(
        name = "stat",
        description = "Prints sizes, stripes, processes, checkpoints and lock waits.")
final class Stat extends StoreVerb {
    @Option(names = "--json", description = "As one JSON object, sizes in bytes.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        try (CairnStore store = openToRead()) {
            streams().print(json ? json(store) : text(store.stats(), store.recovery()));
        }
        return ExitCode.OK;
    }

    private String json(CairnStore store) {
        return new JsonReport()
                        .put("file", file)
                        .putAll(store.stats())
                        .put("recovery", store.recovery())
                + "\n";
    }

    private String text(Stats stats, Recovery recovery) {
        StringBuilder text = new StringBuilder(file + "\n");
        row(text, "entries", Units.count(stats.entries()));
        row(text, "index", "room for " + Units.count(stats.indexSlots()) + " entries");
        row(text, "live", Units.bytes(stats.liveBytes()) + liveShare(stats));
        row(text, "data file", Units.bytes(stats.dataFileBytes()));
        row(text, "shared-memory file", Units.bytes(stats.sharedMemoryFileBytes()));
        row(
                text,
                "regions",
                "%s of %s, %s free"
                        .formatted(
                                Units.count(stats.regions()),
                                Units.bytes(stats.regionBytes()),
                                Units.count(stats.freeRegions())));
        row(text, "stripes", Units.count(stats.stripes()));
        row(text, "writing processes", Units.count(stats.processes()));
        row(
                text,
                "checkpoint",
                "%s is durable, %s is to come"
                        .formatted(Units.count(stats.durableEpoch()), Units.count(stats.epoch())));
        row(
                text,
                "lock waits",
                "%s, the longest %s"
                        .formatted(
                                Units.count(stats.lockWaits()),
                                Units.time(Duration.ofNanos(stats.longestLockWaitNanos()))));
        row(text, "takeovers", Units.count(stats.takeovers()));
        row(text, "opened", opened(recovery));
        return text.toString();
    }

    private static String liveShare(Stats stats) {
        return stats.dataFileBytes() == 0
                ? ""
                : " (%.0f %% of the data file)"
                        .formatted(100.0 * stats.liveBytes() / stats.dataFileBytes());
    }

    private static String opened(Recovery recovery) {
        return "%s in %s: %s"
                .formatted(
                        recovery.kind().name().toLowerCase(Locale.ROOT),
                        Units.time(recovery.time()),
                        recovery.detail());
    }

    private static void row(StringBuilder text, String name, String value) {
        text.append("  %-20s%s%n".formatted(name, value));
    }
}
