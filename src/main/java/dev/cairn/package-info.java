/**
 * Cairn is an embedded key-value store. Its hash table lies in memory-mapped files that several
 * processes share. {@link dev.cairn.Cairn} opens a store, {@link dev.cairn.CairnStore} is an open
 * store.
 */
@NullMarked
package dev.cairn;

import org.jspecify.annotations.NullMarked;
