package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.US_ASCII;

import dev.cairn.CairnStore;
import dev.cairn.cli.text.EntryWriter;
import dev.cairn.cli.text.TextFormat;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

@Command(
        name = "dump",
        description =
                "Writes all entries as text, in no particular order. The formats tsv"
                        + " and jsonl keep the times at which entries expire; mdb cannot.")
final class Dump extends StoreVerb {
    /** The first bytes of a data file: see docs/format.md. */
    private static final byte[] MAGIC = "CAIRNKV\n".getBytes(US_ASCII);

    /** The names of the files that a store has beside its data file. */
    private static final Pattern COMPANION = Pattern.compile("(.+)-(?:shm|lock)");

    @Parameters(
            index = "1",
            arity = "0..1",
            paramLabel = "OUTPUT",
            description =
                    "The text file, which is overwritten. Without it, or with -, the"
                            + " text goes to standard output.")
    private @Nullable Path output;

    @Option(
            names = "--format",
            description =
                    "One of ${COMPLETION-CANDIDATES}. Without it the extension of"
                            + " OUTPUT decides; if there is none, the format is tsv.")
    private @Nullable TextFormat format;

    @Override
    public Integer call() throws IOException {
        Path target = output == null || output.toString().equals("-") ? null : output;
        TextFormat chosen = format == null ? formatOf(target) : format;
        try (CairnStore store = openToRead()) {
            if (target == null) {
                dump(store, chosen, streams().out());
                return ExitCode.OK;
            }
            refuseStore(target);
            try (OutputStream out = new Named(Files.newOutputStream(target), target)) {
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
                            "cairn: %s: entries with a time to live: %s; the format %s"
                                    + " cannot keep it, so they never expire once loaded; --format"
                                    + " %s or %s keeps it%n",
                            file,
                            Units.count(expiring[0]),
                            chosen,
                            TextFormat.JSONL,
                            TextFormat.TSV);
        }
    }

    /**
     * Refuses an output that is a file of a store. If processes have it mapped, overwriting it
     * would end their work, and what they have written would be lost.
     */
    private static void refuseStore(Path target) throws IOException {
        if (!Files.isRegularFile(target)) {
            return;
        }
        Path real = target.toRealPath();
        Matcher companion = COMPANION.matcher(real.getFileName().toString());
        boolean beside =
                companion.matches()
                        && isData(real.resolveSibling(companion.group(1))); // -shm, -lock
        if (isData(real) || beside) {
            throw new Failure(target + ": this file belongs to a store; name another output");
        }
    }

    private static boolean isData(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            return false;
        }
        try (InputStream in = Files.newInputStream(path)) {
            return Arrays.equals(in.readNBytes(MAGIC.length), MAGIC);
        }
    }

    /** An output whose failures name the file. */
    private static final class Named extends FilterOutputStream {
        private final Path name;

        Named(OutputStream out, Path name) {
            super(out);
            this.name = name;
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            try {
                out.write(bytes, offset, length);
            } catch (IOException e) {
                throw new FileSystemException(name.toString(), null, e.getMessage());
            }
        }
    }
}
