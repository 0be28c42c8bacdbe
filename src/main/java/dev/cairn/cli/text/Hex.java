package dev.cairn.cli.text;

/** Bytes as two hexadecimal digits each. */
final class Hex {
    private static final byte[] DIGITS = {
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'
    };

    private Hex() {}

    static byte high(byte b) {
        return DIGITS[(b >> 4) & 0xf];
    }

    static byte low(byte b) {
        return DIGITS[b & 0xf];
    }

    /** The byte for which the two digits there stand, or -1 if they are not two digits. */
    static int byteAt(byte[] line, int at) {
        int high = digit(line[at]);
        int low = digit(line[at + 1]);
        return high < 0 || low < 0 ? -1 : (high << 4) | low;
    }

    private static int digit(byte b) {
        return b < 0 ? -1 : Character.digit(b, 16);
    }
}
