package dev.cairn.cli.bench;

import dev.cairn.cli.Failure;
import dev.cairn.cli.TemporaryFiles;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.UUID;

/**
 * A directory for the temporary store and its other files, which only this user may use. It is
 * deleted with all that is in it, either when the verb ends or when the JVM is told to end,
 * whichever comes first.
 */
final class Scratch implements AutoCloseable {
    private static final String PREFIX = "cairn-bench-";

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
                            + ": a temporary store cannot be created there: "
                            + reason(e)
                            + "; name another directory",
                    e);
        }
    }

    Path resolve(String name) {
        return directory.resolve(name);
    }

    /** Whether the JVM was told to end, so that later failures are due to that. */
    boolean interrupted() {
        return interrupted;
    }

    /** Deletes the directory. Further calls do nothing, and wait until the first one is done. */
    @Override
    public void close() {
        try {
            delete();
        } finally {
            TemporaryFiles.forget(hook);
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

    private synchronized void delete() {
        if (!closed) {
            closed = true;
            TemporaryFiles.delete(directory);
        }
    }

    private static String reason(IOException thrown) {
        return thrown instanceof FileSystemException f && f.getReason() != null
                ? f.getReason()
                : thrown.toString();
    }
}
