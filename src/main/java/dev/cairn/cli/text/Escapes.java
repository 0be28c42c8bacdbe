package dev.cairn.cli.text;

import java.util.Arrays;

/**
 * The escapes of tsv: a backslash before {@code t}, {@code n}, {@code r} or a backslash, and {@code
 * \xHH} for any byte. {@link TsvWriter} writes them.
 */
public final class Escapes {
    private Escapes() {}

    /**
     * The bytes for which an escaped text stands; a byte that begins no escape stands for itself.
     *
     * @throws IllegalArgumentException if a backslash begins no escape; the message says where
     */
    public static byte[] unescape(byte[] text) {
        return unescape(text, 0, text.length);
    }

    static byte[] unescape(byte[] line, int from, int to) {
        byte[] bytes = new byte[to - from];
        int length = 0;
        for (int i = from; i < to; i++) {
            byte b = line[i];
            if (b == '\\') {
                i++;
                switch (i < to ? line[i] : 0) {
                    case 't' -> b = '\t';
                    case 'n' -> b = '\n';
                    case 'r' -> b = '\r';
                    case '\\' -> b = '\\';
                    case 'x' -> {
                        b = hexByte(line, i + 1, to);
                        i += 2;
                    }
                    default ->
                            throw new IllegalArgumentException(
                                    "expected \\t, \\n, \\r, \\\\ or \\xHH after column "
                                            + (i - 1));
                }
            }
            bytes[length++] = b;
        }
        return Arrays.copyOf(bytes, length);
    }

    private static byte hexByte(byte[] line, int at, int to) {
        int value = at + 2 <= to ? Hex.byteAt(line, at) : -1;
        if (value < 0) {
            throw new IllegalArgumentException(
                    "expected two hexadecimal digits after \\x, column " + at);
        }
        return (byte) value;
    }
}
