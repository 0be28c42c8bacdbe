package dev.cairn.cli;

import dev.cairn.CairnStore;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;

@Command(
        name = "stat",
        description = "Prints sizes, garbage, stripes, processes, checkpoints and lock waits.")
final class Stat extends StoreVerb {
    @Option(names = "--json", description = "As one JSON object, sizes in bytes.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        try (CairnStore store = openToRead()) {
            streams().print(json ? json(store) : text(store));
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

    private String text(CairnStore store) {
        return new StatRows(file).putAll(store.stats(), store.recovery()).toString();
    }
}
