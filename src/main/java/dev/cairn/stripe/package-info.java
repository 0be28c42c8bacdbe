/** One object a stripe: its words, lock, tail, table and cleaning, and what can be done to it. */
@NullMarked
package dev.cairn.stripe;

import org.jspecify.annotations.NullMarked;
