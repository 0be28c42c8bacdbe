package dev.cairn;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file system that is there for one test; the test is skipped, visibly, where it may not mount. */
final class Mount implements AutoCloseable {
    private final Path directory;

    private Mount(Path directory) {
        this.directory = directory;
    }

    Path directory() {
        return directory;
    }

    /** A file system in memory, of that size. */
    static Mount memory(Path directory, String size) {
        require("mount", "-t", "tmpfs", "-o", "size=" + size, "none", directory.toString());
        return new Mount(directory);
    }

    /** An ext4 without a journal in a file, whose blocks its own file system has or has not. */
    static Mount image(Path image, long bytes, Path directory) throws IOException {
        Files.createDirectory(directory);
        require("truncate", "-s", Long.toString(bytes), image.toString());
        require("mkfs.ext4", "-q", "-F", "-O", "^has_journal", image.toString());
        require("mount", "-o", "loop,errors=continue", image.toString(), directory.toString());
        return new Mount(directory);
    }

    /** Another sight of a directory, through which nothing can be written. */
    static Mount readOnly(Path of, Path directory) throws IOException {
        Files.createDirectory(directory);
        require("mount", "--bind", of.toString(), directory.toString());
        Mount mount = new Mount(directory);
        boolean done = run("mount", "-o", "remount,ro,bind", directory.toString());
        if (!done) {
            mount.close();
        }
        assumeTrue(done, "a bind mount cannot be made read-only here");
        return mount;
    }

    private static void require(String... command) {
        boolean done = run(command);
        if (!done) {
            System.out.println("skipped: not allowed here: " + String.join(" ", command));
        }
        assumeTrue(done, "not allowed here: " + String.join(" ", command));
    }

    private static boolean run(String... command) {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .onExit()
                            .join()
                            .exitValue()
                    == 0;
        } catch (IOException _) {
            return false; // no such program
        }
    }

    @Override
    public void close() {
        boolean _ = run("umount", directory.toString());
    }
}
