package dev.cairn.cli.bench;

import dev.cairn.Cairn;
import dev.cairn.cli.Failure;
import dev.cairn.cli.Verb;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

@Command(
        name = "bench",
        description = {
            "Measures a temporary store in the directory of FILE for some seconds, says"
                    + " what limits its speed, and removes it. FILE itself is never touched, and"
                    + " need not exist.",
            "This is a quick look: each measurement takes a fraction of a second, after"
                    + " a short warm-up."
        })
@SuppressWarnings("NullAway.Init") // picocli sets the fields
public final class Bench extends Verb {
    private static final String SHARED_MEMORY = "shm:";
    private static final long MOST_ENTRIES = 1_000_000_000;
    private static final double MOST_SECONDS = 3_600;

    /** The part of the free space, and of the heap, that may be used. */
    private static final double PART = 0.25;

    @Spec private CommandSpec spec;

    @Parameters(
            index = "0",
            paramLabel = "FILE",
            description =
                    "A file in the directory to measure, or the directory itself, or shm:NAME.")
    private Path file;

    @Option(
            names = "--entries",
            paramLabel = "N",
            defaultValue = "200000",
            description = "The number of entries; the default is 200,000.")
    private long entries;

    @Option(
            names = "--value-bytes",
            paramLabel = "N",
            defaultValue = "100",
            description = "The length of each value; the default is 100.")
    private int valueBytes;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "10",
            description =
                    "About how long to measure in all, without the time for filling;"
                            + " the default is 10.")
    private double seconds;

    @Option(names = "--json", description = "Prints one JSON object, with sizes in bytes.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Setting setting = setting();
        Path directory = directory();
        requireRoom(setting, directory);
        try (Scratch scratch = Scratch.in(directory)) {
            return measure(setting, directory, scratch);
        }
    }

    private int measure(Setting setting, Path directory, Scratch scratch)
            throws IOException, InterruptedException {
        try {
            Figures figures = new Measurement(setting, directory, scratch, streams()).take();
            Report report = new Report(directory, figures);
            streams().print(json ? report.json() + "\n" : report.text());
            return 0;
        } catch (RuntimeException | IOException e) {
            if (scratch.interrupted()) {
                return 4; // the JVM ends, and its store was removed
            }
            throw e;
        }
    }

    private Setting setting() {
        require(
                entries >= 1 && entries <= MOST_ENTRIES,
                "--entries: %d is not from 1 to %s".formatted(entries, Units.count(MOST_ENTRIES)));
        require(valueBytes >= 0, "--value-bytes: %d is negative".formatted(valueBytes));
        require(
                seconds > 0 && seconds <= MOST_SECONDS,
                "--seconds: %s is not greater than 0 and at most %s"
                        .formatted(seconds, Units.count(Math.round(MOST_SECONDS))));
        return new Setting(
                entries,
                valueBytes,
                Duration.ofNanos(Math.round(seconds * 1e9)),
                Runtime.getRuntime().availableProcessors());
    }

    private void require(boolean right, String message) {
        if (!right) {
            throw new ParameterException(spec.commandLine(), message);
        }
    }

    /** The directory of the temporary store. */
    private Path directory() {
        String name = file.toString();
        Path real =
                name.startsWith(SHARED_MEMORY)
                        ? Cairn.sharedMemory(name.substring(SHARED_MEMORY.length()))
                        : file;
        @Nullable Path parent = real.toAbsolutePath().getParent();
        Path directory = parent == null || Files.isDirectory(real) ? real.toAbsolutePath() : parent;
        if (!Files.isDirectory(directory)) {
            throw new Failure(file + ": there is no directory " + directory + "; create it");
        }
        if (!Files.isWritable(directory)) {
            throw new Failure(
                    "%s: the directory %s is not writable; name a file elsewhere"
                            .formatted(file, directory));
        }
        return directory;
    }

    private void requireRoom(Setting setting, Path directory) throws IOException {
        long free = Files.getFileStore(directory).getUsableSpace();
        if (setting.bytesAtMost() > PART * free) {
            throw new Failure(
                    ("%s: the store may take %s, which is more than a quarter of the %s"
                                    + " that are free in %s; %s")
                            .formatted(
                                    file,
                                    Units.bytes((long) setting.bytesAtMost()),
                                    Units.bytes(free),
                                    directory,
                                    "choose fewer --entries or --value-bytes"));
        }
        long heap = Runtime.getRuntime().maxMemory();
        if (setting.heapBytes() > PART * heap) {
            throw new Failure(
                    "%s: values of %s would take more than a quarter of the heap of %s; %s"
                            .formatted(
                                    file,
                                    Units.bytes(setting.valueBytes()),
                                    Units.bytes(heap),
                                    "choose fewer --value-bytes, or set"
                                            + " CAIRN_OPTS=-Xmx8g to allow 8 GiB"));
        }
    }
}
