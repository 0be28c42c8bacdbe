package dev.cairn;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A file system that is there for one test. Where mounting is not allowed, the test is skipped,
 * visibly.
 */
final class Mount implements AutoCloseable {
    private final Path directory;

    private Mount(Path directory) {
        this.directory = directory;
    }

    Path directory() {
        return directory;
    }

    /** Mounts a file system of that size in memory. */
    static Mount memory(Path directory, String size) {
        require("mount", "-t", "tmpfs", "-o", "size=" + size, "none", directory.toString());
        return new Mount(directory);
    }

    /**
     * Mounts a file system in memory, with that size and room for so many files and directories.
     */
    static Mount memory(Path directory, String size, int inodes) {
        String options = "size=" + size + ",nr_inodes=" + inodes;
        require("mount", "-t", "tmpfs", "-o", options, "none", directory.toString());
        return new Mount(directory);
    }

    /** Gives a file system in memory more room. */
    void enlarge(String size, int inodes) {
        String options = "remount,size=" + size + ",nr_inodes=" + inodes;
        require("mount", "-o", options, directory.toString());
    }

    /**
     * Mounts an ext4 without a journal that lies in a file. The file's own file system may lack
     * blocks for it.
     */
    static Mount image(Path image, long bytes, Path directory) throws IOException {
        Files.createDirectory(directory);
        require("truncate", "-s", Long.toString(bytes), image.toString());
        require("mkfs.ext4", "-q", "-F", "-O", "^has_journal", image.toString());
        require("mount", "-o", "loop,errors=continue", image.toString(), directory.toString());
        return new Mount(directory);
    }

    /** Mounts a directory a second time, so that nothing can be written through the new place. */
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
            return false; // there is no such program
        }
    }

    @Override
    public void close() {
        boolean _ = run("umount", directory.toString());
    }
}
