/** One object per stripe: its words, lock, tail, table and cleaning, and the operations on it. */
@NullMarked
package dev.cairn.stripe;

import org.jspecify.annotations.NullMarked;
