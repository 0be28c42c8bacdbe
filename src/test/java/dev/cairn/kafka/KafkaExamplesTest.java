package dev.cairn.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Properties;

/** Guards the examples of this package's documentation: they must compile and run. */
class KafkaExamplesTest {
    @TempDir Path directory;

    private Properties configuration() {
        Properties configuration = new Properties();
        configuration.put(StreamsConfig.APPLICATION_ID_CONFIG, "example");
        configuration.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
        configuration.put(StreamsConfig.STATE_DIR_CONFIG, directory.toString());
        configuration.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        configuration.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        return configuration;
    }

    private static void pipe(TopologyTestDriver driver, String topic, String key, String value) {
        driver.createInputTopic(
                        topic,
                        new StringSerializer(),
                        new StringSerializer(),
                        Instant.ofEpochMilli(1000),
                        Duration.ZERO)
                .pipeInput(key, value);
    }

    @Test
    void materialized() {
        StreamsBuilder builder = new StreamsBuilder();
        // @start region="materialized"
        KTable<String, Long> counts =
                builder.<String, String>stream("words")
                        .groupBy((_, word) -> word)
                        .count(Materialized.as(CairnStores.keyValueStore("counts")));
        // @end
        counts.toStream().to("totals");
        try (TopologyTestDriver driver = new TopologyTestDriver(builder.build(), configuration())) {
            pipe(driver, "words", "", "stone");
            pipe(driver, "words", "", "stone");
            KeyValueStore<String, ValueAndTimestamp<Long>> store =
                    driver.getTimestampedKeyValueStore("counts");
            assertThat(store.get("stone")).isEqualTo(ValueAndTimestamp.make(2L, 1000));
        }
    }

    @Test
    void suppliers() {
        Properties configuration = configuration();
        // @start region="suppliers"
        configuration.put("dsl.store.suppliers.class", CairnDslStoreSuppliers.class.getName());
        configuration.put("cairn.max.bytes", 4L << 30); // of each store; unbounded unless set
        // @end
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>table(
                "users",
                Consumed.with(Serdes.String(), Serdes.String()),
                Materialized.as("users-store"));
        Topology topology = builder.build(configuration);
        try (TopologyTestDriver driver = new TopologyTestDriver(topology, configuration)) {
            pipe(driver, "users", "17", "Ada");
            assertThat(driver.getTimestampedKeyValueStore("users-store").get("17"))
                    .isEqualTo(ValueAndTimestamp.make("Ada", 1000));
            assertThat(directory.resolve("example/0_0/cairn/users-store/store.cairn")).exists();
        }
    }

    @Test
    void openReadOnly() {
        StreamsBuilder builder = new StreamsBuilder();
        // @start region="globalTable"
        builder.globalTable(
                "users",
                Materialized.<String, String>as(CairnStores.globalKeyValueStore("users-table"))
                        .withCachingDisabled()); // or its writes wait for a commit
        // @end
        try (TopologyTestDriver driver = new TopologyTestDriver(builder.build(), configuration())) {
            pipe(driver, "users", "17", "Ada");
            driver.advanceWallClockTime(Duration.ofMinutes(5)); // commits
            Path stateDir = directory;
            // @start region="openReadOnly"
            Path file = CairnStores.globalStoreFile(stateDir, "example", "users-table");
            try (CairnTable<String, String> users =
                    CairnStores.openReadOnly(file, Serdes.String(), Serdes.String())) {
                String name = users.get("17"); // null when absent
                // @end
                assertThat(name).isEqualTo("Ada");
                assertThat(users.getWithTimestamp("17"))
                        .isEqualTo(ValueAndTimestamp.make("Ada", 1000));
                assertThat(users.get("18")).isNull();
                pipe(driver, "users", "17", "Grace");
                assertThat(users.get("17")).isEqualTo("Grace");
                assertThat(users.size()).isOne();
                assertThat(users.refresh()).isFalse();
            }
        }
    }
}
