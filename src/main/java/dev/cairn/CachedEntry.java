package dev.cairn;

import org.jspecify.annotations.Nullable;

/**
 * What a near cache holds of one key: for weighers, expiries and listeners of the Caffeine builder.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="nearCache"}
 *
 * @param <V> the map's values
 */
public interface CachedEntry<V> {
    /** Null if what is remembered is that the key was absent. */
    @Nullable V value();

    /** Of the entry, 0 if it was absent. */
    long version();

    /**
     * Bytes of the encoded value, 0 of an absent one. A weigher should add what an entry takes
     * besides, a hundred bytes or two: Caffeine never evicts what weighs nothing.
     */
    int encodedBytes();
}
