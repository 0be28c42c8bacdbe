package dev.cairn.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/**
 * Values that can be judged by themselves. Each says which write it belongs to and has its own
 * checksum.
 */
final class Values {
    private static final int HEADER_BYTES =
            Integer.BYTES + Integer.BYTES + Long.BYTES + Integer.BYTES;

    private Values() {}

    /** What a whole value says of itself. */
    record Said(String key, int writer, long sequence) {}

    /** The one value for these four. It has at least as many bytes as it takes to state them. */
    static byte[] of(String key, int writer, long sequence, int bytes) {
        byte[] name = key.getBytes(UTF_8);
        byte[] value = new byte[Math.max(bytes, HEADER_BYTES + name.length)];
        new SplittableRandom(31L * sequence + writer).nextBytes(value);
        ByteBuffer buffer = ByteBuffer.wrap(value);
        buffer.putInt(0).putInt(writer).putLong(sequence).putInt(name.length).put(name);
        buffer.putInt(0, checksum(value));
        return value;
    }

    /** @throws AssertionError if the bytes are no whole value, or are another key's */
    static Said whole(String key, byte[] value) {
        if (!isWhole(value)) {
            throw new AssertionError(
                    "the value of " + key + " is mixed, " + value.length + " bytes");
        }
        Said said = said(value);
        if (!said.key.equals(key)) {
            throw new AssertionError(key + " has the value of " + said.key);
        }
        return said;
    }

    /** @throws AssertionError if the bytes are no whole value of any key */
    static Said whole(byte[] value) {
        if (!isWhole(value)) {
            throw new AssertionError("a value is mixed, " + value.length + " bytes");
        }
        return said(value);
    }

    private static boolean isWhole(byte[] value) {
        return value.length >= HEADER_BYTES && ByteBuffer.wrap(value).getInt() == checksum(value);
    }

    private static Said said(byte[] value) {
        ByteBuffer buffer = ByteBuffer.wrap(value, Integer.BYTES, value.length - Integer.BYTES);
        int writer = buffer.getInt();
        long sequence = buffer.getLong();
        byte[] name = new byte[buffer.getInt()];
        buffer.get(name);
        return new Said(new String(name, UTF_8), writer, sequence);
    }

    private static int checksum(byte[] value) {
        CRC32C crc = new CRC32C();
        crc.update(value, Integer.BYTES, value.length - Integer.BYTES);
        return (int) crc.getValue();
    }

    static byte[] bytes(String key) {
        return key.getBytes(UTF_8);
    }
}
