/**
 * Meters of stores, maps and caches for a Micrometer registry. A program that uses this package
 * must have Micrometer on its class path; the rest of Cairn does not need it.
 */
@NullMarked
package dev.cairn.micrometer;

import org.jspecify.annotations.NullMarked;
