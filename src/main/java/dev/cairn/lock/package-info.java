/** Locks in shared memory, the process table, and what a dead owner left. */
@NullMarked
package dev.cairn.lock;

import org.jspecify.annotations.NullMarked;
