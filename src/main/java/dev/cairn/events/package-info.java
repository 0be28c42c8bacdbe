/** Reports for operators: events of the JDK's flight recorder, and lines of the log. */
@NullMarked
package dev.cairn.events;

import org.jspecify.annotations.NullMarked;
