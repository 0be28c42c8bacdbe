package dev.cairn.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/** Values that can be judged by themselves: each says whose it is and carries its own checksum. */
final class Values {
    private static final int HEADER_BYTES =
            Integer.BYTES + Integer.BYTES + Long.BYTES + Integer.BYTES;

    private Values() {}

    /** What a whole value says of itself. */
    record Said(String key, int writer, long sequence) {}

    /** The one value of these four; of so many bytes at least as it takes to say them. */
    static byte[] of(String key, int writer, long sequence, int bytes) {
        byte[] name = key.getBytes(UTF_8);
        byte[] value = new byte[Math.max(bytes, HEADER_BYTES + name.length)];
        new SplittableRandom(31L * sequence + writer).nextBytes(value);
        ByteBuffer buffer = ByteBuffer.wrap(value);
        buffer.putInt(0).putInt(writer).putLong(sequence).putInt(name.length).put(name);
        buffer.putInt(0, checksum(value));
        return value;
    }

    /**
     * @throws AssertionError if the bytes are no whole value, or another key's
     */
    static Said whole(String key, byte[] value) {
        if (value.length < HEADER_BYTES || ByteBuffer.wrap(value).getInt() != checksum(value)) {
            throw new AssertionError(
                    "the value of " + key + " is mixed, " + value.length + " bytes");
        }
        ByteBuffer buffer = ByteBuffer.wrap(value, Integer.BYTES, value.length - Integer.BYTES);
        int writer = buffer.getInt();
        long sequence = buffer.getLong();
        byte[] name = new byte[buffer.getInt()];
        buffer.get(name);
        if (!Arrays.equals(name, key.getBytes(UTF_8))) {
            throw new AssertionError(key + " has the value of " + new String(name, UTF_8));
        }
        return new Said(key, writer, sequence);
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
