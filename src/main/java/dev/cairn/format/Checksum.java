package dev.cairn.format;

import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * CRC-32C (Castagnoli). It is always computed over heap bytes: over a mapping, a missing page would
 * kill the JVM (RULE 2). This class also encodes IDs of 16 bytes, as two little-endian words.
 */
public final class Checksum {
    private Checksum() {}

    public static int of(byte[] bytes, int from, int to) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, from, to - from);
        return (int) crc.getValue();
    }

    public static void putId(byte[] bytes, int at, UUID id) {
        Words.setPlain(bytes, at, id.getMostSignificantBits());
        Words.setPlain(bytes, at + 8, id.getLeastSignificantBits());
    }

    public static UUID idAt(byte[] bytes, int at) {
        return new UUID(Words.plain(bytes, at), Words.plain(bytes, at + 8));
    }
}
