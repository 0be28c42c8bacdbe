package dev.cairn.map;

import org.jspecify.annotations.Nullable;

import java.util.AbstractMap.SimpleEntry;
import java.util.Iterator;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;

/** The entries of a map. */
final class EntryView<K, V> extends SetView<K, V, Map.Entry<K, V>> {
    EntryView(StoreMap<K, V> map) {
        super(map);
    }

    /** An entry as it was scanned; a value that is set is also written to the map. */
    private static final class Shown<K, V> extends SimpleEntry<K, V> {
        private static final long serialVersionUID = 1L;

        private final transient StoreMap<K, V> map;

        Shown(StoreMap<K, V> map, Scan<K, V> scan) {
            super(scan.key(), scan.value());
            this.map = map;
        }

        @Override
        public V setValue(V value) {
            map.set(getKey(), value);
            return super.setValue(value);
        }
    }

    @Override
    String what() {
        return "entries";
    }

    @Override
    public Iterator<Map.Entry<K, V>> iterator() {
        return new ViewIterator<>(map, scan -> new Shown<>(map, scan));
    }

    @Override
    public boolean contains(@Nullable Object other) {
        if (!(other instanceof Map.Entry<?, ?> entry) || entry.getKey() == null) {
            return false;
        }
        V value = map.get(entry.getKey());
        return value != null && map.codecs().isValue(value, entry.getValue());
    }

    @Override
    public boolean remove(@Nullable Object other) {
        return other instanceof Map.Entry<?, ?> entry
                && entry.getKey() != null
                && map.remove(entry.getKey(), entry.getValue());
    }

    @Override
    public boolean removeIf(Predicate<? super Map.Entry<K, V>> filter) {
        Objects.requireNonNull(filter, "filter");
        boolean removed = false;
        for (Scan<K, V> scan = map.scan(); scan.advance(); ) {
            removed |= filter.test(Map.entry(scan.key(), scan.value())) && scan.removeUnchanged();
        }
        return removed;
    }
}
