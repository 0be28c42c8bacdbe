package dev.cairn.cli.bench;

import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;

/** Measures the smallest sync: how long the file system takes to make one page durable. */
final class DiskSync {
    private static final int PAGE_BYTES = 4_096;
    private static final int PAGES = 16;
    private static final int LEAST_TIMES = 3;

    /** File systems on which a sync returns at once, because nothing outlives the machine. */
    private static final Set<String> IN_MEMORY = Set.of("tmpfs", "ramfs");

    private DiskSync() {}

    /** The median time until one page of an existing file was written and synced. */
    static Duration median(Path file, Duration time) throws IOException {
        Histogram times = new Histogram(3);
        byte[] page = new byte[PAGE_BYTES];
        try (RandomAccessFile disk = new RandomAccessFile(file.toFile(), "rw")) {
            disk.write(new byte[PAGES * PAGE_BYTES]);
            disk.getFD().sync();
            long end = System.nanoTime() + time.toNanos();
            for (int i = 0; i < LEAST_TIMES || System.nanoTime() - end < 0; i++) {
                page[0] = (byte) i;
                disk.seek((long) i % PAGES * PAGE_BYTES);
                long start = System.nanoTime();
                disk.write(page);
                disk.getFD().sync();
                times.recordValue(System.nanoTime() - start);
            }
        }
        return Duration.ofNanos(times.getValueAtPercentile(50));
    }

    static String fileSystem(Path directory) throws IOException {
        return Files.getFileStore(directory).type();
    }

    static boolean isInMemory(String fileSystem) {
        return IN_MEMORY.contains(fileSystem);
    }
}
