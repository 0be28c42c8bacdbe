/**
 * The several-process tour, in two acts: writers, readers, a kill and a comparison ({@link
 * dev.cairn.cli.demo.DemoRun}); a checkpoint, a power failure and a comparison ({@link
 * dev.cairn.cli.demo.SecondAct}). {@link dev.cairn.cli.demo.DemoChild} starts the actors.
 */
@NullMarked
package dev.cairn.cli.demo;

import org.jspecify.annotations.NullMarked;
