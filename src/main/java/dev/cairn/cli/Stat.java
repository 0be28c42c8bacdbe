package dev.cairn.cli;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.OpeningProgress;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

@Command(
        name = "stat",
        description =
                "Prints sizes, garbage, stripes, processes, checkpoints and lock waits."
                        + " While another process recovers the store, it prints how far the"
                        + " recovery has come.")
final class Stat extends StoreVerb {
    private static final long MOMENT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    @Option(names = "--json", description = "Prints one JSON object, with sizes in bytes.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        OpeningProgress opening = opening();
        if (opening != null) {
            streams().print(json ? json(opening) : text(opening));
            return ExitCode.OK;
        }
        try (CairnStore store = openToRead()) {
            streams().print(json ? json(store) : text(store));
        }
        return ExitCode.OK;
    }

    /**
     * The progress of another process that opens or closes the store, if that takes longer than a
     * moment.
     */
    private @Nullable OpeningProgress opening() {
        if (!exists()) {
            return null;
        }
        long deadline = System.nanoTime() + MOMENT_NANOS;
        OpeningProgress opening = Cairn.openingProgress(file);
        while (opening != null && System.nanoTime() - deadline < 0) {
            LockSupport.parkNanos(PAUSE_NANOS);
            opening = Cairn.openingProgress(file);
        }
        return opening;
    }

    private String json(OpeningProgress opening) {
        return new JsonReport().put("file", file).put("opening", opening) + "\n";
    }

    private String text(OpeningProgress opening) {
        String state =
                opening.recovering()
                        ? "being recovered by another process, %d %% done"
                                .formatted(opening.percent())
                        : "being opened or closed by another process";
        return new StatRows(file).put("state", state).toString();
    }

    private String json(CairnStore store) {
        return new JsonReport()
                        .put("file", file)
                        .putAll(store.stats())
                        .put("recovery", store.recovery())
                + "\n";
    }

    private String text(CairnStore store) {
        return new StatRows(file).putAll(store.stats(), store.recovery()).toString();
    }
}
