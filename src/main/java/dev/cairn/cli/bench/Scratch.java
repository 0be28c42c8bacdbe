package dev.cairn.cli.bench;

import dev.cairn.cli.Failure;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A directory of this user alone for the temporary store and its companions. It is deleted with all
 * that is in it, by whoever comes first: the verb that ends, or the JVM that is told to.
 */
final class Scratch implements AutoCloseable {
    private static final String PREFIX = "cairn-bench-";
    private static final int DELETE_ATTEMPTS = 20;
    private static final long DELETE_PAUSE_NANOS = 50_000_000;

    private final Path directory;
    private final Thread hook = new Thread(this::interrupt, "cairn-bench-cleanup");
    private volatile boolean interrupted;
    private boolean closed;

    private Scratch(Path directory) {
        this.directory = directory;
    }

    static Scratch in(Path parent) {
        Scratch scratch = new Scratch(parent.resolve(PREFIX + UUID.randomUUID()));
        Runtime.getRuntime().addShutdownHook(scratch.hook);
        try {
            scratch.create();
            return scratch;
        } catch (IOException e) {
            scratch.close();
            throw new Failure(
                    parent
                            + ": no temporary store can be made in it: "
                            + reason(e)
                            + "; name another",
                    e);
        }
    }

    Path resolve(String name) {
        return directory.resolve(name);
    }

    /** Whether the JVM was told to end, so that whatever fails now fails for that. */
    boolean interrupted() {
        return interrupted;
    }

    /** Later calls do nothing, and wait until the first one is done. */
    @Override
    public void close() {
        try {
            delete();
        } finally {
            forgetHook();
        }
    }

    private void interrupt() {
        interrupted = true;
        delete();
    }

    private synchronized void create() throws IOException {
        if (closed) {
            throw new IOException("interrupted");
        }
        try {
            Files.createDirectory(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (UnsupportedOperationException _) {
            Files.createDirectory(directory);
        }
    }

    /** Again and again if it must: whoever is interrupted may be making files still. */
    private synchronized void delete() {
        if (closed) {
            return;
        }
        closed = true;
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

    private void forgetHook() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException _) {
            // The JVM is shutting down; the hook finds nothing left to do.
        }
    }

    private static String reason(IOException thrown) {
        return thrown instanceof FileSystemException f && f.getReason() != null
                ? f.getReason()
                : thrown.toString();
    }
}
