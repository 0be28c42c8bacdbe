package dev.cairn.cli;

import dev.cairn.CairnStore;

import picocli.CommandLine.Command;

import java.io.IOException;

@Command(name = "get", description = "Prints the bytes of one value and nothing else.")
final class Get extends KeyVerb {
    @Override
    public Integer call() throws IOException {
        byte[] key = key();
        try (CairnStore store = openToRead()) {
            byte[] value = store.get(key);
            if (value == null) {
                return ExitCode.NOT_FOUND;
            }
            streams().out().write(value);
            streams().out().flush();
            return ExitCode.OK;
        }
    }
}
