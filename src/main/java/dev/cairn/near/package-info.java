/**
 * The reads of a map: objects that were decoded before, as long as shared memory confirms them.
 */
@NullMarked
package dev.cairn.near;

import org.jspecify.annotations.NullMarked;
