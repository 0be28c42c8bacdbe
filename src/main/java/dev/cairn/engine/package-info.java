/** One store, assembled: open, operations, close. */
@NullMarked
package dev.cairn.engine;

import org.jspecify.annotations.NullMarked;
