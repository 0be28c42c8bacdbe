package dev.cairn.cache;

import org.jspecify.annotations.Nullable;

/**
 * What is known about a key.
 *
 * @param value the value, null if it is known that there is none
 */
record KnownValue<V>(@Nullable V value) {}
