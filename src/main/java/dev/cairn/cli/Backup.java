package dev.cairn.cli;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.units.Units;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;

@Command(
        name = "backup",
        description =
                "Makes a checkpoint and copies it to a new file, which is a store of"
                        + " its own. Other processes can go on writing meanwhile.")
@SuppressWarnings("NullAway.Init") // picocli sets the field
final class Backup extends StoreVerb {
    @Parameters(
            index = "1",
            paramLabel = "TARGET",
            description = "The file of the new store. It must not exist yet.")
    private Path target;

    @Option(names = "--last", description = "Copies the last checkpoint and makes no new one.")
    private boolean last;

    @Option(names = "--json", description = "Prints a JSON object.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        requireNew();
        try (CairnStore store = last ? openForLast() : openExisting()) {
            long start = System.nanoTime();
            if (!last) {
                long _ = store.checkpoint();
            }
            long epoch = store.backup(target);
            Duration time = Duration.ofNanos(System.nanoTime() - start);
            streams().print((json ? json(epoch, time) : text(epoch, time)) + "\n");
        }
        return ExitCode.OK;
    }

    /**
     * Opens the store for reading only, unless others might be writing: then it joins them, so that
     * the checkpoint is kept while it is copied.
     */
    private CairnStore openForLast() {
        CairnStore reading = openToRead();
        if (reading.recovery().kind() != Kind.JOINED || !Files.isWritable(file)) {
            return reading;
        }
        reading.close();
        return Cairn.open(file, Options.defaults().withManualCheckpoints());
    }

    /** Refuses an existing target before anything is done, and names the remedy. */
    private void requireNew() {
        if (inSharedMemory(target)) {
            return; // the library reports it as well
        }
        if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
            throw new Failure(
                    target
                            + ": the file exists already, and a backup replaces no file;"
                            + " name another file");
        }
        @Nullable Path directory = target.toAbsolutePath().getParent();
        if (directory != null && !Files.isDirectory(directory)) {
            throw new Failure(target + ": there is no directory " + directory + "; create it");
        }
    }

    private String json(long epoch, Duration time) {
        return new JsonReport()
                .put("file", file)
                .put("target", target)
                .put("epoch", epoch)
                .put("time", time)
                .toString();
    }

    private String text(long epoch, Duration time) {
        return "%s: contains checkpoint %s of %s, made in %s"
                .formatted(target, Units.count(epoch), file, Units.time(time));
    }
}
