package dev.cairn.bench.messages;

import dev.cairn.bench.processes.Scratch;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where two ends meet. Nothing of it is there before or afterwards.
 *
 * @param disk a directory for the ends alone
 * @param memory a directory for the ends alone, in shared memory
 */
record Places(Path disk, Path memory) {
    static final Path SHARED_MEMORY = Path.of("/dev/shm");

    /** The id of the process that made the directory follows this. */
    static final String MEMORY_PREFIX = "cairn-messages-";

    /**
     * The names of the directions: from the first process to the second, and the other way round.
     */
    private static final String THERE = "there";

    private static final String BACK = "back";

    static Places create(Path directory) throws IOException {
        Files.createDirectories(directory);
        return new Places(
                Files.createTempDirectory(directory, "messages"),
                Files.createTempDirectory(
                        SHARED_MEMORY, MEMORY_PREFIX + ProcessHandle.current().pid() + "-"));
    }

    void makeFifos() throws IOException {
        Posix.makeFifo(fifo(true));
        Posix.makeFifo(fifo(false));
    }

    Path fifo(boolean there) {
        return disk.resolve(there ? THERE : BACK);
    }

    String queue(boolean there) {
        return "/" + memory.getFileName() + "-" + (there ? THERE : BACK);
    }

    UnixDomainSocketAddress socket() {
        return UnixDomainSocketAddress.of(disk.resolve("socket"));
    }

    Path ring() {
        return memory.resolve("ring");
    }

    Path store(boolean shared) {
        return (shared ? memory : disk).resolve("store.cairn");
    }

    /** Where strace counts calls. */
    Path calls(boolean first) {
        return disk.resolve(first ? "calls-first" : "calls-second");
    }

    void remove() throws IOException {
        Scratch.delete(disk);
        Scratch.delete(memory);
        Posix.removeQueue(queue(true));
        Posix.removeQueue(queue(false));
    }
}
