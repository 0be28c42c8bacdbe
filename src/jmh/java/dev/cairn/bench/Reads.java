package dev.cairn.bench;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * The ways of reading, side by side: one key at a time, many at once, into memory of the caller,
 * and without a copy. The figures are nanoseconds a key. Each way looks at one byte of the value.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(Reads.AT_ONCE)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 2,
        jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-Xms2g", "-Xmx2g"})
public class Reads {
    static final int AT_ONCE = 64;

    private static final int KEY_BYTES = 16;

    /** A store and the keys in it. */
    @State(Scope.Benchmark)
    public static class Entries {
        @Param("1000000")
        int count;

        @Param("100")
        int valueBytes;

        /** Whether the store evicts, and so marks and counts its reads. Nothing is evicted here. */
        @Param("false")
        boolean evicting;

        byte[][] keys;
        Path directory;
        CairnStore store;

        @Setup(Level.Trial)
        public void fill() throws IOException {
            directory = Files.createTempDirectory(Path.of("target"), "bench");
            Options options = Options.defaults();
            if (evicting) {
                long bytes = 2L * count * (KEY_BYTES + valueBytes) + (64 << 20);
                options = options.withMaxBytes(bytes).withEviction(true);
            }
            store = Cairn.open(directory.resolve("bench.cairn"), options);
            keys = new byte[count][];
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < count; i++) {
                keys[i] = new byte[KEY_BYTES];
                random.nextBytes(keys[i]);
                store.put(keys[i], new byte[valueBytes]);
            }
        }

        @TearDown(Level.Trial)
        public void close() throws IOException {
            store.close();
            try (var files = Files.walk(directory)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** A thread's choice of keys, and its memory. */
    @State(Scope.Thread)
    public static class Choice {
        private final SplittableRandom random = new SplittableRandom();
        private final List<byte[]> keys = new ArrayList<>(AT_ONCE);
        MemorySegment target;

        @Setup(Level.Trial)
        public void allocate(Entries entries) {
            target = MemorySegment.ofArray(new byte[entries.valueBytes]);
        }

        List<byte[]> keys(Entries entries) {
            keys.clear();
            for (int i = 0; i < AT_ONCE; i++) {
                keys.add(entries.keys[random.nextInt(entries.count)].clone());
            }
            return keys;
        }
    }

    @Benchmark
    public void get(Entries entries, Choice choice, Blackhole sink) {
        for (byte[] key : choice.keys(entries)) {
            sink.consume(entries.store.get(key)[0]);
        }
    }

    @Benchmark
    public void getAll(Entries entries, Choice choice, Blackhole sink) {
        for (byte[] value : entries.store.getAll(choice.keys(entries))) {
            sink.consume(value[0]);
        }
    }

    @Benchmark
    public void getIntoMemory(Entries entries, Choice choice, Blackhole sink) {
        for (byte[] key : choice.keys(entries)) {
            sink.consume(entries.store.get(key, choice.target));
            sink.consume(choice.target.get(ValueLayout.JAVA_BYTE, 0));
        }
    }

    @Benchmark
    public void read(Entries entries, Choice choice, Blackhole sink) {
        for (byte[] key : choice.keys(entries)) {
            byte first = entries.store.read(key, value -> value.get(ValueLayout.JAVA_BYTE, 0));
            sink.consume(first);
        }
    }
}
