package dev.cairn.cache;

import org.jspecify.annotations.Nullable;

/**
 * What is known of a key.
 *
 * @param value null if it is known that there is none
 */
record Answer<V>(@Nullable V value) {}
