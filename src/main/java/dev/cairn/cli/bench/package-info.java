/**
 * A quick look at how fast a store is on the user's machine: {@link dev.cairn.cli.bench.Bench} is the
 * verb, {@link dev.cairn.cli.bench.Measurement} takes the {@link dev.cairn.cli.bench.Figures}, and
 * {@link dev.cairn.cli.bench.Verdict} says what bounds them.
 */
@NullMarked
package dev.cairn.cli.bench;

import org.jspecify.annotations.NullMarked;
