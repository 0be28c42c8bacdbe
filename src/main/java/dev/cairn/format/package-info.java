/**
 * The meaning of every byte of the two files: offsets, bit fields, and accessors named by their
 * access mode.
 */
@NullMarked
package dev.cairn.format;

import org.jspecify.annotations.NullMarked;
