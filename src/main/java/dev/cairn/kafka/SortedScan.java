package dev.cairn.kafka;

import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.function.Function;

/**
 * The entries of keys that were collected and sorted before. Values are read in batches during the
 * iteration, so that only the keys lie on the heap. An entry that was removed meanwhile is left
 * out.
 */
final class SortedScan implements KeyValueIterator<Bytes, byte[]> {
    /** The number of keys that are looked up at once, so that their memory accesses overlap. */
    private static final int BATCH = 64;

    private final List<byte[]> keys;
    private final Function<List<byte[]>, List<byte @Nullable []>> values;
    private final Queue<KeyValue<Bytes, byte[]>> ready = new ArrayDeque<>();
    private int next;

    /**
     * @param keys the application's keys, in the desired order
     *
     * @param values returns the values of some of the keys, in their order, with null for an absent
     *     key
     */
    SortedScan(List<byte[]> keys, Function<List<byte[]>, List<byte @Nullable []>> values) {
        this.keys = keys;
        this.values = values;
    }

    @Override
    public boolean hasNext() {
        while (ready.isEmpty() && next < keys.size()) {
            List<byte[]> some = keys.subList(next, Math.min(next + BATCH, keys.size()));
            List<byte @Nullable []> found = values.apply(some);
            for (int i = 0; i < some.size(); i++) {
                byte[] value = found.get(i);
                if (value != null) {
                    ready.add(KeyValue.pair(Bytes.wrap(some.get(i)), value));
                }
            }
            next += some.size();
        }
        return !ready.isEmpty();
    }

    @Override
    public KeyValue<Bytes, byte[]> next() {
        requireNext();
        return ready.remove();
    }

    @Override
    public Bytes peekNextKey() {
        requireNext();
        return ready.element().key;
    }

    private void requireNext() {
        if (!hasNext()) {
            throw new NoSuchElementException("there are no more entries");
        }
    }

    @Override
    public void close() {
        ready.clear();
        next = keys.size();
    }
}
