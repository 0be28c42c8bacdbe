/** How figures are written for people, on the command line and in the text of what stores tell. */
@NullMarked
package dev.cairn.units;

import org.jspecify.annotations.NullMarked;
