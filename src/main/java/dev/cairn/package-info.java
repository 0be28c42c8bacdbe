/**
 * Cairn: an embedded key-value store whose hash table lives in memory-mapped files that several
 * processes share. {@link dev.cairn.Cairn} opens a store, {@link dev.cairn.CairnStore} is one.
 */
@NullMarked
package dev.cairn;

import org.jspecify.annotations.NullMarked;
