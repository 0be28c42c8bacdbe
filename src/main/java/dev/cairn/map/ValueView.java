package dev.cairn.map;

import org.jspecify.annotations.Nullable;

import java.util.AbstractCollection;
import java.util.Iterator;
import java.util.Objects;
import java.util.Spliterator;
import java.util.function.Predicate;

/** The values of a map. */
final class ValueView<K, V> extends AbstractCollection<V> {
    private final StoreMap<K, V> map;

    ValueView(StoreMap<K, V> map) {
        this.map = map;
    }

    @Override
    public Iterator<V> iterator() {
        return new ViewIterator<>(map, Scan::value);
    }

    @Override
    public Spliterator<V> spliterator() {
        return ViewIterator.spliterator(iterator(), 0);
    }

    @Override
    public int size() {
        return map.size();
    }

    @Override
    public boolean isEmpty() {
        return map.isEmpty();
    }

    @Override
    public boolean contains(@Nullable Object value) {
        for (Scan<K, V> scan = map.scan(); scan.advance(); ) {
            if (map.codecs().isValue(scan.value(), value)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean remove(@Nullable Object value) {
        for (Scan<K, V> scan = map.scan(); scan.advance(); ) {
            if (map.codecs().isValue(scan.value(), value) && scan.removeUnchanged()) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean removeIf(Predicate<? super V> filter) {
        Objects.requireNonNull(filter, "filter");
        boolean removed = false;
        for (Scan<K, V> scan = map.scan(); scan.advance(); ) {
            removed |= filter.test(scan.value()) && scan.removeUnchanged();
        }
        return removed;
    }

    @Override
    public void clear() {
        map.clear();
    }

    /** Names the map and reads nothing, as the map's method does. */
    @Override
    public String toString() {
        return "values of " + map;
    }
}
