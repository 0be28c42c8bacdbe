package dev.cairn.codec;

import java.io.OutputStream;
import java.util.Arrays;
import java.util.Objects;

/**
 * The buffer on the heap to which a codec writes. It grows as needed; numbers are little-endian. As
 * a stream it throws no exceptions and {@link #close} does nothing, so serializers that write to
 * streams need no adapter.
 *
 * <p>One thread uses it at a time, for one value after the other. Every method that writes throws
 * {@link IllegalArgumentException} if the value becomes longer than an array can be.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="codec"}
 */
public final class Output extends OutputStream {
    private static final int INITIAL_BYTES = 64;

    /**
     * If one value makes the buffer grow beyond this size, the buffer is not kept for the next
     * value.
     */
    private static final int KEPT_BYTES = 64 << 10;

    /** The greatest array that every JVM can allocate, if it has the memory. */
    private static final int MAX_BYTES = Integer.MAX_VALUE - 8;

    private final Depth depth = new Depth();
    private byte[] bytes = new byte[INITIAL_BYTES];
    private int length;

    /** Creates an empty output. */
    public Output() {}

    @Override
    public void write(int value) {
        ensure(1);
        bytes[length++] = (byte) value;
    }

    @Override
    public void write(byte[] from) {
        write(from, 0, from.length);
    }

    @Override
    public void write(byte[] from, int at, int count) {
        Objects.checkFromIndexSize(at, count, from.length);
        ensure(count);
        System.arraycopy(from, at, bytes, length, count);
        length += count;
    }

    /**
     * Writes a number as four bytes.
     *
     * @param value the number
     */
    public void int32(int value) {
        ensure(Integer.BYTES);
        put(length, value, Integer.BYTES);
        length += Integer.BYTES;
    }

    /**
     * Writes a number as eight bytes.
     *
     * @param value the number
     */
    public void int64(long value) {
        ensure(Long.BYTES);
        put(length, value, Long.BYTES);
        length += Long.BYTES;
    }

    /**
     * Overwrites four bytes that {@link #int32} wrote, for example a length that is known only
     * afterwards.
     *
     * @param at the position of the four bytes, counted from the start of the value
     * @param value the number
     * @throws IndexOutOfBoundsException if these bytes are not written yet
     */
    public void setInt32(int at, int value) {
        Objects.checkFromIndexSize(at, Integer.BYTES, length);
        put(at, value, Integer.BYTES);
    }

    /**
     * Writes the characters in UTF-8, without their length.
     *
     * @param text the characters
     * @throws IllegalArgumentException if the text contains an unpaired surrogate, which has no
     *     UTF-8
     */
    public void utf8(String text) {
        int chars = text.length();
        ensure(chars);
        byte[] to = bytes;
        int at = length;
        int i = 0;
        for (; i < chars && text.charAt(i) < 0x80; i++) {
            to[at + i] = (byte) text.charAt(i);
        }
        length += i;
        if (i < chars) {
            utf8BeyondAscii(text, i);
        }
    }

    private void utf8BeyondAscii(String text, int from) {
        int next;
        for (int i = from; i < text.length(); i = next) {
            int point = text.codePointAt(i);
            next = i + Character.charCount(point);
            ensure(4);
            if (point < 0x80) {
                bytes[length++] = (byte) point;
            } else if (point < 0x800) {
                bytes[length++] = (byte) (0xC0 | point >> 6);
                continuation(point);
            } else if (point < 0x1_0000) {
                if (Character.isSurrogate((char) point)) {
                    throw new IllegalArgumentException(
                            ("the unpaired surrogate U+%X at index %d cannot be encoded"
                                            + " in UTF-8")
                                    .formatted(point, i));
                }
                bytes[length++] = (byte) (0xE0 | point >> 12);
                continuation(point >> 6);
                continuation(point);
            } else {
                bytes[length++] = (byte) (0xF0 | point >> 18);
                continuation(point >> 12);
                continuation(point >> 6);
                continuation(point);
            }
        }
    }

    private void continuation(int bits) {
        bytes[length++] = (byte) (0x80 | bits & 0x3F);
    }

    /** Writes the {@code count} lowest bytes of the bits. */
    void bits(long bits, int count) {
        ensure(count);
        put(length, bits, count);
        length += count;
    }

    void zeros(int count) {
        ensure(count);
        Arrays.fill(bytes, length, length + count, (byte) 0);
        length += count;
    }

    void set(int at, int value) {
        bytes[at] = (byte) value;
    }

    void setBit(int at, int bit) {
        bytes[at + (bit >> 3)] |= (byte) (1 << (bit & 7));
    }

    /** Removes bytes; the bytes after them move up. */
    void remove(int at, int count) {
        System.arraycopy(bytes, at + count, bytes, at, length - at - count);
        length -= count;
    }

    void enter() {
        if (!depth.enter()) {
            throw new IllegalArgumentException(
                    "records are nested deeper than " + Depth.MAX + ", or contain themselves");
        }
    }

    void leave() {
        depth.leave();
    }

    /** {@return the number of bytes written so far} */
    public int length() {
        return length;
    }

    /**
     * {@return the buffer itself, of which the first {@link #length} bytes are valid until the next
     * write}
     */
    public byte[] bytes() {
        return bytes;
    }

    /** {@return a copy of the bytes written so far} */
    public byte[] toBytes() {
        return Arrays.copyOf(bytes, length);
    }

    /**
     * Makes the output empty, even if a codec threw in the middle of a value. The buffer is reused
     * unless it has become large; a large one is released, so that one large value does not hold
     * memory for ever.
     */
    public void reset() {
        length = 0;
        depth.reset();
        if (bytes.length > KEPT_BYTES) {
            bytes = new byte[KEPT_BYTES];
        }
    }

    /** Does nothing. */
    @Override
    public void flush() {}

    /** Does nothing. */
    @Override
    public void close() {}

    private void put(int at, long value, int count) {
        for (int i = 0; i < count; i++) {
            bytes[at + i] = (byte) (value >>> 8 * i);
        }
    }

    private void ensure(int more) {
        if (more > bytes.length - length) {
            bytes = Arrays.copyOf(bytes, capacity(length, more, bytes.length));
        }
    }

    /** The new capacity of a buffer that needs {@code more} bytes. */
    static int capacity(int length, int more, int capacity) {
        long needed = (long) length + more;
        if (needed > MAX_BYTES) {
            throw new IllegalArgumentException("value is longer than 2^31 - 9 bytes");
        }
        return (int) Math.max(needed, Math.min(2L * capacity, MAX_BYTES));
    }
}
