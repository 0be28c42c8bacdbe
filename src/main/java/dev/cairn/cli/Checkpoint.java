package dev.cairn.cli;

import dev.cairn.CairnStore;
import dev.cairn.units.Units;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;

@Command(
        name = "checkpoint",
        description =
                "Makes everything durable that any process has written so far, and"
                        + " prints the number of the checkpoint.")
final class Checkpoint extends StoreVerb {
    @Option(names = "--json", description = "Prints a JSON object.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        try (CairnStore store = openExisting()) {
            long start = System.nanoTime();
            long epoch = store.checkpoint();
            Duration time = Duration.ofNanos(System.nanoTime() - start);
            streams().print((json ? json(epoch, time) : text(epoch, time)) + "\n");
        }
        return ExitCode.OK;
    }

    private String json(long epoch, Duration time) {
        return new JsonReport().put("file", file).put("epoch", epoch).put("time", time).toString();
    }

    private String text(long epoch, Duration time) {
        return "%s: checkpoint %s is durable; that took %s"
                .formatted(file, Units.count(epoch), Units.time(time));
    }
}
