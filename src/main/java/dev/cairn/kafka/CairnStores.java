package dev.cairn.kafka;

import dev.cairn.Durability;
import dev.cairn.Options;

import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.state.HeadersBytesStore;
import org.apache.kafka.streams.state.HeadersBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.TimestampedBytesStore;

import java.nio.file.Path;
import java.util.Objects;

/**
 * State stores of Kafka Streams in Cairn, for {@code Materialized.as} and the builders of {@code
 * Stores}. All methods are thread-safe.
 *
 * {@snippet class="dev.cairn.kafka.KafkaExamplesTest" region="materialized"}
 *
 * <p><b>Commits.</b> When a task commits, the store saves the offsets of its changelog and makes a
 * checkpoint. After a kill or a power loss the store opens at its last commit, and only what was
 * written to the changelog after that is replayed. Under {@code exactly_once_v2} Kafka Streams
 * commits ten times a second, and does not tell the stores of a running task. Such a store finds a
 * commit by itself at its next write, and keeps one commit a second. The files lie in the directory
 * of the task and are deleted with it. If the files are damaged or of another format, the store is
 * emptied and restored from the changelog, and a warning is logged.
 *
 * <p><b>Order.</b> Cairn keeps no order. {@code range}, {@code prefixScan} and {@code all} look at
 * every entry of the store, collect the matching keys on the heap, and sort them; they read the
 * values during the iteration. If an application scans often, or scans more keys than fit on its
 * heap, RocksDB suits it better.
 *
 * <p><b>Options.</b> Options may set {@code maxBytes}, {@code stripes}, {@code permissions}, {@code
 * lockTimeout} and {@code spinning}. Only commits make checkpoints. If the store finds commits by
 * itself, {@code checkpointEvery} is the least time between two that it keeps; with manual
 * checkpoints it looks for none. Options that would make entries vanish, or with which a task
 * cannot work, are refused: a time to live and eviction (the changelog would bring such entries
 * back), another durability, and read-only access.
 */
@SuppressWarnings("exports") // see module-info.java
public final class CairnStores {
    /** One thread writes to a store of a task. Others read, and take no lock. */
    static final Options DEFAULTS = Options.defaults().withStripes(4);

    private CairnStores() {}

    /**
     * Creates a supplier of a store that keeps the timestamp of each record with its value. Tables
     * of the DSL need such a store, and so does {@code Stores.timestampedKeyValueStoreBuilder}.
     *
     * @param name the name of the store, which must be a valid name of a topic
     * @return the supplier
     */
    public static KeyValueBytesStoreSupplier keyValueStore(String name) {
        return keyValueStore(name, DEFAULTS);
    }

    /**
     * Creates a supplier as {@link #keyValueStore(String)} does, with options.
     *
     * @param name the name of the store, which must be a valid name of a topic
     * @param options the options of the store
     * @return the supplier
     * @throws IllegalArgumentException if the options do not suit a store with a changelog
     */
    public static KeyValueBytesStoreSupplier keyValueStore(String name, Options options) {
        return new Supplier(name, ValueFormat.TIMESTAMPED, options);
    }

    /**
     * Creates a supplier of a store that keeps values alone, for {@code
     * Stores.keyValueStoreBuilder}.
     *
     * @param name the name of the store, which must be a valid name of a topic
     * @return the supplier
     */
    public static KeyValueBytesStoreSupplier plainKeyValueStore(String name) {
        return plainKeyValueStore(name, DEFAULTS);
    }

    /**
     * Creates a supplier as {@link #plainKeyValueStore(String)} does, with options.
     *
     * @param name the name of the store, which must be a valid name of a topic
     * @param options the options of the store
     * @return the supplier
     * @throws IllegalArgumentException if the options do not suit a store with a changelog
     */
    public static KeyValueBytesStoreSupplier plainKeyValueStore(String name, Options options) {
        return new Supplier(name, ValueFormat.PLAIN, options);
    }

    /**
     * Creates a supplier of a store that keeps the timestamp and the headers of each record with
     * its value, for {@code Stores.timestampedKeyValueStoreWithHeadersBuilder}.
     *
     * @param name the name of the store, which must be a valid name of a topic
     * @return the supplier
     */
    public static KeyValueBytesStoreSupplier headersKeyValueStore(String name) {
        return headersKeyValueStore(name, DEFAULTS);
    }

    /**
     * Creates a supplier as {@link #headersKeyValueStore(String)} does, with options.
     *
     * @param name the name of the store, which must be a valid name of a topic
     * @param options the options of the store
     * @return the supplier
     * @throws IllegalArgumentException if the options do not suit a store with a changelog
     */
    public static KeyValueBytesStoreSupplier headersKeyValueStore(String name, Options options) {
        return new HeadersSupplier(name, options);
    }

    /**
     * Creates a supplier of a store for a global table, which other processes on the machine may
     * read with {@link #openReadOnly}. One process on the machine maintains the store. It must
     * disable the cache that Kafka Streams puts in front of the store: entries in that cache reach
     * the store only at a commit, and a global table commits only every 10,000 records.
     *
     * {@snippet class="dev.cairn.kafka.KafkaExamplesTest" region="globalTable"}
     *
     * <p>After a kill the store keeps what was written, and writes the records after its last
     * commit again. During that time a reader may see an earlier value of a key than before.
     *
     * @param name the name of the store, which must be a valid name of a topic
     * @return the supplier
     */
    public static KeyValueBytesStoreSupplier globalKeyValueStore(String name) {
        return keyValueStore(name);
    }

    /**
     * Creates a supplier as {@link #globalKeyValueStore(String)} does, with options such as {@code
     * permissions}.
     *
     * @param name the name of the store, which must be a valid name of a topic
     * @param options the options of the store
     * @return the supplier
     * @throws IllegalArgumentException if the options do not suit a store with a changelog
     */
    public static KeyValueBytesStoreSupplier globalKeyValueStore(String name, Options options) {
        return keyValueStore(name, options);
    }

    /**
     * Returns the path of the data file of a global store.
     *
     * @param stateDir the {@code state.dir} of the application that maintains it
     * @param applicationId the {@code application.id} of that application
     * @param name the name of the store
     * @return the path
     */
    public static Path globalStoreFile(Path stateDir, String applicationId, String name) {
        return stateDir.resolve(applicationId)
                .resolve("global")
                .resolve(CairnKeyValueStore.DIRECTORY)
                .resolve(name)
                .resolve(CairnKeyValueStore.FILE);
    }

    /**
     * Opens a store that another process maintains, and reads it without a lock. Each write of that
     * process is visible at once.
     *
     * {@snippet class="dev.cairn.kafka.KafkaExamplesTest" region="openReadOnly"}
     *
     * @param <K> the type of the keys
     * @param <V> the type of the values
     * @param file the path from {@link #globalStoreFile}
     * @param keys the serde of the keys
     * @param values the serde of the values
     * @return the table, which the caller must close
     * @throws java.io.UncheckedIOException if there is no store
     * @throws IllegalArgumentException if the file is not a store that this class created and
     *     committed
     */
    public static <K, V> CairnTable<K, V> openReadOnly(Path file, Serde<K> keys, Serde<V> values) {
        return new CairnTable<>(file, keys.serializer(), values.deserializer());
    }

    private static Options requireFitting(Options options) {
        refuseIf(options.readOnly(), "is written to, so readOnly");
        refuseIf(options.eviction(), "has a changelog that would bring entries back, so eviction");
        refuseIf(
                options.defaultTimeToLive() != null || options.expireAfterAccess() != null,
                "has a changelog that would bring entries back, so a time to live");
        refuseIf(
                options.durability() != Durability.CHECKPOINT,
                "is made durable by commits, so durability " + options.durability());
        return options;
    }

    private static void refuseIf(boolean wrong, String why) {
        if (wrong) {
            throw new IllegalArgumentException("A state store " + why + " cannot be asked for");
        }
    }

    private static class Supplier implements KeyValueBytesStoreSupplier {
        private final String name;
        private final ValueFormat format;
        private final Options options;

        Supplier(String name, ValueFormat format, Options options) {
            this.name = Objects.requireNonNull(name, "name");
            this.format = format;
            this.options = requireFitting(options);
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public KeyValueStore<Bytes, byte[]> get() {
            return switch (format) {
                case PLAIN -> new CairnKeyValueStore(name, format, options);
                case TIMESTAMPED -> new Timestamped(name, options);
                case HEADERS -> new WithHeaders(name, options);
            };
        }

        @Override
        public String metricsScope() {
            return "cairn";
        }
    }

    private static final class HeadersSupplier extends Supplier
            implements HeadersBytesStoreSupplier {
        HeadersSupplier(String name, Options options) {
            super(name, ValueFormat.HEADERS, options);
        }
    }

    /** A store with the mark that Kafka asks for: without it, Kafka leaves timestamps out. */
    private static final class Timestamped extends CairnKeyValueStore
            implements TimestampedBytesStore {
        Timestamped(String name, Options options) {
            super(name, ValueFormat.TIMESTAMPED, options);
        }
    }

    /** A store with the mark without which Kafka leaves headers out. */
    private static final class WithHeaders extends CairnKeyValueStore implements HeadersBytesStore {
        WithHeaders(String name, Options options) {
            super(name, ValueFormat.HEADERS, options);
        }
    }
}
