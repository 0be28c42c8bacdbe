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

/** A user's function that gives the values of keys: in their order, null where there is none. */
interface Loader<K, V> {
    List<@Nullable V> load(List<K> keys);

    /** Of one key at a time. */
    static <K, V> Loader<K, V> ofOne(Function<? super K, ? extends @Nullable V> function) {
        Objects.requireNonNull(function, "loader");
        return keys -> Collections.singletonList(function.apply(keys.getFirst()));
    }

    /** Of many keys at once. */
    static <K, V> Loader<K, V> ofMany(Function<? super Set<K>, ? extends Map<K, V>> function) {
        Objects.requireNonNull(function, "loader");
        return keys -> {
            Map<K, V> loaded =
                    Objects.requireNonNull(
                            function.apply(Collections.unmodifiableSet(new LinkedHashSet<>(keys))),
                            "what the loader returned");
            List<@Nullable V> values = new ArrayList<>(keys.size());
            keys.forEach(key -> values.add(loaded.get(key)));
            return values;
        };
    }
}
