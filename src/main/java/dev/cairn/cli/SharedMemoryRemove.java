package dev.cairn.cli;

import dev.cairn.Cairn;
import dev.cairn.SharedMemoryStore;
import dev.cairn.units.Units;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

@Command(
        name = "rm",
        description =
                "Removes stores from the system's shared memory, each with its"
                        + " shared-memory and lock files. A store that a process has open is not"
                        + " removed.")
@SuppressWarnings("NullAway.Init") // picocli sets the fields
final class SharedMemoryRemove extends Verb {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME", description = "The names of the stores, without shm:.")
    private List<String> names = new ArrayList<>();

    @Option(
            names = "--leftovers",
            description =
                    "Removes only what dead processes left: unfinished files, and"
                            + " shared-memory and lock files without a data file. Without a NAME"
                            + " it does so for all stores.")
    private boolean leftovers;

    @Override
    public Integer call() throws IOException {
        requireNames();
        for (String name : leftovers && names.isEmpty() ? withLeftovers() : names) {
            long bytes =
                    leftovers
                            ? Cairn.removeSharedMemoryLeftovers(name)
                            : Cairn.removeSharedMemory(name);
            streams()
                    .print(
                            "%s: %s, %s%n"
                                    .formatted(
                                            SharedMemoryList.printable(name),
                                            leftovers ? "leftovers removed" : "removed",
                                            Units.bytes(bytes)));
        }
        return ExitCode.OK;
    }

    /** Checks all names before anything is removed. */
    private void requireNames() {
        if (names.isEmpty() && !leftovers) {
            throw new ParameterException(
                    spec.commandLine(), "Missing required parameter: 'NAME...', or --leftovers");
        }
        for (String name : names) {
            try {
                var _ = Cairn.sharedMemory(name);
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
            }
        }
    }

    private static List<String> withLeftovers() {
        return Cairn.sharedMemoryStores().stream()
                .filter(store -> !store.leftovers().isEmpty())
                .map(SharedMemoryStore::name)
                .toList();
    }
}
