package dev.cairn.near;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.CachedEntry;

/**
 * Caffeine's builder, for classes of the public API: a compiler that has no Caffeine can read a field
 * of this type, but no annotated field in whose type Caffeine stands.
 */
public record NearCacheBuilder<V>(Caffeine<Object, ? super CachedEntry<V>> caffeine) {
    public Cache<Object, CachedEntry<V>> build() {
        return caffeine.build();
    }
}
