/** The log: appending, regions, replay. */
@NullMarked
package dev.cairn.log;

import org.jspecify.annotations.NullMarked;
