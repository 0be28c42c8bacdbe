package dev.cairn.kafka;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/**
 * Values that tell by themselves which key they belong to, which number they have, and whether they
 * are whole.
 */
final class Fact {
    private static final int MAX_FILLING_BYTES = 600;

    private Fact() {}

    static String key(int key) {
        return "fact" + key;
    }

    /**
     * A value consists of a number, of bytes whose count and content follow from key and number,
     * and of a checksum of all that.
     */
    static byte[] value(int key, long number) {
        SplittableRandom random = new SplittableRandom(number * 31 + key);
        byte[] filling = new byte[random.nextInt(MAX_FILLING_BYTES)];
        random.nextBytes(filling);
        ByteBuffer value = ByteBuffer.allocate(Long.BYTES + filling.length + Integer.BYTES);
        value.putLong(number).put(filling);
        return value.putInt(checksum(key, value.array())).array();
    }

    /**
     * The number of a value.
     *
     * @throws AssertionError if these are not bytes that {@link #value} made of the key
     */
    static long number(int key, byte[] value) {
        ByteBuffer read = ByteBuffer.wrap(value);
        if (value.length < Long.BYTES + Integer.BYTES
                || read.getInt(value.length - Integer.BYTES) != checksum(key, value)) {
            throw new AssertionError(key(key) + ": torn or another's, " + value.length + " bytes");
        }
        return read.getLong(0);
    }

    /** The checksum of all bytes except the last four. */
    private static int checksum(int key, byte[] value) {
        CRC32C checksum = new CRC32C();
        checksum.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, key));
        checksum.update(value, 0, value.length - Integer.BYTES);
        return (int) checksum.getValue();
    }
}
