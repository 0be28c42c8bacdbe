package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Keys and values of which every byte follows from a few numbers, so that any read can be judged.
 */
public final class Content {
    /**
     * A value of at least this length says which key and write it belongs to. A shorter one only
     * follows from them.
     */
    public static final int NAMED_BYTES = 16;

    private Content() {}

    /**
     * A key of that length. Two keys of one length differ if their numbers differ and are below
     * 256.
     */
    public static byte[] key(int number, int bytes) {
        byte[] key = stream(~number, bytes);
        if (bytes > 0) {
            key[bytes - 1] = (byte) number;
        }
        return key;
    }

    /** A key that consists of its number. */
    public static byte[] key(long number) {
        return ByteBuffer.allocate(Long.BYTES).putLong(number).array();
    }

    public static byte[] value(long key, long sequence, int bytes) {
        byte[] value = stream(mix(key) ^ sequence, bytes);
        if (bytes >= NAMED_BYTES) {
            buffer(value).putLong(0, key).putLong(Long.BYTES, sequence);
        }
        return value;
    }

    /** The sequence of a value of that key. Fails if a single byte is wrong. */
    public static long sequence(long key, byte[] value) {
        long sequence = buffer(value).getLong(Long.BYTES);
        assertThat(value).isEqualTo(value(key, sequence, value.length));
        return sequence;
    }

    private static ByteBuffer buffer(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] stream(long seed, int bytes) {
        byte[] stream = new byte[bytes];
        long word = 0;
        for (int i = 0; i < bytes; i++) {
            if (i % Long.BYTES == 0) {
                word = mix(seed + i);
            }
            stream[i] = (byte) (word >>> 8 * (i % Long.BYTES));
        }
        return stream;
    }

    /** The output function of SplitMix64. */
    public static long mix(long seed) {
        long z = seed + 0x9E37_79B9_7F4A_7C15L;
        z = (z ^ z >>> 30) * 0xBF58_476D_1CE4_E5B9L;
        z = (z ^ z >>> 27) * 0x94D0_49BB_1331_11EBL;
        return z ^ z >>> 31;
    }
}
