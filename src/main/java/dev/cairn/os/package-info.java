/**
 * The only connection to the operating system: mapped files, kernel locks, processes, the few
 * native calls.
 */
@NullMarked
package dev.cairn.os;

import org.jspecify.annotations.NullMarked;
