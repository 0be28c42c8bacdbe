package dev.cairn.map;

import org.jspecify.annotations.Nullable;

import java.util.Iterator;
import java.util.Objects;
import java.util.function.Predicate;

/** The keys of a map. */
final class KeyView<K, V> extends SetView<K, V, K> {
    KeyView(StoreMap<K, V> map) {
        super(map);
    }

    @Override
    String what() {
        return "keys";
    }

    @Override
    public Iterator<K> iterator() {
        return new ViewIterator<>(map, Scan::key);
    }

    @Override
    public boolean contains(@Nullable Object key) {
        return map.containsKey(key);
    }

    @Override
    public boolean remove(@Nullable Object key) {
        return map.removeKey(key);
    }

    @Override
    public boolean removeIf(Predicate<? super K> filter) {
        Objects.requireNonNull(filter, "filter");
        boolean removed = false;
        for (Scan<K, V> scan = map.scan(); scan.advance(); ) {
            removed |= filter.test(scan.key()) && map.removeKey(scan.key());
        }
        return removed;
    }
}
