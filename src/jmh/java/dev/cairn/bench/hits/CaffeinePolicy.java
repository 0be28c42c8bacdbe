package dev.cairn.bench.hits;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import java.util.function.IntUnaryOperator;

/** Caffeine, bounded by weight. It does its maintenance within each call. */
final class CaffeinePolicy implements Policy {
    private final Cache<Integer, Integer> cache;

    CaffeinePolicy(IntUnaryOperator bytes, long maxBytes) {
        cache =
                Caffeine.newBuilder()
                        .maximumWeight(maxBytes)
                        .weigher((Integer key, Integer _) -> bytes.applyAsInt(key))
                        .executor(Runnable::run)
                        .build();
    }

    @Override
    public boolean read(int key) {
        if (cache.getIfPresent(key) != null) {
            return true;
        }
        write(key);
        return false;
    }

    @Override
    public void write(int key) {
        cache.put(key, key);
    }
}
