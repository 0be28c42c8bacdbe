package dev.cairn.cache;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;

/**
 * A user's function that returns the values of keys in their order, with null for a key without a
 * value.
 */
interface Loader<K, V> {
    List<@Nullable V> load(List<K> keys);

    /** A loader of one key at a time. */
    static <K, V> Loader<K, V> ofOne(Function<? super K, ? extends @Nullable V> function) {
        Objects.requireNonNull(function, "loader");
        return keys -> Collections.singletonList(function.apply(keys.getFirst()));
    }

    /** A loader of many keys at once. */
    static <K, V> Loader<K, V> ofMany(Function<? super Set<K>, ? extends Map<K, V>> function) {
        Objects.requireNonNull(function, "loader");
        return keys -> {
            Map<K, V> loaded =
                    Objects.requireNonNull(
                            function.apply(Collections.unmodifiableSet(new LinkedHashSet<>(keys))),
                            "the map that the loader returned");
            List<@Nullable V> values = new ArrayList<>(keys.size());
            keys.forEach(key -> values.add(loaded.get(key)));
            return values;
        };
    }
}
