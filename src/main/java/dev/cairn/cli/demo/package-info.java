/**
 * The several-process tour: writers, readers, a kill and a comparison. {@link
 * dev.cairn.cli.demo.DemoRun} is the play, {@link dev.cairn.cli.demo.DemoChild} starts its actors.
 */
@NullMarked
package dev.cairn.cli.demo;

import org.jspecify.annotations.NullMarked;
