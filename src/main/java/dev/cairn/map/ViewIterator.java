package dev.cairn.map;

import org.jspecify.annotations.Nullable;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Function;

/**
 * An iterator of one of the views. It is weakly consistent, and never reads an element ahead of its
 * caller.
 *
 * @param <T> what the view shows of each entry
 */
final class ViewIterator<K, V, T> implements Iterator<T> {
    private final StoreMap<K, V> map;
    private final Scan<K, V> scan;
    private final Function<Scan<K, V>, T> shown;
    private @Nullable T next;
    private @Nullable K nextKey;
    private @Nullable K lastKey;

    ViewIterator(StoreMap<K, V> map, Function<Scan<K, V>, T> shown) {
        this.map = map;
        this.scan = map.scan();
        this.shown = shown;
    }

    @Override
    public boolean hasNext() {
        if (next == null && scan.advance()) {
            nextKey = scan.key();
            next = shown.apply(scan);
        }
        return next != null;
    }

    @Override
    public T next() {
        T element = hasNext() ? next : null;
        if (element == null) {
            throw new NoSuchElementException();
        }
        lastKey = nextKey;
        next = null;
        return element;
    }

    /** A spliterator that promises no size, because others may change it at any moment. */
    static <T> Spliterator<T> spliterator(Iterator<T> elements, int characteristics) {
        return Spliterators.spliteratorUnknownSize(
                elements, Spliterator.CONCURRENT | Spliterator.NONNULL | characteristics);
    }

    @Override
    public void remove() {
        K key = lastKey;
        if (key == null) {
            throw new IllegalStateException("no element to remove: next() comes first");
        }
        lastKey = null;
        boolean _ = map.removeKey(key);
    }
}
