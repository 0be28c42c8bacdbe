package dev.cairn.kafka;

import dev.cairn.Options;

import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.streams.DslStoreFormat;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;
import org.apache.kafka.streams.state.DslKeyValueParams;
import org.apache.kafka.streams.state.DslSessionParams;
import org.apache.kafka.streams.state.DslStoreSuppliers;
import org.apache.kafka.streams.state.DslWindowParams;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.SessionBytesStoreSupplier;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;

import java.time.Duration;
import java.util.Map;

/**
 * Keeps the key-value stores of the DSL (tables, and aggregations without windows) in Cairn. One
 * line of the configuration is enough:
 *
 * {@snippet class="dev.cairn.kafka.KafkaExamplesTest" region="suppliers"}
 *
 * <p>Stores that need their keys in order stay in RocksDB. These are the stores of windows and
 * sessions, and two key-value stores that the DSL creates for itself: the records of outer joins
 * that wait for a partner, and the subscriptions of foreign-key joins.
 *
 * <p>The configuration may set an upper bound for each store ({@value #MAX_BYTES_CONFIG}), its
 * number of stripes ({@value #STRIPES_CONFIG}), and how often it keeps a commit ({@value
 * #CHECKPOINT_EVERY_MS_CONFIG}). Any other setting that begins with {@value #PREFIX} is refused.
 */
@SuppressWarnings("exports") // see module-info.java
public final class CairnDslStoreSuppliers implements DslStoreSuppliers {
    /** The prefix of all these settings. */
    public static final String PREFIX = "cairn.";

    /** The upper bound of each store's data file in bytes. The default is no bound. */
    public static final String MAX_BYTES_CONFIG = PREFIX + "max.bytes";

    /** The number of stripes of each store that is created. The default is 4. */
    public static final String STRIPES_CONFIG = PREFIX + "stripes";

    /**
     * The least time in milliseconds between two commits that a store keeps while its task runs
     * under {@code exactly_once_v2}. Each kept commit costs a checkpoint; what was written after
     * the last one is restored after a kill. The default is 1000.
     */
    public static final String CHECKPOINT_EVERY_MS_CONFIG = PREFIX + "checkpoint.every.ms";

    /**
     * How the DSL names stores of subscriptions; if the application gives a name, this follows that
     * name.
     */
    private static final String SUBSCRIPTIONS = "KTABLE-FK-JOIN-SUBSCRIPTION-STATE-STORE-";

    private static final String NAMED_SUBSCRIPTIONS = "-subscription-store";

    private static final DslStoreSuppliers ORDERED = BuiltInDslStoreSuppliers.ROCKS_DB;

    private Options options = CairnStores.DEFAULTS;

    /** Creates an instance. Kafka Streams calls this constructor by the name of the class. */
    public CairnDslStoreSuppliers() {}

    /**
     * Reads the settings.
     *
     * @param configs the configuration of the application
     * @throws ConfigException if a setting is unknown, or has an invalid value
     */
    @Override
    public void configure(Map<String, ?> configs) {
        Options asked = CairnStores.DEFAULTS;
        for (Map.Entry<String, ?> each : configs.entrySet()) {
            if (each.getKey().startsWith(PREFIX)) {
                asked = with(asked, each.getKey(), each.getValue());
            }
        }
        options = asked;
    }

    private static Options with(Options before, String key, Object value) {
        try {
            return switch (key) {
                case MAX_BYTES_CONFIG -> before.withMaxBytes(Long.parseLong(value.toString()));
                case STRIPES_CONFIG -> before.withStripes(Integer.parseInt(value.toString()));
                case CHECKPOINT_EVERY_MS_CONFIG ->
                        before.withCheckpointEvery(
                                Duration.ofMillis(Long.parseLong(value.toString())));
                default ->
                        throw new ConfigException(
                                key,
                                value,
                                "is unknown; there are "
                                        + MAX_BYTES_CONFIG
                                        + ", "
                                        + STRIPES_CONFIG
                                        + " and "
                                        + CHECKPOINT_EVERY_MS_CONFIG);
            };
        } catch (IllegalArgumentException e) {
            throw new ConfigException(key, value, e.getMessage());
        }
    }

    @Override
    public KeyValueBytesStoreSupplier keyValueStore(DslKeyValueParams params) {
        DslStoreFormat format = params.dslStoreFormat();
        String name = params.name();
        if (format == DslStoreFormat.PLAIN // used for outer joins only
                || name.startsWith(SUBSCRIPTIONS)
                || name.endsWith(NAMED_SUBSCRIPTIONS)) {
            return ORDERED.keyValueStore(params);
        }
        return format == DslStoreFormat.HEADERS
                ? CairnStores.headersKeyValueStore(name, options)
                : CairnStores.keyValueStore(name, options);
    }

    @Override
    public WindowBytesStoreSupplier windowStore(DslWindowParams params) {
        return ORDERED.windowStore(params);
    }

    @Override
    public SessionBytesStoreSupplier sessionStore(DslSessionParams params) {
        return ORDERED.sessionStore(params);
    }
}
