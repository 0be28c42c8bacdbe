package dev.cairn.cli;

import dev.cairn.CairnStore;

import picocli.CommandLine.Command;

@Command(
        name = "has",
        description = "Tells by the exit code whether a key is there: 0 if it is, 1 if it is not.")
final class Has extends KeyVerb {
    @Override
    public Integer call() {
        byte[] key = key();
        try (CairnStore store = openToRead()) {
            return store.containsKey(key) ? ExitCode.OK : ExitCode.NOT_FOUND;
        }
    }
}
