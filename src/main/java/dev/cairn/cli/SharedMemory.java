package dev.cairn.cli;

import picocli.CommandLine.Command;

/** {@code cairn shm VERB}: verbs for all stores of the system's shared memory. */
@Command(
        name = "shm",
        description = "Lists and removes the stores in the system's shared memory.",
        subcommands = {SharedMemoryList.class, SharedMemoryRemove.class})
final class SharedMemory {}
