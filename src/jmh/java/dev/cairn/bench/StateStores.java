package dev.cairn.bench;

import dev.cairn.bench.processes.Scratch;
import dev.cairn.kafka.CairnStores;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.processor.TaskId;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
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

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Properties;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/**
 * A state store of Kafka Streams in Cairn beside the built-in one in RocksDB. Both are called as
 * Kafka Streams calls them: from one thread, with a commit each 100 ms, which is the default under
 * {@code exactly_once_v2}. The figures are nanoseconds an operation.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 3)
@Measurement(iterations = 5, time = 3)
@Fork(
        value = 2,
        jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-Xms2g", "-Xmx2g"})
@State(Scope.Thread)
public class StateStores {
    private static final TopicPartition CHANGELOG = new TopicPartition("changelog", 0);
    private static final int COUNT = 1_000_000;
    private static final int VALUE_BYTES = 100;
    private static final long COMMIT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** How many puts are made between two looks at the clock. */
    private static final int PUTS_A_LOOK = 64;

    @Param({"cairn", "rocksdb"})
    String engine;

    private final SplittableRandom random = new SplittableRandom(1);
    private Scratch scratch;
    private KeyValueStore<Bytes, byte[]> store;
    private long puts;
    private long committed;

    @Setup(Level.Trial)
    public void fill() throws IOException {
        scratch = Scratch.create("state-stores");
        MockProcessorContext<Object, Object> context =
                new MockProcessorContext<>(
                        new Properties(), new TaskId(0, 0), scratch.path().toFile());
        store =
                engine.equals("cairn")
                        ? CairnStores.plainKeyValueStore("state").get()
                        : Stores.persistentKeyValueStore("state").get();
        store.init(context.getStateStoreContext(), store);
        for (int i = 0; i < COUNT; i++) {
            store.put(key(i), new byte[VALUE_BYTES]);
        }
        store.commit(Map.of(CHANGELOG, 0L));
        committed = System.nanoTime();
    }

    @TearDown(Level.Trial)
    public void close() throws IOException {
        store.close();
        scratch.close();
    }

    /** A key of 16 bytes, in no order. */
    private static Bytes key(long number) {
        return Bytes.wrap(
                ByteBuffer.allocate(16)
                        .putLong(number * 0x9E3779B97F4A7C15L)
                        .putLong(number)
                        .array());
    }

    private Bytes someKey() {
        return key(random.nextInt(COUNT));
    }

    private void commitIfDue() {
        if (++puts % PUTS_A_LOOK == 0 && System.nanoTime() - committed > COMMIT_NANOS) {
            store.commit(Map.of(CHANGELOG, puts));
            committed = System.nanoTime();
        }
    }

    @Benchmark
    public byte[] get() {
        return store.get(someKey());
    }

    @Benchmark
    public void put() {
        store.put(someKey(), new byte[VALUE_BYTES]);
        commitIfDue();
    }

    /** Does what an aggregation does with each record. */
    @Benchmark
    public void readAndPut() {
        Bytes key = someKey();
        byte[] value = store.get(key);
        value[0]++;
        store.put(key, value);
        commitIfDue();
    }

    /**
     * Walks over all entries of a store in the order of their keys. The figure is nanoseconds for
     * each entry.
     */
    @Benchmark
    @OperationsPerInvocation(COUNT)
    public long all() {
        long bytes = 0;
        try (KeyValueIterator<Bytes, byte[]> entries = store.all()) {
            while (entries.hasNext()) {
                bytes += entries.next().value.length;
            }
        }
        return bytes;
    }
}
