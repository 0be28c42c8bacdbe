package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.time.Instant;

/**
 * One entry of a text file; the arrays belong to the caller that read it.
 *
 * @param expires when it expires; null if it does not, or if the format cannot say so
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Entry(byte[] key, byte[] value, @Nullable Instant expires) {}
