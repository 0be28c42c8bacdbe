package dev.cairn;

/**
 * A value and the version under which it was written.
 *
 * @param value the caller's own copy
 * @param version positive; greater at every write of the key, for {@link
 *     CairnStore#replace(byte[], long, byte[])} and {@link CairnStore#remove(byte[], long)}
 */
public record Versioned(byte[] value, long version) {}
