/** The shared-memory file: its mapping, its store-wide words, and who has which area of it. */
@NullMarked
package dev.cairn.shared;

import org.jspecify.annotations.NullMarked;
