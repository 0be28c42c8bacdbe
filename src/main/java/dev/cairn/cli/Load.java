package dev.cairn.cli;

import dev.cairn.CairnException;
import dev.cairn.CairnStore;
import dev.cairn.cli.text.Entry;
import dev.cairn.cli.text.EntryReader;
import dev.cairn.cli.text.MalformedInput;
import dev.cairn.cli.text.TextFormat;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;

@Command(
        name = "load",
        description =
                "Writes the entries of a text file, and creates the store if there is"
                        + " none. If an entry has a time at which it expires, it keeps that time."
                        + " If that time has passed, the key is absent afterwards. The format mdb"
                        + " has no such times.")
final class Load extends StoreVerb {
    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "INPUT",
            description =
                    "The text file. Without it, or with -, the text is read from standard input.")
    private @Nullable Path input;

    @Option(
            names = "--format",
            description =
                    "One of ${COMPLETION-CANDIDATES}. Without it the extension of INPUT"
                            + " decides; if there is none, the format is tsv.")
    private @Nullable TextFormat format;

    @Override
    public Integer call() throws IOException {
        Path source = input == null || input.toString().equals("-") ? null : input;
        TextFormat chosen = format == null ? formatOf(source) : format;
        long size = source == null ? -1 : Files.size(source);
        String name = source == null ? "standard input" : source.toString();
        try (Counted in =
                new Counted(source == null ? streams().in() : Files.newInputStream(source), name)) {
            Loaded loaded = load(chosen.reader(in, name), in, size);
            streams().print(loaded + "\n");
        }
        return ExitCode.OK;
    }

    /** Reads the first entry before it opens the store, so that a wrong format creates none. */
    private Loaded load(EntryReader reader, Counted in, long size) throws IOException {
        Entry entry = reader.next();
        Loaded loaded = new Loaded(0, 0);
        try (CairnStore store = openOrCreate();
                Progress progress =
                        new Progress(streams(), "load", Progress.Unit.MEBIBYTES, size)) {
            while (entry != null) {
                loaded = loaded.and(write(store, entry));
                progress.to(in.bytes);
                entry = reader.next();
            }
        } catch (MalformedInput | CairnException e) {
            throw new Failure(
                    "%s; loaded before that: %s"
                            .formatted(Failure.describe(e), Units.entries(loaded.written)),
                    e);
        }
        return loaded;
    }

    /**
     * Writes an entry and returns true. If the entry has expired, it removes the key, as if the
     * entry had expired in the store, and returns false.
     */
    private static boolean write(CairnStore store, Entry entry) {
        Instant expires = entry.expires();
        if (expires == null) {
            store.put(entry.key(), entry.value());
            return true;
        }
        Duration left = Duration.between(Instant.now(), expires);
        if (left.isPositive()) {
            store.put(entry.key(), entry.value(), left);
            return true;
        }
        long _ = store.remove(entry.key());
        return false;
    }

    /** How many entries were written, and how many were not, because they had expired. */
    private record Loaded(long written, long expired) {
        Loaded and(boolean isWritten) {
            return isWritten ? new Loaded(written + 1, expired) : new Loaded(written, expired + 1);
        }

        @Override
        public String toString() {
            String had = expired == 0 ? "" : ", %s had expired".formatted(Units.count(expired));
            return Units.entries(written) + " loaded" + had;
        }
    }

    /** Counts the bytes that were read; its failures name the input. */
    private static final class Counted extends FilterInputStream {
        private final String name;
        private long bytes;

        Counted(InputStream in, String name) {
            super(in);
            this.name = name;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            try {
                int count = super.read(target, offset, length);
                bytes += Math.max(count, 0);
                return count;
            } catch (IOException e) {
                throw new FileSystemException(name, null, e.getMessage());
            }
        }
    }
}
