/** The format of figures for people, on the command line and in messages. */
@NullMarked
package dev.cairn.units;

import org.jspecify.annotations.NullMarked;
