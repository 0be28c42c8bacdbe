package dev.cairn.bench;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Stats;
import dev.cairn.format.DataHeader;
import dev.cairn.format.OpenBlock;

import org.HdrHistogram.Histogram;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What checkpoints cost, and what opening costs behind a failure; a program rather than a JMH
 * benchmark, since each figure is of a whole run. One argument: entries, of 16-byte keys and 100-byte
 * values (1 million).
 */
public final class Checkpoints {
    private static final int VALUE_BYTES = 100;
    private static final int ROUNDS = 15;
    private static final Duration WRITING = Duration.ofSeconds(10);
    private static final Duration BETWEEN = Duration.ofMillis(200);
    private static final Options MANUAL = Options.defaults().withManualCheckpoints();

    private final Path directory;
    private final int entries;
    private final SplittableRandom random = new SplittableRandom(7);

    private Checkpoints(Path directory, int entries) {
        this.directory = directory;
        this.entries = entries;
    }

    public static void main(String[] arguments) throws Exception {
        int entries = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 1_000_000;
        if (arguments.length > 1) {
            fillAndWait(Path.of(arguments[1]), entries);
            return;
        }
        Path directory = Files.createTempDirectory(Path.of("target"), "checkpoints");
        try {
            new Checkpoints(directory, entries).run();
        } finally {
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    private void run() throws Exception {
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = Cairn.open(file, MANUAL)) {
            fill(store, entries);
            store.checkpoint();
            for (int writes : new int[] {1_000, 100_000}) {
                checkpointsBesideDenseForces(store, writes);
            }
            writerLatency(store);
        }
        rebuild(file);
        openAfterKill();
    }

    private static void fill(CairnStore store, int entries) {
        for (int i = 0; i < entries; i++) {
            store.put(key(i), new byte[VALUE_BYTES]);
        }
    }

    private static byte[] key(long i) {
        return ByteBuffer.allocate(16).putLong(i * 0x9E37_79B9_7F4A_7C15L).putLong(i).array();
    }

    private void checkpointsBesideDenseForces(CairnStore store, int writes) throws IOException {
        List<Double> ours = new ArrayList<>();
        List<Double> raw = new ArrayList<>();
        long bytes = writes * 144L;
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < writes; i++) {
                store.put(key(random.nextInt(entries)), new byte[VALUE_BYTES]);
            }
            long start = System.nanoTime();
            store.checkpoint();
            ours.add((System.nanoTime() - start) / 1e6);
            raw.add(denseForce(bytes));
        }
        System.out.printf(
                "checkpoint after %,d overwrites: median %.2f ms; dense force of %,d bytes: %.2f ms; ratio %.2f%n",
                writes, median(ours), bytes, median(raw), median(ours) / median(raw));
    }

    private double denseForce(long bytes) throws IOException {
        Path file = directory.resolve("dense");
        try (Arena arena = Arena.ofShared();
                FileChannel channel =
                        FileChannel.open(
                                file,
                                StandardOpenOption.CREATE_NEW,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE)) {
            ByteBuffer zeros = ByteBuffer.allocateDirect(4096);
            for (long at = 0; at < bytes; at += 4096) {
                zeros.clear();
                channel.write(zeros, at);
            }
            channel.force(true);
            MemorySegment mapped = channel.map(MapMode.READ_WRITE, 0, bytes, arena);
            mapped.fill((byte) 1);
            long start = System.nanoTime();
            mapped.force();
            return (System.nanoTime() - start) / 1e6;
        } finally {
            Files.delete(file);
        }
    }

    private static double median(List<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        return sorted[sorted.length / 2];
    }

    private void writerLatency(CairnStore store) throws InterruptedException {
        Histogram without = writeFor(store, null);
        Stats before = store.stats();
        Histogram with = writeFor(store, BETWEEN);
        Stats after = store.stats();
        System.out.printf(
                "put while nobody checkpoints: %s%nput while one checkpoints every %d ms: %s%n"
                        + "checkpoints: %d, the longest cut so far %.1f us%n",
                describe(without),
                BETWEEN.toMillis(),
                describe(with),
                after.checkpoints() - before.checkpoints(),
                after.longestCutNanos() / 1e3);
    }

    private Histogram writeFor(CairnStore store, Duration between) throws InterruptedException {
        AtomicBoolean done = new AtomicBoolean();
        Thread checkpointer =
                Thread.ofPlatform()
                        .start(() -> {
                            while (between != null && !done.get()) {
                                store.checkpoint();
                                sleep(between);
                            }
                        });
        Histogram latency = new Histogram(TimeUnit.SECONDS.toNanos(10), 3);
        long end = System.nanoTime() + WRITING.toNanos();
        while (System.nanoTime() < end) {
            byte[] key = key(random.nextInt(entries));
            byte[] value = new byte[VALUE_BYTES];
            long start = System.nanoTime();
            store.put(key, value);
            latency.recordValue(System.nanoTime() - start);
        }
        done.set(true);
        checkpointer.join();
        return latency;
    }

    private static void sleep(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String describe(Histogram latency) {
        return "%,d writes, mean %.2f us, p50 %.1f, p99 %.1f, p99.9 %.1f, p99.99 %.1f, max %.0f us"
                .formatted(
                        latency.getTotalCount(),
                        latency.getMean() / 1e3,
                        latency.getValueAtPercentile(50) / 1e3,
                        latency.getValueAtPercentile(99) / 1e3,
                        latency.getValueAtPercentile(99.9) / 1e3,
                        latency.getValueAtPercentile(99.99) / 1e3,
                        latency.getMaxValue() / 1e3);
    }

    /** Without its shared memory and of another boot: as after a power failure, in a warm cache. */
    private static void rebuild(Path file) throws IOException {
        for (int round = 0; round < 5; round++) {
            Files.delete(file.resolveSibling(file.getFileName() + "-shm"));
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                byte[] block = new OpenBlock(UUID.randomUUID(), UUID.randomUUID()).encode();
                channel.write(ByteBuffer.wrap(block), DataHeader.OPEN_BLOCK_AT);
            }
            try (CairnStore store = Cairn.open(file, MANUAL)) {
                Recovery recovery = store.recovery();
                System.out.printf(
                        "rebuild: %,d entries, %,d bytes of log in %.0f ms: %.2f million entries a second%n",
                        recovery.entries(),
                        recovery.bytes(),
                        recovery.time().toNanos() / 1e6,
                        recovery.entries() * 1e3 / recovery.time().toNanos());
            }
        }
    }

    private void openAfterKill() throws Exception {
        for (int count : new int[] {entries / 10, entries, 4 * entries}) {
            Path file = directory.resolve("killed" + count);
            Process child =
                    new ProcessBuilder(
                                    ProcessHandle.current().info().command().orElseThrow(),
                                    "--enable-native-access=ALL-UNNAMED",
                                    "-cp",
                                    System.getProperty("java.class.path"),
                                    Checkpoints.class.getName(),
                                    Integer.toString(count),
                                    file.toString())
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            int ready = child.getInputStream().read();
            child.destroyForcibly().waitFor();
            long start = System.nanoTime();
            try (CairnStore store = Cairn.open(file)) {
                System.out.printf(
                        "open after the kill of all, %,d entries (%c): %.1f ms, %s; a read of the first entry: %s%n",
                        store.size(),
                        ready,
                        (System.nanoTime() - start) / 1e6,
                        store.recovery(),
                        Arrays.equals(store.get(key(0)), new byte[VALUE_BYTES]));
            }
        }
    }

    /** Fills a store with checkpoints in the background, and writes on until it is killed. */
    private static void fillAndWait(Path file, int entries) {
        CairnStore store = Cairn.open(file);
        fill(store, entries);
        System.out.write('!');
        System.out.flush();
        SplittableRandom random = new SplittableRandom(3);
        while (true) {
            store.put(key(1 + random.nextInt(entries - 1)), new byte[VALUE_BYTES]);
        }
    }
}
