package dev.cairn.map;

import org.jspecify.annotations.Nullable;

import java.util.AbstractSet;
import java.util.Collection;
import java.util.Iterator;
import java.util.Set;
import java.util.Spliterator;

/**
 * A map's keys or entries. It relies on what is there and not on a size, which counts expired
 * entries and changes with the writes of others.
 *
 * @param <T> what the view shows of each entry
 */
abstract sealed class SetView<K, V, T> extends AbstractSet<T> permits KeyView, EntryView {
    final StoreMap<K, V> map;

    SetView(StoreMap<K, V> map) {
        this.map = map;
    }

    @Override
    public final Spliterator<T> spliterator() {
        return ViewIterator.spliterator(iterator(), Spliterator.DISTINCT);
    }

    @Override
    public final int size() {
        return map.size();
    }

    @Override
    public final boolean isEmpty() {
        return map.isEmpty();
    }

    /** Looks each element up, so that keys and values are compared as the codecs do. */
    @Override
    public final boolean removeAll(Collection<?> others) {
        boolean removed = false;
        for (Object other : others) {
            removed |= remove(other);
        }
        return removed;
    }

    @Override
    public final void clear() {
        map.clear();
    }

    @Override
    public final boolean equals(@Nullable Object other) {
        if (!(other instanceof Set<?> set)) {
            return false;
        }
        int count = 0;
        for (Iterator<T> elements = iterator(); elements.hasNext(); count++) {
            if (!set.contains(elements.next())) {
                return false;
            }
        }
        return count == set.size();
    }

    @Override
    public final int hashCode() {
        return super.hashCode();
    }

    /** Names the map and reads nothing, as the map's method does. */
    @Override
    public final String toString() {
        return what() + " of " + map;
    }

    /** What it shows, for a person. */
    abstract String what();
}
