/** One store, assembled from its parts: open, operations, close. */
@NullMarked
package dev.cairn.engine;

import org.jspecify.annotations.NullMarked;
