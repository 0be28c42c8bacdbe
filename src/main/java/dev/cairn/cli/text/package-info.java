/** Entries as text: the formats that {@code load} reads and {@code dump} writes. */
@NullMarked
package dev.cairn.cli.text;

import org.jspecify.annotations.NullMarked;
