/** The shared-memory file: its mapping, its store-wide words, and the use of its areas. */
@NullMarked
package dev.cairn.shared;

import org.jspecify.annotations.NullMarked;
