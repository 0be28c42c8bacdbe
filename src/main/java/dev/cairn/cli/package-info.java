/** The command line: {@link dev.cairn.cli.Main} and one class per verb. */
@NullMarked
package dev.cairn.cli;

import org.jspecify.annotations.NullMarked;
