package dev.cairn.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.ValueJoiner;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers.RocksDBDslStoreSuppliers;
import org.apache.kafka.streams.state.DslStoreSuppliers;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.apache.kafka.streams.test.TestRecord;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.SplittableRandom;

/**
 * Attacks tables, aggregations and joins of the DSL over Cairn, which one line of the configuration
 * chooses. The results must be those of the built-in stores.
 */
class DslTest {
    private static final String SEED = "cairn.seed";
    private static final int RECORDS = 400;
    private static final int KEYS = 40;
    private static final List<String> STORES = List.of("left", "right", "joined", "counts");

    private static final ValueJoiner<String, String, String> BOTH =
            (one, other) -> one + "+" + other;

    @TempDir Path directory;

    /** What came out, and what the stores held at the end. Each entry has its timestamp. */
    private record Outcome(List<TestRecord<String, String>> records, List<String> stored) {}

    private Properties configuration(Class<? extends DslStoreSuppliers> stores) {
        Properties configuration = new Properties();
        configuration.put(StreamsConfig.APPLICATION_ID_CONFIG, "application");
        configuration.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
        configuration.put(
                StreamsConfig.STATE_DIR_CONFIG,
                directory.resolve(stores.getSimpleName()).toString());
        configuration.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        configuration.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        configuration.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG, stores);
        return configuration;
    }

    private static Topology topology(Properties configuration) {
        StreamsBuilder builder = new StreamsBuilder();
        KTable<String, String> left = builder.table("left", Materialized.as("left"));
        KTable<String, String> right = builder.table("right", Materialized.as("right"));
        left.outerJoin(right, BOTH, Materialized.as("joined")).toStream().to("out");
        left.leftJoin(right, value -> value.substring(0, 2), BOTH).toStream().to("out");
        KStream<String, String> events = builder.stream("events");
        events.leftJoin(left, BOTH).to("out");
        events.groupBy((_, value) -> value)
                .count(Materialized.as("counts"))
                .toStream()
                .mapValues(count -> "count " + count)
                .to("out");
        events.groupByKey()
                .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofSeconds(10)))
                .count()
                .toStream()
                .map((window, count) -> KeyValue.pair(window.key(), "window " + count))
                .to("out");
        events.outerJoin(
                        events.mapValues(value -> "late " + value),
                        BOTH,
                        JoinWindows.ofTimeDifferenceWithNoGrace(Duration.ofSeconds(1)))
                .to("out");
        return builder.build(configuration);
    }

    private Outcome run(Class<? extends DslStoreSuppliers> stores, int cacheBytes, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Properties configuration = configuration(stores);
        configuration.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, cacheBytes);
        try (TopologyTestDriver driver =
                new TopologyTestDriver(topology(configuration), configuration, Instant.EPOCH)) {
            List<TestInputTopic<String, String>> inputs =
                    List.of("left", "right", "events").stream()
                            .map(topic ->
                                    driver.createInputTopic(
                                            topic, new StringSerializer(), new StringSerializer()))
                            .toList();
            for (int i = 0; i < RECORDS; i++) {
                TestInputTopic<String, String> input = inputs.get(random.nextInt(inputs.size()));
                String key = "k" + (10 + random.nextInt(KEYS));
                String value = "k" + (10 + random.nextInt(KEYS)) + "." + i % 7;
                // Some come out of order. For a table, null removes.
                long timestamp = i * 100L + random.nextInt(1_000);
                boolean isRemoval = random.nextInt(8) == 0 && !input.equals(inputs.getLast());
                input.pipeInput(key, isRemoval ? null : value, timestamp);
            }
            List<String> stored = new ArrayList<>();
            for (String name : STORES) {
                KeyValueStore<String, ValueAndTimestamp<Object>> store =
                        driver.getTimestampedKeyValueStore(name);
                try (KeyValueIterator<String, ValueAndTimestamp<Object>> all = store.all()) {
                    all.forEachRemaining(each -> stored.add(name + ": " + each));
                }
            }
            return new Outcome(
                    driver.createOutputTopic(
                                    "out", new StringDeserializer(), new StringDeserializer())
                            .readRecordsToList(),
                    stored);
        }
    }

    /**
     * @param cacheBytes the size of Kafka's cache before the stores: none, or room for some entries
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 5_000})
    void theSameComesOutAsOfTheBuiltInStores(int cacheBytes) {
        long seed = Long.getLong(SEED, System.nanoTime());
        System.out.printf("DslTest: -D%s=%d%n", SEED, seed);
        Outcome expected = run(RocksDBDslStoreSuppliers.class, cacheBytes, seed);
        Outcome found = run(CairnDslStoreSuppliers.class, cacheBytes, seed);
        assertThat(expected.records()).hasSizeGreaterThan(RECORDS / 2);
        assertThat(expected.stored()).hasSizeGreaterThan(3 * KEYS);
        assertThat(found.records()).isEqualTo(expected.records());
        assertThat(found.stored()).isEqualTo(expected.stored());
    }
}
