/** A map of objects over a store of bytes. */
@NullMarked
package dev.cairn.map;

import org.jspecify.annotations.NullMarked;
