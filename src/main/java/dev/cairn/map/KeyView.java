package dev.cairn.map;

import org.jspecify.annotations.Nullable;

import java.util.AbstractSet;
import java.util.Collection;
import java.util.Iterator;
import java.util.Objects;
import java.util.Set;
import java.util.Spliterator;
import java.util.function.Predicate;

/** A map's keys. */
final class KeyView<K, V> extends AbstractSet<K> {
    private final StoreMap<K, V> map;

    KeyView(StoreMap<K, V> map) {
        this.map = map;
    }

    @Override
    public Iterator<K> iterator() {
        return new Elements<>(map, Scan::key);
    }

    @Override
    public Spliterator<K> spliterator() {
        return Elements.spliterator(iterator(), Spliterator.DISTINCT);
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
    public boolean contains(@Nullable Object key) {
        return map.containsKey(key);
    }

    @Override
    public boolean remove(@Nullable Object key) {
        return map.removeKey(key);
    }

    /** By looking each of them up, so that no key is compared but by its bytes. */
    @Override
    public boolean removeAll(Collection<?> others) {
        boolean removed = false;
        for (Object key : others) {
            removed |= remove(key);
        }
        return removed;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Set<?> set && Elements.equal(iterator(), set);
    }

    @Override
    public int hashCode() {
        return super.hashCode();
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

    @Override
    public void clear() {
        map.clear();
    }
}
