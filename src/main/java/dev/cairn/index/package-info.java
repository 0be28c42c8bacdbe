/** The hash index: lookup without a lock, insertion and growth. */
@NullMarked
package dev.cairn.index;

import org.jspecify.annotations.NullMarked;
