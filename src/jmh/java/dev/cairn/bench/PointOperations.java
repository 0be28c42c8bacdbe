package dev.cairn.bench;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.bench.processes.Scratch;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

import java.io.IOException;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;

/**
 * Random reads and overwrites of a store of small entries, beside a map on the heap that copies the
 * value as a store must. The figures are nanoseconds an operation, for one thread unless {@code -t}
 * says more.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(
        value = 2,
        jvmArgsAppend = {
            "--enable-native-access=ALL-UNNAMED",
            "-Xms3g",
            "-Xmx3g",
            "-Xmn512m",
            "-XX:+AlwaysPreTouch"
        })
public class PointOperations {
    private static final int KEY_BYTES = 16;
    private static final int VALUE_BYTES = 100;

    /** What is measured. */
    interface Subject extends AutoCloseable {
        byte[] get(byte[] key);

        void put(byte[] key, byte[] value);

        @Override
        void close() throws IOException;
    }

    /** The entries, and whatever holds them. */
    @State(Scope.Benchmark)
    public static class Entries {
        @Param({"cairn", "ConcurrentHashMap"})
        String store;

        @Param("1000000")
        int count;

        byte[][] keys;
        Subject subject;

        @Setup(Level.Trial)
        public void fill() throws IOException {
            subject = store.equals("cairn") ? new CairnSubject() : new HeapSubject();
            keys = new byte[count][];
            SplittableRandom random = new SplittableRandom(1);
            for (int i = 0; i < count; i++) {
                keys[i] = new byte[KEY_BYTES];
                random.nextBytes(keys[i]);
                subject.put(keys[i], new byte[VALUE_BYTES]);
            }
        }

        @TearDown(Level.Trial)
        public void close() throws IOException {
            subject.close();
        }
    }

    /** A thread's choice of keys. */
    @State(Scope.Thread)
    public static class Choice {
        final SplittableRandom random = new SplittableRandom();
        final byte[] value = new byte[VALUE_BYTES];
        int last;

        /**
         * A new copy of a key, as a caller has it, and not the array with which the map was filled.
         */
        byte[] key(Entries entries) {
            return entries.keys[random.nextInt(entries.count)].clone();
        }
    }

    @Benchmark
    public byte[] get(Entries entries, Choice choice) {
        return entries.subject.get(choice.key(entries));
    }

    /**
     * The value that was read decides which key is next. So no two reads overlap, and this is the
     * latency.
     */
    @Benchmark
    public byte[] getDependent(Entries entries, Choice choice) {
        int index = choice.random.nextInt(entries.count) ^ choice.last;
        byte[] value = entries.subject.get(entries.keys[index].clone());
        choice.last = value[VALUE_BYTES / 2]; // 0, which only the value can tell
        return value;
    }

    @Benchmark
    public byte[] miss(Entries entries, Choice choice) {
        byte[] key = choice.key(entries);
        key[0]++;
        return entries.subject.get(key);
    }

    @Benchmark
    public void put(Entries entries, Choice choice) {
        entries.subject.put(choice.key(entries), choice.value);
    }

    private static final class CairnSubject implements Subject {
        private final Scratch scratch;
        private final CairnStore store;

        CairnSubject() throws IOException {
            scratch = Scratch.create("points");
            store = Cairn.open(scratch.path().resolve("bench.cairn"));
        }

        @Override
        public byte[] get(byte[] key) {
            return store.get(key);
        }

        @Override
        public void put(byte[] key, byte[] value) {
            store.put(key, value);
        }

        @Override
        public void close() throws IOException {
            store.close();
            scratch.close();
        }
    }

    private static final class HeapSubject implements Subject {
        private final ConcurrentMap<HeapKey, byte[]> map = new ConcurrentHashMap<>();

        @Override
        public byte[] get(byte[] key) {
            byte[] value = map.get(new HeapKey(key));
            return value == null ? null : value.clone();
        }

        @Override
        public void put(byte[] key, byte[] value) {
            map.put(new HeapKey(key.clone()), value.clone());
        }

        @Override
        public void close() {
            map.clear();
        }
    }
}
