package dev.cairn.map;

import dev.cairn.log.Records.Copy;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.function.Supplier;

/** A map's entries, one by one; what the iterators and the bulk operations of its views go by. */
final class Scan<K, V> {
    private final StoreMap<K, V> map;
    private final Supplier<@Nullable Copy> copies;
    private @Nullable Copy copy;
    private @Nullable K key;

    /**
     * @param copies null behind the last
     */
    Scan(StoreMap<K, V> map, Supplier<@Nullable Copy> copies) {
        this.map = map;
        this.copies = copies;
    }

    /** On to the next entry; false behind the last. */
    boolean advance() {
        copy = copies.get();
        key = copy == null ? null : map.coding().key(copy);
        return copy != null;
    }

    private Copy copy() {
        return Objects.requireNonNull(copy, "an entry");
    }

    K key() {
        return Objects.requireNonNull(key, "an entry");
    }

    /** Decoded at each call. */
    V value() {
        return map.coding().value(copy());
    }

    /** Removes the key's entry, whatever it is by now. */
    void remove() {
        map.removeAnyway(key(), copy());
    }

    /** Removes the entry unless it was written since; tells whether it did. */
    boolean removeUnchanged() {
        return map.remove(key(), copy());
    }
}
