/** The cache over a store. */
@NullMarked
package dev.cairn.cache;

import org.jspecify.annotations.NullMarked;
