package dev.cairn.kafka;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CorruptStore;
import dev.cairn.Options;
import dev.cairn.Overtaken;
import dev.cairn.Stats;
import dev.cairn.StoreClosed;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Objects;

/**
 * A table of Kafka Streams that another process maintains in a Cairn store. Reads take no lock. Any
 * number of threads may read at once, if the serializer and the deserializer allow that, as those
 * of Kafka do.
 *
 * <p>While the maintaining process runs, each of its writes is visible at once. If it was not
 * running when the table was opened, and had not closed its store, reads may show the last commit
 * until it starts; the table then follows by itself. If the maintaining process empties the store,
 * for example because it was damaged, it creates new files; {@link #refresh} looks for them.
 *
 * {@snippet class="dev.cairn.kafka.KafkaExamplesTest" region="openReadOnly"}
 *
 * @param <K> the type of the keys
 * @param <V> the type of the values
 */
@SuppressWarnings("exports") // see module-info.java
public final class CairnTable<K, V> implements AutoCloseable {
    private static final Options READ_ONLY = Options.defaults().withReadOnly(true);

    private final Path file;
    private final Serializer<K> keys;
    private final Deserializer<V> values;
    private volatile View view;
    private boolean closed;

    /** The store as it was last opened, with the format and the topic that it had then. */
    private record View(CairnStore store, ValueFormat format, String topic) {}

    CairnTable(Path file, Serializer<K> keys, Deserializer<V> values) {
        this.file = Objects.requireNonNull(file, "file");
        this.keys = Objects.requireNonNull(keys, "keys");
        this.values = Objects.requireNonNull(values, "values");
        this.view = open();
    }

    private View open() {
        CairnStore store = Cairn.open(file, READ_ONLY);
        View opened = null;
        try {
            byte[] known = store.get(StoredKeys.own());
            if (known == null) {
                throw new IllegalArgumentException(
                        file + ": not a state store of Kafka Streams, or not committed yet");
            }
            Committed committed = Committed.decode(known);
            opened = new View(store, committed.format(), topic(committed));
            return opened;
        } catch (IOException e) {
            throw new IllegalArgumentException(
                    file + ": not a state store of Kafka Streams: " + e.getMessage(), e);
        } finally {
            if (opened == null) {
                store.close();
            }
        }
    }

    /** The topic that serializers are told: the records of a table come from one topic. */
    private static String topic(Committed committed) {
        return committed.offsets().keySet().stream()
                .map(TopicPartition::topic)
                .findFirst()
                .orElse("");
    }

    /**
     * Returns the key's value.
     *
     * @param key the key
     * @return the value, or null if the key is absent
     * @throws CorruptStore if the stored bytes are damaged, or are not a value of Kafka Streams
     * @throws StoreClosed if this table was closed
     */
    public @Nullable V get(K key) {
        View from = view;
        ValueFormat.Parts parts = parts(from, key);
        return parts == null ? null : values.deserialize(from.topic(), parts.value());
    }

    /**
     * Returns the key's value and the timestamp of its record.
     *
     * @param key the key
     * @return the value and its timestamp in milliseconds since 1970, or null if the key is absent;
     *     the timestamp is -1 if the store keeps none
     * @throws CorruptStore if the stored bytes are damaged, or are not a value of Kafka Streams
     * @throws StoreClosed if this table was closed
     */
    public @Nullable ValueAndTimestamp<V> getWithTimestamp(K key) {
        View from = view;
        ValueFormat.Parts parts = parts(from, key);
        return parts == null
                ? null
                : ValueAndTimestamp.make(
                        values.deserialize(from.topic(), parts.value()), parts.timestamp());
    }

    private ValueFormat.@Nullable Parts parts(View seen, K key) {
        byte[] serialized =
                StoredKeys.of(keys.serialize(seen.topic(), Objects.requireNonNull(key, "key")));
        for (View from = seen; ; from = view) {
            try {
                byte[] stored = from.store().get(serialized);
                return stored == null ? null : from.format().parts(ByteBuffer.wrap(stored));
            } catch (Overtaken e) {
                reopen(from);
            } catch (StoreClosed e) {
                if (from.equals(view)) {
                    throw e;
                }
            } catch (BufferUnderflowException | IllegalArgumentException e) {
                throw new CorruptStore(
                        file,
                        -1,
                        "a value of format " + from.format(),
                        "a value that is too short");
            }
        }
    }

    /**
     * {@return the number of entries} It is exact while no process writes.
     *
     * @throws StoreClosed if this table was closed
     */
    public long size() {
        return view.store().size() - 1; // the store's own entry does not count
    }

    /**
     * Looks whether the store's name now belongs to new files, and opens these.
     *
     * @return whether there were new files
     * @throws StoreClosed if this table was closed
     */
    public boolean refresh() {
        View seen = view;
        boolean replaced = seen.store().stats().naming() != Stats.Naming.NAMED;
        if (replaced) {
            reopen(seen);
        }
        return replaced;
    }

    private synchronized void reopen(View seen) {
        if (view.equals(seen) && !closed) {
            view = open();
            seen.store().close();
        }
    }

    /** Closes the store; further calls do nothing. */
    @Override
    public synchronized void close() {
        closed = true;
        view.store().close();
    }
}
