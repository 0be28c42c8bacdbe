package dev.cairn.cli;

import dev.cairn.CairnStore;
import dev.cairn.Stats;
import dev.cairn.units.Units;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;

@Command(
        name = "compact",
        description =
                "Cleans the store, makes a checkpoint and gives free space back to the"
                        + " file system. The file keeps its length.")
final class Compact extends StoreVerb {
    @Option(names = "--json", description = "Prints a JSON object, with sizes in bytes.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        try (CairnStore store = openExisting()) {
            Stats before = store.stats();
            long start = System.nanoTime();
            long bytes = store.compact();
            Duration time = Duration.ofNanos(System.nanoTime() - start);
            Stats after = store.stats();
            streams()
                    .print(
                            json
                                    ? json(bytes, before, after, time)
                                    : text(bytes, before, after, time));
        }
        return ExitCode.OK;
    }

    private String json(long bytes, Stats before, Stats after, Duration time) {
        return new JsonReport()
                        .put("file", file)
                        .put("givenBackBytes", bytes)
                        .put("before", before)
                        .put("after", after)
                        .put("time", time)
                + "\n";
    }

    private String text(long bytes, Stats before, Stats after, Duration time) {
        return "%s: gave %s back to the file system in %s; %s live, %s garbage (%s before)%n"
                .formatted(
                        file,
                        Units.bytes(bytes),
                        Units.time(time),
                        Units.bytes(after.liveBytes()),
                        Units.bytes(after.garbageBytes()),
                        Units.bytes(before.garbageBytes()));
    }
}
