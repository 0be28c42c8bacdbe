package dev.cairn.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.Options;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.DslStoreFormat;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.errors.InvalidStateStoreException;
import org.apache.kafka.streams.errors.ProcessorStateException;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.processor.TaskId;
import org.apache.kafka.streams.processor.api.MockProcessorContext;
import org.apache.kafka.streams.query.FailureReason;
import org.apache.kafka.streams.query.KeyQuery;
import org.apache.kafka.streams.query.Position;
import org.apache.kafka.streams.query.PositionBound;
import org.apache.kafka.streams.query.QueryConfig;
import org.apache.kafka.streams.query.QueryResult;
import org.apache.kafka.streams.query.RangeQuery;
import org.apache.kafka.streams.query.WindowKeyQuery;
import org.apache.kafka.streams.state.DslKeyValueParams;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * Attacks what Kafka Streams asks of a store beyond its own tests of stores: offsets, rollback, and
 * damage.
 */
class StateStoreTest {
    private static final TopicPartition FIRST = new TopicPartition("changelog", 0);
    private static final TopicPartition SECOND = new TopicPartition("changelog", 1);
    private static final PositionBound UNBOUNDED = PositionBound.unbounded();
    private static final QueryConfig PLAINLY = new QueryConfig(false);

    @TempDir Path directory;

    private final List<KeyValueStore<Bytes, byte[]>> opened = new ArrayList<>();
    private MockProcessorContext<Object, Object> context;

    private KeyValueStore<Bytes, byte[]> open(KeyValueBytesStoreSupplier supplier) {
        context =
                new MockProcessorContext<>(
                        new Properties(), new TaskId(0, 0), new File(directory.toString()));
        KeyValueStore<Bytes, byte[]> store = supplier.get();
        store.init(context.getStateStoreContext(), store);
        opened.add(store);
        return store;
    }

    private KeyValueStore<Bytes, byte[]> open() {
        return open(CairnStores.plainKeyValueStore("counts"));
    }

    @AfterEach
    void close() {
        opened.forEach(StateStore::close);
    }

    private Path file() {
        return directory.resolve("cairn/counts/store.cairn");
    }

    private static Bytes key(String text) {
        return Bytes.wrap(bytes(text));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static List<String> drain(KeyValueIterator<Bytes, byte[]> entries) {
        List<String> all = new ArrayList<>();
        try (entries) {
            while (entries.hasNext()) {
                Bytes peeked = entries.peekNextKey();
                KeyValue<Bytes, byte[]> entry = entries.next();
                assertThat(peeked).isEqualTo(entry.key);
                all.add(new String(entry.key.get(), UTF_8) + "=" + new String(entry.value, UTF_8));
            }
        }
        return all;
    }

    @Test
    void offsetsAndEntriesOutliveACloseTogether() {
        KeyValueStore<Bytes, byte[]> store = open();
        assertThat(store.persistent()).isTrue();
        assertThat(store.committedOffset(FIRST)).isNull();
        store.put(key("a"), bytes("1"));
        store.commit(Map.of(FIRST, 17L, SECOND, -4L));
        store.close();
        store.close();
        assertThat(store.isOpen()).isFalse();
        KeyValueStore<Bytes, byte[]> again = open();
        assertThat(again.get(key("a"))).isEqualTo(bytes("1"));
        assertThat(again.committedOffset(FIRST)).isEqualTo(17L);
        assertThat(again.committedOffset(SECOND)).isEqualTo(-4L);
        assertThat(again.approximateNumEntries()).isOne();
    }

    @Test
    void whatNoCommitCoversIsDroppedAtClose() {
        KeyValueStore<Bytes, byte[]> store = open();
        store.put(key("a"), bytes("1"));
        store.commit(Map.of(FIRST, 1L));
        store.put(key("a"), bytes("2"));
        store.put(key("b"), bytes("2"));
        store.close();
        KeyValueStore<Bytes, byte[]> again = open();
        assertThat(drain(again.all())).containsExactly("a=1");
        assertThat(again.committedOffset(FIRST)).isEqualTo(1L);
    }

    @Test
    void aNullForgetsOnePartitionAndAnEmptyMapAll() {
        KeyValueStore<Bytes, byte[]> store = open();
        store.commit(Map.of(FIRST, 1L, SECOND, 2L));
        Map<TopicPartition, Long> forgetting = new HashMap<>();
        forgetting.put(FIRST, null);
        store.commit(forgetting);
        assertThat(store.committedOffset(FIRST)).isNull();
        assertThat(store.committedOffset(SECOND)).isEqualTo(2L);
        store.close();
        KeyValueStore<Bytes, byte[]> again = open();
        assertThat(again.committedOffset(FIRST)).isNull();
        assertThat(again.committedOffset(SECOND)).isEqualTo(2L);
        again.commit(Map.of());
        assertThat(again.committedOffset(SECOND)).isNull();
        again.close();
        assertThat(open().committedOffset(SECOND)).isNull();
    }

    @Test
    void noKeyOfTheApplicationMeetsTheStoresOwn() {
        KeyValueStore<Bytes, byte[]> store = open();
        byte[] own = StoredKeys.own();
        byte[] mark = Arrays.copyOf(own, own.length - 1);
        List<byte[]> keys = new ArrayList<>(List.of(own, mark, new byte[0]));
        for (int kind = 0; kind < 3; kind++) {
            byte[] longer = Arrays.copyOf(own, own.length + 1);
            longer[own.length - 1] = (byte) kind;
            keys.add(longer);
            keys.add(Arrays.copyOf(longer, own.length));
        }
        for (int i = 0; i < keys.size(); i++) {
            store.put(Bytes.wrap(keys.get(i)), new byte[] {(byte) i});
        }
        store.commit(Map.of(FIRST, 5L));
        store.close();
        KeyValueStore<Bytes, byte[]> again = open();
        assertThat(again.committedOffset(FIRST)).isEqualTo(5L);
        Map<Bytes, byte[]> expected = new HashMap<>();
        for (int i = 0; i < keys.size(); i++) {
            expected.put(Bytes.wrap(keys.get(i)), new byte[] {(byte) i});
        }
        assertThat(again.approximateNumEntries()).isEqualTo(expected.size());
        Map<Bytes, byte[]> found = new HashMap<>();
        try (KeyValueIterator<Bytes, byte[]> all = again.all()) {
            all.forEachRemaining(each -> found.put(each.key, each.value));
        }
        assertThat(found.keySet()).isEqualTo(expected.keySet());
        expected.forEach((key, value) -> {
            assertThat(found.get(key)).isEqualTo(value);
            assertThat(again.get(key)).isEqualTo(value);
            assertThat(again.delete(key)).isEqualTo(value);
        });
        assertThat(again.approximateNumEntries()).isZero();
        assertThat(again.committedOffset(FIRST)).isEqualTo(5L);
    }

    @Test
    void scansAreSortedByUnsignedBytes() {
        KeyValueStore<Bytes, byte[]> store = open();
        for (int i = 0; i < 200; i++) { // more than one batch
            store.put(key("k%03d".formatted(i)), bytes("" + i));
        }
        store.put(Bytes.wrap(new byte[] {(byte) 0xFF}), bytes("last"));
        List<String> all = drain(store.all());
        assertThat(all).hasSize(201).endsWith("\uFFFD=last").startsWith("k000=0", "k001=1");
        assertThat(drain(store.reverseAll())).isEqualTo(all.reversed());
        assertThat(drain(store.range(key("k010"), key("k012"))))
                .containsExactly("k010=10", "k011=11", "k012=12");
        assertThat(drain(store.reverseRange(key("k198"), null)))
                .containsExactly("\uFFFD=last", "k199=199", "k198=198");
        assertThat(drain(store.range(key("k2"), key("k1")))).isEmpty();
        assertThat(drain(store.prefixScan("k19", new StringSerializer())))
                .hasSize(10)
                .startsWith("k190=190");
        KeyValueIterator<Bytes, byte[]> begun = store.all();
        store.delete(key("k000"));
        store.put(key("k001"), bytes("new"));
        assertThat(drain(begun)).startsWith("k001=new", "k002=2").hasSize(200);
    }

    @Test
    void batchesTakeTheLastOfEachKey() {
        KeyValueStore<Bytes, byte[]> store = open();
        store.put(key("a"), bytes("0"));
        store.putAll(
                List.of(
                        KeyValue.pair(key("a"), bytes("1")),
                        KeyValue.pair(key("b"), bytes("1")),
                        KeyValue.pair(key("b"), bytes("2")),
                        KeyValue.pair(key("a"), null)));
        assertThat(drain(store.all())).containsExactly("b=2");
    }

    @Test
    void thePositionOfWhatIsInTheStoreIsCommittedWithIt() {
        KeyValueStore<Bytes, byte[]> store = open();
        context.setRecordMetadata("input", 0, 41);
        store.put(key("a"), bytes("1"));
        store.commit(Map.of(FIRST, 1L));
        context.setRecordMetadata("input", 0, 42);
        store.put(key("a"), bytes("2"));
        assertThat(store.getPosition())
                .isEqualTo(Position.emptyPosition().withComponent("input", 0, 42));
        store.close();
        assertThat(open().getPosition())
                .isEqualTo(Position.emptyPosition().withComponent("input", 0, 41));
    }

    @Test
    void queriesAreAnsweredUpToABound() {
        KeyValueStore<Bytes, byte[]> store = open();
        context.setRecordMetadata("input", 0, 41);
        store.put(key("a"), bytes("1"));
        store.put(key("b"), bytes("2"));
        Position seen = Position.emptyPosition().withComponent("input", 0, 41);
        QueryResult<byte[]> one =
                store.query(KeyQuery.withKey(key("a")), PositionBound.at(seen), PLAINLY);
        assertThat(one.getResult()).isEqualTo(bytes("1"));
        assertThat(one.getPosition()).isEqualTo(seen);
        QueryResult<KeyValueIterator<Bytes, byte[]>> range =
                store.query(
                        RangeQuery.<Bytes, byte[]>withLowerBound(key("a")).withDescendingKeys(),
                        UNBOUNDED,
                        new QueryConfig(true));
        assertThat(drain(range.getResult())).containsExactly("b=2", "a=1");
        assertThat(range.getExecutionInfo()).hasSize(1);
        PositionBound later =
                PositionBound.at(Position.emptyPosition().withComponent("input", 0, 42));
        assertThat(store.query(KeyQuery.withKey(key("a")), later, PLAINLY).getFailureReason())
                .isEqualTo(FailureReason.NOT_UP_TO_BOUND);
        PositionBound ofOthers =
                PositionBound.at(Position.emptyPosition().withComponent("input", 1, 42));
        assertThat(store.query(KeyQuery.withKey(key("a")), ofOthers, PLAINLY).isSuccess()).isTrue();
        assertThat(
                        store.query(
                                        WindowKeyQuery.withKeyAndWindowStartRange(
                                                key("a"), Instant.EPOCH, Instant.EPOCH),
                                        UNBOUNDED,
                                        PLAINLY)
                                .getFailureReason())
                .isEqualTo(FailureReason.UNKNOWN_QUERY_TYPE);
        store.close();
        assertThat(store.query(KeyQuery.withKey(key("a")), UNBOUNDED, PLAINLY).getFailureReason())
                .isEqualTo(FailureReason.STORE_EXCEPTION);
    }

    @Test
    void aDamagedFileIsEmptiedForTheChangelogToRestore() throws IOException {
        KeyValueStore<Bytes, byte[]> store = open();
        store.put(key("a"), bytes("1"));
        store.commit(Map.of(FIRST, 1L));
        store.close();
        Files.write(file(), new byte[512], StandardOpenOption.WRITE); // over its header
        KeyValueStore<Bytes, byte[]> again = open();
        assertThat(again.committedOffset(FIRST)).isNull();
        assertThat(again.approximateNumEntries()).isZero();
    }

    @Test
    void valuesOfAnotherFormatAreRestoredToo() {
        KeyValueStore<Bytes, byte[]> store = open();
        store.put(key("a"), bytes("1"));
        store.commit(Map.of(FIRST, 1L));
        store.close();
        KeyValueStore<Bytes, byte[]> again = open(CairnStores.keyValueStore("counts"));
        assertThat(again.committedOffset(FIRST)).isNull();
        assertThat(again.get(key("a"))).isNull();
    }

    @Test
    void aStrangersStoreIsNotTakenForOne() {
        KeyValueStore<Bytes, byte[]> store = open();
        store.close();
        try (CairnStore stranger = Cairn.open(file())) {
            stranger.put(bytes("a"), bytes("1"));
        }
        assertThat(open().approximateNumEntries()).isZero();
    }

    @Test
    void aClosedStoreSaysSo() {
        KeyValueStore<Bytes, byte[]> store = open();
        KeyValueIterator<Bytes, byte[]> begun = scanOfTwo(store);
        store.close();
        assertThatThrownBy(() -> store.get(key("a")))
                .isInstanceOf(InvalidStateStoreException.class);
        assertThatThrownBy(() -> store.put(key("a"), bytes("1")))
                .isInstanceOf(InvalidStateStoreException.class);
        assertThatThrownBy(store::all).isInstanceOf(InvalidStateStoreException.class);
        assertThatThrownBy(begun::hasNext).isInstanceOf(InvalidStateStoreException.class);
    }

    private static KeyValueIterator<Bytes, byte[]> scanOfTwo(KeyValueStore<Bytes, byte[]> store) {
        store.put(key("a"), bytes("1"));
        store.put(key("b"), bytes("1"));
        return store.all();
    }

    @Test
    void aFullStoreIsAnErrorOfKafka() {
        KeyValueStore<Bytes, byte[]> store =
                open(
                        CairnStores.plainKeyValueStore(
                                "counts",
                                Options.defaults().withStripes(1).withMaxBytes(8L << 20)));
        assertThatThrownBy(
                        () -> {
                            for (int i = 0; i < 100; i++) {
                                store.put(key("k" + i), new byte[1 << 20]);
                            }
                        })
                .isInstanceOf(ProcessorStateException.class)
                .hasMessageContaining(file().toString());
    }

    @Test
    void optionsThatWouldLoseEntriesAreRefused() {
        Options options = Options.defaults();
        for (Options wrong :
                List.of(
                        options.withReadOnly(true),
                        options.withDefaultTimeToLive(Duration.ofHours(1)),
                        options.withExpireAfterAccess(Duration.ofHours(1)),
                        options.withMaxBytes(1L << 30).withEviction(true),
                        options.withDurability(Durability.EACH_WRITE),
                        options.withDurability(Durability.NONE))) {
            assertThatThrownBy(() -> CairnStores.keyValueStore("counts", wrong))
                    .as("%s", wrong)
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> CairnStores.headersKeyValueStore("counts", wrong))
                    .as("%s", wrong)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aStoreWithTimestampsIsNoPlainOne() {
        KeyValueStore<String, String> built =
                Stores.keyValueStoreBuilder(
                                CairnStores.keyValueStore("counts"),
                                Serdes.String(),
                                Serdes.String())
                        .build();
        context =
                new MockProcessorContext<>(
                        new Properties(), new TaskId(0, 0), new File(directory.toString()));
        assertThatThrownBy(() -> built.init(context.getStateStoreContext(), built))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("plainKeyValueStore");
    }

    private static CairnDslStoreSuppliers configured(Map<String, ?> settings) {
        CairnDslStoreSuppliers suppliers = new CairnDslStoreSuppliers();
        suppliers.configure(settings);
        return suppliers;
    }

    @Test
    void theDslKeepsInRocksDbWhatNeedsOrder() {
        CairnDslStoreSuppliers suppliers =
                configured(Map.of("cairn.max.bytes", "1000000000", "application.id", "a"));
        for (String subscription :
                List.of(
                        "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-0000000012",
                        "mine-subscription-store")) {
            assertThat(scope(suppliers, subscription, DslStoreFormat.TIMESTAMPED))
                    .isEqualTo("rocksdb");
        }
        assertThat(scope(suppliers, "outer", DslStoreFormat.PLAIN)).isEqualTo("rocksdb");
        assertThat(scope(suppliers, "counts", DslStoreFormat.TIMESTAMPED)).isEqualTo("cairn");
        assertThat(scope(suppliers, "counts", DslStoreFormat.HEADERS)).isEqualTo("cairn");
    }

    private static String scope(
            CairnDslStoreSuppliers suppliers, String name, DslStoreFormat format) {
        return suppliers.keyValueStore(new DslKeyValueParams(name, format)).metricsScope();
    }

    @Test
    void unknownOrImpossibleSettingsAreRefused() {
        for (Map<String, ?> wrong :
                List.of(
                        Map.of("cairn.time.to.live", "1000"),
                        Map.of("cairn.stripes", "3"),
                        Map.of("cairn.max.bytes", "many"))) {
            assertThatThrownBy(() -> configured(wrong))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining(wrong.keySet().iterator().next());
        }
    }
}
