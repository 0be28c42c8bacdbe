package dev.cairn.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** Files that verbs create for a while, and remove when they end or the JVM is told to end. */
public final class TemporaryFiles {
    private static final int DELETE_ATTEMPTS = 20;
    private static final long DELETE_PAUSE_NANOS = 50_000_000;

    private TemporaryFiles() {}

    /**
     * Deletes a directory with all that is in it, if it exists. It repeats that if it must: a
     * thread that is interrupted may still be creating files.
     */
    public static void delete(Path directory) {
        for (int attempt = 1; Files.exists(directory, LinkOption.NOFOLLOW_LINKS); attempt++) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.deleteIfExists(path);
                }
            } catch (IOException | UncheckedIOException e) {
                if (attempt == DELETE_ATTEMPTS) {
                    throw new Failure(directory + ": could not be deleted; delete it yourself", e);
                }
                LockSupport.parkNanos(DELETE_PAUSE_NANOS);
            }
        }
    }

    /** Removes a shutdown hook that has nothing left to do. */
    public static void forget(Thread shutdownHook) {
        try {
            Runtime.getRuntime().removeShutdownHook(shutdownHook);
        } catch (IllegalStateException _) {
            // The JVM is shutting down; the hook finds nothing left to do.
        }
    }
}
