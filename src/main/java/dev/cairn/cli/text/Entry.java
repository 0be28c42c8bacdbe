package dev.cairn.cli.text;

/** One entry of a text file; the arrays belong to whoever read it. */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Entry(byte[] key, byte[] value) {}
