package dev.cairn.near;

import dev.cairn.UndecodableEntry;
import dev.cairn.codec.Codec;
import dev.cairn.codec.Input;
import dev.cairn.codec.Output;
import dev.cairn.log.Records.Copy;

import org.jspecify.annotations.Nullable;

import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Objects;

/**
 * Encodes a map's keys and values, and decodes them. It encodes into buffers that are reused, and
 * decodes copies that were confirmed and whose checksums were right (RULE 9).
 */
public final class EntryCodecs<K, V> {
    /**
     * The buffer of a thread, by a weak reference. Otherwise a pool's thread that outlives the
     * application would keep its class loader, and all that this has loaded.
     */
    private static final ThreadLocal<WeakReference<Output>> BUFFER = new ThreadLocal<>();

    private static final int SHOWN_KEY_BYTES = 32;

    private final Codec<K> keys;
    private final Codec<V> values;
    private final Path path;

    /**
     * @param path the path of the store, for messages
     */
    public EntryCodecs(Codec<K> keys, Codec<V> values, Path path) {
        this.keys = keys;
        this.values = values;
        this.path = path;
    }

    public byte[] key(K key) {
        return encoded(keys, Objects.requireNonNull(key, "key"));
    }

    public byte[] value(V value) {
        return encoded(values, Objects.requireNonNull(value, "value"));
    }

    private static <T> byte[] encoded(Codec<T> codec, T value) {
        WeakReference<Output> kept = BUFFER.get();
        Output buffer = kept == null ? null : kept.get();
        // a codec failed while it used the buffer, or calls a map
        if (buffer == null || buffer.length() != 0) {
            buffer = new Output();
            BUFFER.set(new WeakReference<>(buffer));
        }
        codec.encode(value, buffer);
        byte[] bytes = buffer.toBytes();
        buffer.reset();
        return bytes;
    }

    /** The object that stands for a key in a cache. */
    public Object identity(K key) {
        return keys.identity(key);
    }

    /** Whether an object of any class is the value. */
    @SuppressWarnings("unchecked") // a failed cast means no
    public boolean isValue(V value, @Nullable Object other) {
        if (other == null) {
            return false;
        }
        try {
            return values.identity(value).equals(values.identity((V) other));
        } catch (ClassCastException _) {
            return false;
        }
    }

    /**
     * Decodes the key of an entry.
     *
     * @throws UndecodableEntry if the codec cannot read it
     */
    public K key(Copy entry) {
        return key(entry.key());
    }

    /**
     * Decodes a key from its bytes.
     *
     * @throws UndecodableEntry if the codec cannot read them
     */
    public K key(byte[] key) {
        try {
            return Objects.requireNonNull(keys.decode(new Input(key, 0, key.length)), "key");
        } catch (RuntimeException e) {
            throw undecodable("the key", key, e);
        }
    }

    /**
     * Decodes the value of an entry.
     *
     * @throws UndecodableEntry if the codec cannot read it
     */
    public V value(Copy entry) {
        try {
            return decoded(entry.valueArray(), entry.valueAt(), entry.outline().valueLength());
        } catch (RuntimeException e) {
            throw undecodable("the value of the key", entry.key(), e);
        }
    }

    /**
     * Decodes a value from its bytes.
     *
     * @throws UndecodableEntry if the codec cannot read them
     */
    public V value(byte[] key, byte[] value) {
        try {
            return decoded(value, 0, value.length);
        } catch (RuntimeException e) {
            throw undecodable("the value of the key", key, e);
        }
    }

    private V decoded(byte[] bytes, int at, int length) {
        return Objects.requireNonNull(values.decode(new Input(bytes, at, length)), "value");
    }

    private UndecodableEntry undecodable(String what, byte[] key, RuntimeException cause) {
        int shown = Math.min(key.length, SHOWN_KEY_BYTES);
        return new UndecodableEntry(
                path,
                "the codec cannot decode %s with the bytes %s%s"
                        .formatted(
                                what,
                                HexFormat.of().formatHex(key, 0, shown),
                                shown < key.length ? "... (" + key.length + ")" : ""),
                cause);
    }
}
