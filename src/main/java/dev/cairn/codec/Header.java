package dev.cairn.codec;

/**
 * The bytes before the components of a record.
 *
 * <pre>
 * 0        1                     5
 * +--------+---------------------+------------------------+
 * | count  | fingerprint of them | a bit for each of them |
 * +--------+---------------------+------------------------+
 * </pre>
 *
 * The count is that of the components up to the last one that is not null, zero or false. It is at
 * least 1 if the type has any components. So a record keeps its bytes when its type gets more
 * components, for which nothing was written.
 */
final class Header {
    static final int COUNT = 0;
    static final int FINGERPRINT = 1;
    static final int PRESENT = 5;

    private Header() {}

    /** The number of bytes that hold one bit for each of {@code count} components. */
    static int presentBytes(int count) {
        return (count + 7) / 8;
    }

    /** Whether the bytes contain that component. The input has read past the header. */
    static boolean has(Input in, int header, int index) {
        return index < in.byteAt(header + COUNT)
                && (in.byteAt(header + PRESENT + (index >> 3)) >> (index & 7) & 1) != 0;
    }
}
