package dev.cairn.cli;

import dev.cairn.CairnStore;

import picocli.CommandLine.Command;

@Command(name = "del", description = "Removes one entry.")
final class Del extends KeyVerb {
    @Override
    public Integer call() {
        byte[] key = key();
        try (CairnStore store = openExisting()) {
            return store.remove(key) != 0 ? ExitCode.OK : ExitCode.NOT_FOUND;
        }
    }
}
