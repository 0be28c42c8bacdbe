package dev.cairn.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Options;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.processor.internals.metrics.StreamsMetricsImpl;
import org.apache.kafka.streams.processor.internals.metrics.ThreadMetrics;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.test.InternalMockProcessorContext;
import org.apache.kafka.test.MockRecordCollector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ConcurrentModificationException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.function.Consumer;

/** Attacks what a store keeps of the commits that Kafka Streams does not report to it. */
class ThreadCommitsTest {
    private static final TopicPartition CHANGELOG =
            new TopicPartition("application-counts-changelog", 0);
    private static final Options EACH_COMMIT =
            Options.defaults().withCheckpointEvery(Duration.ofNanos(1));

    @TempDir Path directory;

    private final Map<TopicPartition, Long> acknowledged = new HashMap<>();
    private boolean beingChanged;
    private String guarantee = StreamsConfig.EXACTLY_ONCE_V2;
    private StreamsMetricsImpl metrics;

    private final class Collector extends MockRecordCollector {
        @Override
        public Map<TopicPartition, Long> offsets() {
            if (beingChanged) {
                throw new ConcurrentModificationException();
            }
            return Map.copyOf(acknowledged);
        }
    }

    private KeyValueStore<Bytes, byte[]> open(Options options) {
        Properties configuration = new Properties();
        configuration.put(StreamsConfig.APPLICATION_ID_CONFIG, "application");
        configuration.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
        configuration.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee);
        metrics = new StreamsMetricsImpl(new Metrics(), "process", Time.SYSTEM);
        Collector collector = new Collector();
        ThreadMetrics.commitSensor(Thread.currentThread().getName(), metrics);
        KeyValueStore<Bytes, byte[]> store =
                CairnStores.plainKeyValueStore("counts", options).get();
        store.init(
                new InternalMockProcessorContext<>(
                        directory.toFile(),
                        null,
                        null,
                        metrics,
                        new StreamsConfig(configuration),
                        () -> collector,
                        null,
                        Time.SYSTEM),
                store);
        Long _ = store.committedOffset(CHANGELOG); // Kafka asks first
        return store;
    }

    /** Commits everything that the thread wrote, the last of it at that offset. */
    private void commit(long offset) {
        acknowledged.put(CHANGELOG, offset);
        ThreadMetrics.commitSensor(Thread.currentThread().getName(), metrics).record(1);
    }

    private static void put(KeyValueStore<Bytes, byte[]> store, String key, String value) {
        store.put(key(key), value.getBytes(UTF_8));
    }

    private static Bytes key(String text) {
        return Bytes.wrap(text.getBytes(UTF_8));
    }

    private void assertKept(KeyValueStore<Bytes, byte[]> store, Long offset, String value) {
        store.close();
        KeyValueStore<Bytes, byte[]> again = open(EACH_COMMIT);
        assertThat(again.committedOffset(CHANGELOG)).isEqualTo(offset);
        byte[] found = again.get(key("a"));
        assertThat(found == null ? null : new String(found, UTF_8)).isEqualTo(value);
        again.close();
    }

    @Test
    void aCommitThatAWriteFollowsIsKept() {
        KeyValueStore<Bytes, byte[]> store = open(EACH_COMMIT);
        put(store, "a", "1");
        commit(7);
        put(store, "a", "2");
        put(store, "a", "3");
        assertKept(store, 7L, "1");
    }

    @Test
    void eachWayToWriteKeepsTheCommitBefore() {
        List<Consumer<KeyValueStore<Bytes, byte[]>>> ways =
                List.of(
                        store -> put(store, "b", "2"),
                        store -> store.putAll(List.of(KeyValue.pair(key("b"), new byte[1]))),
                        store -> assertThat(store.putIfAbsent(key("c"), new byte[1])).isNull(),
                        store -> assertThat(store.delete(key("a"))).isNotNull());
        for (int i = 0; i < ways.size(); i++) {
            KeyValueStore<Bytes, byte[]> store = open(EACH_COMMIT);
            put(store, "a", "1." + i);
            commit(i);
            ways.get(i).accept(store);
            assertKept(store, (long) i, "1." + i);
        }
    }

    @Test
    void aCommitBeforeTheFirstWriteSaysNothing() {
        KeyValueStore<Bytes, byte[]> store = open(EACH_COMMIT);
        commit(7);
        put(store, "a", "1");
        put(store, "a", "2");
        assertKept(store, null, null);
    }

    @Test
    void aCommitIsPassedOverWhereItsOffsetIsNotKnown() {
        KeyValueStore<Bytes, byte[]> store = open(EACH_COMMIT);
        put(store, "a", "1");
        beingChanged = true;
        commit(7);
        put(store, "a", "2");
        beingChanged = false;
        put(store, "a", "3"); // no commit came between
        store.close();
        store = open(EACH_COMMIT);
        put(store, "a", "1");
        commit(8);
        acknowledged.clear();
        put(store, "a", "2");
        assertKept(store, null, null);
    }

    /** What was written to that topic may not have been read from it yet. */
    @Test
    void aTableOfTheTopicThatItIsReadFromKeepsNoCommitThatItIsNotToldOf() {
        KeyValueStore<Bytes, byte[]> store = open(EACH_COMMIT);
        TopicPartition source = new TopicPartition("table", 0);
        assertThat(store.committedOffset(source)).isNull();
        put(store, "a", "1");
        acknowledged.put(source, 9L);
        commit(7);
        put(store, "a", "2");
        assertKept(store, null, null);
    }

    @Test
    void commitsAreKeptNoMoreOftenThanIsAskedFor() {
        KeyValueStore<Bytes, byte[]> store =
                open(Options.defaults().withCheckpointEvery(Duration.ofHours(1)));
        for (int i = 0; i < 3; i++) {
            put(store, "a", "1." + i);
            commit(i);
        }
        assertKept(store, 0L, "1.0");
    }

    @Test
    void whereCheckpointsAreManualNoCommitIsLookedFor() {
        KeyValueStore<Bytes, byte[]> store = open(Options.defaults().withManualCheckpoints());
        put(store, "a", "1");
        commit(7);
        put(store, "a", "2");
        assertKept(store, null, null);
    }

    @Test
    void whereKafkaTellsOfCommitsNoneIsLookedFor() {
        guarantee = StreamsConfig.AT_LEAST_ONCE;
        KeyValueStore<Bytes, byte[]> store = open(EACH_COMMIT);
        put(store, "a", "1");
        commit(7);
        put(store, "a", "2");
        assertKept(store, null, null);
    }
}
