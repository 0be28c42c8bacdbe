package dev.cairn.bench;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Stats;
import dev.cairn.bench.processes.Arguments;
import dev.cairn.bench.processes.Scratch;
import dev.cairn.bench.report.Figure;
import dev.cairn.bench.report.Results;
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
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * What checkpoints cost, and what opening costs after a failure. This is a program rather than a
 * JMH benchmark, since each figure belongs to a whole run. Each argument has a default: {@code
 * entries=1000000} with 16-byte keys and 100-byte values, {@code rounds=15} of checkpoints, {@code
 * seconds=10} of writing, {@code directory=target}, and {@code json}, a file for the figures.
 */
public final class Checkpoints {
    private static final int VALUE_BYTES = 100;
    private static final int REBUILDS = 5;
    private static final String KILLED = "killed";
    private static final Duration BETWEEN = Duration.ofMillis(200);
    private static final Options MANUAL = Options.defaults().withManualCheckpoints();

    private final Path directory;
    private final int entries;
    private final int rounds;
    private final Duration writing;
    private final SplittableRandom random = new SplittableRandom(7);
    private final List<Figure> figures = new ArrayList<>();

    private Checkpoints(Path directory, int entries, int rounds, Duration writing) {
        this.directory = directory;
        this.entries = entries;
        this.rounds = rounds;
        this.writing = writing;
    }

    public static void main(String[] arguments) throws Exception {
        Arguments given = new Arguments(arguments);
        int entries = given.takeInt("entries", 1_000_000);
        int rounds = given.takeInt("rounds", 15);
        int seconds = given.takeInt("seconds", 10);
        Path parent = Path.of(given.take("directory", "target"));
        String json = given.take("json", "");
        Optional<String> killed = given.take(KILLED);
        given.requireNoMore();
        if (killed.isPresent()) {
            fillAndWait(Path.of(killed.get()), entries);
            return;
        }
        try (Scratch scratch = Scratch.create(parent, "checkpoints")) {
            Duration writing = Duration.ofSeconds(seconds);
            Checkpoints run = new Checkpoints(scratch.path(), entries, rounds, writing);
            run.run();
            if (!json.isEmpty()) {
                Map<String, String> how = Map.of("arguments", String.join(" ", arguments));
                new Results("checkpoints", how, run.figures).write(Path.of(json));
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

    private void add(String what, String contender, List<Double> millis) {
        figures.add(new Figure(what, contender, "ms", millis, 0));
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
        for (int round = 0; round < rounds; round++) {
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
        String what = String.format(Locale.ROOT, "%,d overwrites", writes);
        add(what, "Cairn, checkpoint", ours);
        add(what, "dense force of as many bytes", raw);
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
        long end = System.nanoTime() + writing.toNanos();
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

    /**
     * Opens the store without its shared memory and as if in another boot. That is like after a
     * power failure, but with a warm cache.
     */
    private void rebuild(Path file) throws IOException {
        List<Double> millis = new ArrayList<>();
        for (int round = 0; round < REBUILDS; round++) {
            Files.delete(file.resolveSibling(file.getFileName() + "-shm"));
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                byte[] block = new OpenBlock(UUID.randomUUID(), UUID.randomUUID()).encode();
                channel.write(ByteBuffer.wrap(block), DataHeader.OPEN_BLOCK_AT);
            }
            try (CairnStore store = Cairn.open(file, MANUAL)) {
                Recovery recovery = store.recovery();
                millis.add(recovery.time().toNanos() / 1e6);
                System.out.printf(
                        "rebuild: %,d entries, %,d bytes of log in %.0f ms: %.2f million entries a second%n",
                        recovery.entries(),
                        recovery.bytes(),
                        recovery.time().toNanos() / 1e6,
                        recovery.entries() * 1e3 / recovery.time().toNanos());
            }
        }
        add(String.format(Locale.ROOT, "power failure, %,d entries", entries), "Cairn", millis);
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
                                    "entries=" + count,
                                    KILLED + "=" + file)
                            .redirectError(ProcessBuilder.Redirect.INHERIT)
                            .start();
            int ready = child.getInputStream().read();
            child.destroyForcibly().waitFor();
            long start = System.nanoTime();
            try (CairnStore store = Cairn.open(file)) {
                double millis = (System.nanoTime() - start) / 1e6;
                add(
                        String.format(Locale.ROOT, "kill of all, %,d entries", count),
                        "Cairn",
                        List.of(millis));
                System.out.printf(
                        "open after the kill of all, %,d entries (%c): %.1f ms, %s; a read of the first entry: %s%n",
                        store.size(),
                        ready,
                        millis,
                        store.recovery(),
                        Arrays.equals(store.get(key(0)), new byte[VALUE_BYTES]));
            }
        }
    }

    /**
     * Fills a store while checkpoints are made in the background, and goes on writing until it is
     * killed.
     */
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
