package dev.cairn.cli;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.cli.text.TextFormat;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.nio.file.Files;
import java.nio.file.Path;

/** A verb for one store, which is its first argument. */
@SuppressWarnings("NullAway.Init") // picocli sets the field
abstract class StoreVerb extends Verb {
    private static final String SHARED_MEMORY = "shm:";

    @Spec private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "FILE",
            description =
                    "The store's data file, or shm:NAME for a store in the system's shared memory.")
    Path file;

    final CairnStore openOrCreate() {
        return Cairn.open(file);
    }

    /** Opens the store for writing, but creates nothing: a mistyped name is an error. */
    final CairnStore openExisting() {
        return open(Options.defaults());
    }

    final CairnStore openToRead() {
        return open(Options.defaults().withReadOnly(true));
    }

    /**
     * The format that a text file's extension names.
     *
     * @throws ParameterException if the extension names an unknown format
     */
    final TextFormat formatOf(@Nullable Path text) {
        try {
            return TextFormat.of(text);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    static boolean inSharedMemory(Path path) {
        return path.toString().startsWith(SHARED_MEMORY);
    }

    /** Whether the file exists; for a store in shared memory this is not checked. */
    final boolean exists() {
        return inSharedMemory(file) || Files.exists(file);
    }

    private CairnStore open(Options options) {
        if (!exists()) {
            throw new Failure(
                    file + ": there is no such store; 'cairn put' and 'cairn load' create one");
        }
        return Cairn.open(file, options);
    }
}
