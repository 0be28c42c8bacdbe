/** The hash index: lock-free find; insert; growth. */
@NullMarked
package dev.cairn.index;

import org.jspecify.annotations.NullMarked;
