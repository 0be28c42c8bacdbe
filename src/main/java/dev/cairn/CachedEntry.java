package dev.cairn;

import org.jspecify.annotations.Nullable;

/**
 * The content of a near cache for one key. Weighers, expiry policies and listeners of the Caffeine
 * builder see it.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="nearCache"}
 *
 * @param <V> the type of the map's values
 */
public interface CachedEntry<V> {
    /** {@return the decoded value, or null if this entry remembers that the key was absent} */
    @Nullable V value();

    /** {@return the version of the entry, or 0 if the key was absent} */
    long version();

    /**
     * {@return the length of the encoded value in bytes, or 0 if the key was absent} A weigher
     * should add 100 to 200 bytes for what an entry takes besides its value: Caffeine never evicts
     * an entry of weight zero.
     */
    int encodedBytes();
}
