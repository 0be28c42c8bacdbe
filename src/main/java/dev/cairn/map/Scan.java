package dev.cairn.map;

import dev.cairn.log.Records.Copy;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.function.Supplier;

/** A map's entries, one by one, for the iterators and the bulk operations of its views. */
final class Scan<K, V> {
    private final StoreMap<K, V> map;
    private final Supplier<@Nullable Copy> copies;
    private @Nullable Copy copy;
    private @Nullable K key;

    /**
     * @param copies returns null after the last entry
     */
    Scan(StoreMap<K, V> map, Supplier<@Nullable Copy> copies) {
        this.map = map;
        this.copies = copies;
    }

    /** Goes to the next entry; returns false after the last. */
    boolean advance() {
        copy = copies.get();
        key = copy == null ? null : map.codecs().key(copy);
        return copy != null;
    }

    private Copy copy() {
        return Objects.requireNonNull(copy, "an entry");
    }

    K key() {
        return Objects.requireNonNull(key, "an entry");
    }

    /** The value, which each call decodes. */
    V value() {
        return map.codecs().value(copy());
    }

    /** Removes the key's entry, whatever it is by now. */
    void remove() {
        map.removeAnyway(key(), copy());
    }

    /** Removes the entry unless it was written since; returns whether it did. */
    boolean removeUnchanged() {
        return map.remove(key(), copy());
    }
}
