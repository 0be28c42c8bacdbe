package dev.cairn.cli;

import dev.cairn.CairnStore;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;

@Command(name = "count", description = "Prints the number of entries.")
final class Count extends StoreVerb {
    @Option(names = "--json", description = "Prints a JSON object.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        try (CairnStore store = openToRead()) {
            long entries = store.size();
            streams().print((json ? new JsonReport().put("entries", entries) : entries) + "\n");
        }
        return ExitCode.OK;
    }
}
