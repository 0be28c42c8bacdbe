package dev.cairn.codec;

/**
 * What stands before the components of a record.
 *
 * <pre>
 * 0        1                     5
 * +--------+---------------------+------------------------+
 * | count  | fingerprint of them | a bit for each of them |
 * +--------+---------------------+------------------------+
 * </pre>
 *
 * The count is that of the components up to the last that is not null, zero or false, and 1 at least
 * if the type has any: so a record keeps its bytes when its type gets further components, for which
 * nothing was written.
 */
final class Header {
    static final int COUNT = 0;
    static final int FINGERPRINT = 1;
    static final int PRESENT = 5;

    private Header() {}

    /** Bytes of the bits for so many components. */
    static int presentBytes(int count) {
        return (count + 7) / 8;
    }

    /** Whether the bytes have that component; the input has read past the header. */
    static boolean has(Input in, int header, int index) {
        return index < in.byteAt(header + COUNT)
                && (in.byteAt(header + PRESENT + (index >> 3)) >> (index & 7) & 1) != 0;
    }
}
