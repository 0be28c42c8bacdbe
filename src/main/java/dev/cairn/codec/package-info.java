/** How keys and values of a map become bytes. */
@NullMarked
package dev.cairn.codec;

import org.jspecify.annotations.NullMarked;
