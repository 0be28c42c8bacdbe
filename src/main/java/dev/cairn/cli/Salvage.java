package dev.cairn.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.cli.text.EntryWriter;
import dev.cairn.cli.text.TextFormat;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

@Command(
        name = "salvage",
        description =
                "Copies the sound entries of a damaged store to a new store, and lists"
                        + " what is lost. The damaged store is only read. No process may have it"
                        + " open.")
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class Salvage extends StoreVerb {
    /** How many keys are listed for people; --json has more. */
    private static final int LISTED = 20;

    @Parameters(
            index = "1",
            paramLabel = "TARGET",
            description = "The file of the new store. It must not exist yet.")
    private Path target;

    @Option(
            names = "--only-proven",
            description =
                    "Leaves out the uncertain entries: a newer value, or a removal, of"
                            + " their keys may be lost.")
    private boolean onlyProven;

    @Option(names = "--json", description = "Prints one JSON object.")
    private boolean json;

    private @Nullable Progress progress;

    @Override
    public Integer call() throws IOException {
        if (!inSharedMemory(target) && Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new Failure(
                    target
                            + ": the file exists already, and a salvage replaces no file;"
                            + " name another file");
        }
        long start = System.nanoTime();
        dev.cairn.Salvage found;
        try {
            found = Cairn.salvage(file, target, onlyProven, this::show);
        } finally {
            if (progress != null) {
                progress.close();
            }
        }
        Duration time = Duration.ofNanos(System.nanoTime() - start);
        streams().print(json ? json(found, time) : text(found, time));
        return ExitCode.OK;
    }

    private void show(long entries, long expected) {
        if (progress == null) {
            progress =
                    new Progress(
                            streams(),
                            "salvage",
                            Progress.Unit.ENTRIES,
                            expected == 0 ? -1 : expected);
        }
        progress.to(entries);
    }

    private String json(dev.cairn.Salvage found, Duration time) {
        return new JsonReport()
                        .put("file", file)
                        .put("target", target)
                        .put("complete", found.complete())
                        .put("checkpoint", found.checkpoint())
                        .put("newest", found.newest())
                        .put("expected", found.expected())
                        .put("entries", found.entries())
                        .put("uncertain", found.uncertain())
                        .put("lost", found.lost())
                        .put("lostBytes", found.lostBytes())
                        .put("lostRegions", found.lostRegions())
                        .put("damages", found.damages())
                        .put("lostKeys", texts(found.lostKeys()))
                        .put("uncertainKeys", texts(found.uncertainKeys()))
                        .put("time", time)
                + "\n";
    }

    private String text(dev.cairn.Salvage found, Duration time) {
        StringBuilder text = new StringBuilder();
        text.append(
                "%s: %s of %s in %s%n"
                        .formatted(
                                target,
                                found.checkpoint() == 0
                                        ? Units.entries(found.entries())
                                        : Units.count(found.entries())
                                                + " of "
                                                + Units.entries(found.expected()),
                                file,
                                Units.time(time)));
        if (found.lost() > 0) {
            text.append("  lost: %s%n".formatted(Units.entries(found.lost())));
            list(text, found.lostKeys());
        }
        if (found.uncertain() > 0) {
            text.append(
                    "  %s: %s, of which a newer value or a removal may be lost%n"
                            .formatted(
                                    onlyProven ? "left out" : "uncertain",
                                    Units.entries(found.uncertain())));
            list(text, found.uncertainKeys());
        }
        if (found.lostBytes() + found.lostRegions() > 0) {
            text.append(
                    "  unreadable: %s of log, %s region headers%n"
                            .formatted(
                                    Units.bytes(found.lostBytes()),
                                    Units.count(found.lostRegions())));
        }
        found.damages().stream()
                .limit(LISTED)
                .forEach(damage -> text.append("  ").append(damage).append('\n'));
        more(text, found.damages().size());
        return text.toString();
    }

    private static void list(StringBuilder text, List<byte[]> keys) {
        texts(keys).stream()
                .limit(LISTED)
                .forEach(key -> text.append("    ").append(key).append('\n'));
        more(text, keys.size());
    }

    private static void more(StringBuilder text, int size) {
        if (size > LISTED) {
            text.append("    and %s more; --json lists them%n".formatted(size - LISTED));
        }
    }

    private static List<String> texts(List<byte[]> keys) {
        return keys.stream().map(Salvage::text).toList();
    }

    /** A key with the escapes of tsv, as scan prints it. */
    private static String text(byte[] key) {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        try {
            EntryWriter tsv = TextFormat.TSV.writer(line);
            tsv.write(key, new byte[0]);
            tsv.finish();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return line.toString(UTF_8).replaceFirst("\t\n$", "");
    }
}
