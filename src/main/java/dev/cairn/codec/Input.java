package dev.cairn.codec;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.util.Arrays;
import java.util.Objects;

/**
 * The bytes of one encoded value, which a codec reads. Numbers are little-endian. As a stream it
 * ends where the value ends; its other methods throw {@link MalformedBytes} there. Whatever length
 * the bytes claim, no more memory is allocated for it than there are bytes. One thread uses an
 * input at a time.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="codec"}
 */
public final class Input extends InputStream {
    private static final char REPLACEMENT = '\uFFFD';

    private final byte[] bytes;
    private final int start;
    private int at;
    private final int end;
    private final Depth depth;

    /**
     * Creates an input from a part of an array.
     *
     * @param bytes an array that does not change while it is read
     * @param from the index of the first byte
     * @param length the number of bytes
     * @throws IndexOutOfBoundsException if the part is not within the array
     */
    public Input(byte[] bytes, int from, int length) {
        this(bytes, from, from, from + length, new Depth());
        Objects.checkFromIndexSize(from, length, bytes.length);
    }

    private Input(byte[] bytes, int start, int at, int end, Depth depth) {
        this.bytes = bytes;
        this.start = start;
        this.at = at;
        this.end = end;
        this.depth = depth;
    }

    /** {@return the position of the next byte, counted from the start of the value} */
    public int position() {
        return at - start;
    }

    /** {@return the number of bytes from the position to the end} */
    public int remaining() {
        return end - at;
    }

    /**
     * {@return the next four bytes as a number}
     *
     * @throws MalformedBytes if there are fewer
     */
    public int int32() {
        return (int) bits(Integer.BYTES);
    }

    /**
     * {@return the next eight bytes as a number}
     *
     * @throws MalformedBytes if there are fewer
     */
    public long int64() {
        return bits(Long.BYTES);
    }

    /**
     * Reads the next bytes.
     *
     * @param count how many
     * @return a copy of them
     * @throws MalformedBytes if there are fewer
     */
    public byte[] bytes(int count) {
        int from = take(count);
        return Arrays.copyOfRange(bytes, from, from + count);
    }

    /**
     * Decodes the next bytes as UTF-8.
     *
     * @param byteLength how many
     * @return their text
     * @throws MalformedBytes if there are fewer, or if they are not well-formed UTF-8
     */
    public String utf8(int byteLength) {
        int from = take(byteLength);
        String text = new String(bytes, from, byteLength, UTF_8);
        if (text.indexOf(REPLACEMENT) >= 0) {
            requireUtf8(from, byteLength);
        }
        return text;
    }

    /**
     * Tells whether a replacement character was written as such, or stands for bytes that could not
     * be decoded; in the latter case it throws.
     */
    private void requireUtf8(int from, int count) {
        CharsetDecoder decoder = UTF_8.newDecoder();
        ByteBuffer undecoded = ByteBuffer.wrap(bytes, from, count);
        if (decoder.decode(undecoded, CharBuffer.allocate(count), true).isError()) {
            at = undecoded.position();
            throw malformed("well-formed UTF-8", "byte 0x%02X".formatted(bytes[at]));
        }
    }

    /**
     * Demands that the value was read to its end.
     *
     * @throws MalformedBytes if there are more bytes
     */
    public void requireEnd() {
        if (at != end) {
            throw malformed("the end", remaining() + " more bytes");
        }
    }

    /**
     * Creates an exception about the bytes at the position.
     *
     * @param expected what the codec writes there
     * @param found what is there
     * @return the exception to throw
     */
    public MalformedBytes malformed(String expected, String found) {
        return malformed(expected, found, null);
    }

    /**
     * Creates an exception about the bytes at the position, with a cause.
     *
     * @param expected what the codec writes there
     * @param found what is there
     * @param cause the exception that they caused, or null
     * @return the exception to throw
     */
    public MalformedBytes malformed(String expected, String found, @Nullable Throwable cause) {
        return new MalformedBytes(position(), expected, found, cause);
    }

    /** The next {@code count} bytes as an unsigned number. */
    long bits(int count) {
        int from = take(count);
        long bits = 0;
        for (int i = 0; i < count; i++) {
            bits |= (bytes[from + i] & 0xFFL) << 8 * i;
        }
        return bits;
    }

    /**
     * Reads a length or a count of units that follow, each of which takes at least {@code
     * minBytesEach} bytes.
     */
    int count(int minBytesEach) {
        int claimed = int32();
        if (claimed < 0 || claimed > remaining() / minBytesEach) {
            at -= Integer.BYTES;
            throw malformed(
                    "a length of at most " + (remaining() - Integer.BYTES) / minBytesEach,
                    Integer.toString(claimed));
        }
        return claimed;
    }

    /** The next bytes as an input of their own, which counts positions as this one does. */
    Input part(int count) {
        int from = take(count);
        return new Input(bytes, start, from, from + count, depth);
    }

    /** The byte at an index that {@link #index} returned before. */
    int byteAt(int index) {
        return bytes[index] & 0xFF;
    }

    int index() {
        return at;
    }

    /** Goes back to the byte at an index, to report it. */
    Input back(int index) {
        at = index;
        return this;
    }

    void enter() {
        if (!depth.enter()) {
            throw malformed("records nested no deeper than " + Depth.MAX, "one more");
        }
    }

    void leave() {
        depth.leave();
    }

    private int take(int count) {
        if (count < 0 || count > end - at) {
            throw malformed(count + " more bytes", remaining() + " bytes to the end");
        }
        int from = at;
        at += count;
        return from;
    }

    @Override
    public int read() {
        return at == end ? -1 : bytes[at++] & 0xFF;
    }

    @Override
    public int read(byte[] to, int from, int length) {
        Objects.checkFromIndexSize(from, length, to.length);
        if (at == end && length > 0) {
            return -1;
        }
        int count = Math.min(length, end - at);
        System.arraycopy(bytes, at, to, from, count);
        at += count;
        return count;
    }

    @Override
    public byte[] readAllBytes() {
        return bytes(remaining());
    }

    @Override
    public byte[] readNBytes(int length) {
        if (length < 0) {
            throw new IllegalArgumentException("length is negative: " + length);
        }
        return bytes(Math.min(length, remaining()));
    }

    @Override
    public long skip(long count) {
        int skipped = Math.clamp(count, 0, remaining());
        at += skipped;
        return skipped;
    }

    @Override
    public long transferTo(OutputStream to) throws IOException {
        int count = remaining();
        to.write(bytes, at, count);
        at = end;
        return count;
    }

    @Override
    public int available() {
        return remaining();
    }

    /** Does nothing. */
    @Override
    public void close() {}
}
