/** The codecs that turn keys and values of a map into bytes. */
@NullMarked
package dev.cairn.codec;

import org.jspecify.annotations.NullMarked;
