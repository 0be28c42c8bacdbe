package dev.cairn.cli;

import dev.cairn.CairnStore;
import dev.cairn.cli.text.EntryWriter;
import dev.cairn.cli.text.TextFormat;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

@Command(
        name = "dump",
        description =
                "Writes all entries as text, in no order; with the times at which they expire, but for"
                        + " the format mdb, which has no place for them.")
final class Dump extends StoreVerb {
    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "OUTPUT",
            description = "The text file, overwritten; standard output when absent or -.")
    private @Nullable Path output;

    @Option(
            names = "--format",
            description = "${COMPLETION-CANDIDATES}; else by the output's extension, else tsv.")
    private @Nullable TextFormat format;

    @Override
    public Integer call() throws IOException {
        Path target = output == null || output.toString().equals("-") ? null : output;
        TextFormat chosen = format == null ? TextFormat.of(target) : format;
        try (CairnStore store = openToRead()) {
            if (target == null) {
                dump(store, chosen, streams().out());
                return ExitCode.OK;
            }
            refuseStore(target);
            try (OutputStream out = Files.newOutputStream(target)) {
                dump(store, chosen, out);
            }
        }
        return ExitCode.OK;
    }

    private void dump(CairnStore store, TextFormat chosen, OutputStream out) throws IOException {
        EntryWriter writer = chosen.writer(new BufferedOutputStream(out, 1 << 16));
        long[] written = {0};
        long[] expiring = {0};
        try (Progress progress =
                new Progress(streams(), "dump", Progress.Unit.ENTRIES, store.size())) {
            store.forEachVersioned((key, entry) -> {
                expiring[0] += entry.expires() == null ? 0 : 1;
                try {
                    writer.write(key, entry.value(), entry.expires());
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                progress.to(++written[0]);
            });
        }
        writer.finish();
        if (expiring[0] > 0 && !chosen.tellsExpiry()) {
            streams()
                    .err()
                    .printf(
                            "cairn: %s: %s with a time to live, which %s has no place for: once loaded"
                                    + " from it they never expire; --format %s or %s keeps it%n",
                            file,
                            Units.entries(expiring[0]),
                            chosen,
                            TextFormat.JSONL,
                            TextFormat.TSV);
        }
    }

    /** Overwriting the store with its own dump would destroy both. */
    private void refuseStore(Path target) throws IOException {
        boolean same = Files.exists(target) && Files.isSameFile(target, file);
        if (same || target.toString().equals(file + "-shm")) {
            throw new Failure(target + ": it is the store itself; name another output");
        }
    }
}
