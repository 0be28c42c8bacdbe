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
 * What a codec reads: the bytes of one value, little-endian, and nothing behind them. As a stream it
 * ends where the value does; its other methods throw {@link MalformedBytes} there. Whatever length the
 * bytes claim, no more is allocated for it than they have.
 */
public final class Input extends InputStream {
    private static final char REPLACEMENT = '\uFFFD';

    private final byte[] bytes;
    private final int start;
    private int at;
    private final int end;
    private final Depth depth;

    /**
     * @param bytes not changed while it is read
     * @param from of the first byte
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

    /** Of the next byte, from the start of the value. */
    public int position() {
        return at - start;
    }

    /** Bytes to its end. */
    public int remaining() {
        return end - at;
    }

    public int int32() {
        return (int) bits(Integer.BYTES);
    }

    public long int64() {
        return bits(Long.BYTES);
    }

    /** The next bytes, copied. */
    public byte[] bytes(int count) {
        int from = take(count);
        return Arrays.copyOfRange(bytes, from, from + count);
    }

    /** The text of the next bytes, which are well-formed UTF-8. */
    public String utf8(int byteLength) {
        int from = take(byteLength);
        String text = new String(bytes, from, byteLength, UTF_8);
        if (text.indexOf(REPLACEMENT) >= 0) {
            requireUtf8(from, byteLength);
        }
        return text;
    }

    /** Whether a replacement character was written as such, or stands for what could not be decoded. */
    private void requireUtf8(int from, int count) {
        CharsetDecoder decoder = UTF_8.newDecoder();
        ByteBuffer undecoded = ByteBuffer.wrap(bytes, from, count);
        if (decoder.decode(undecoded, CharBuffer.allocate(count), true).isError()) {
            at = undecoded.position();
            throw malformed("well-formed UTF-8", "byte 0x%02X".formatted(bytes[at]));
        }
    }

    /** Demands that the value was read to its end. */
    public void requireEnd() {
        if (at != end) {
            throw malformed("the end", remaining() + " more bytes");
        }
    }

    /** What to throw about the bytes at the position. */
    public MalformedBytes malformed(String expected, String found) {
        return malformed(expected, found, null);
    }

    /** As {@link #malformed(String, String)}, because of an exception. */
    public MalformedBytes malformed(String expected, String found, @Nullable Throwable cause) {
        return new MalformedBytes(position(), expected, found, cause);
    }

    /** So many bytes as an unsigned number. */
    long bits(int count) {
        int from = take(count);
        long bits = 0;
        for (int i = 0; i < count; i++) {
            bits |= (bytes[from + i] & 0xFFL) << 8 * i;
        }
        return bits;
    }

    /** A length or count that stands before as many units, which are not shorter than that. */
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

    /** The next bytes as an input of their own, with the positions of this one. */
    Input part(int count) {
        int from = take(count);
        return new Input(bytes, start, from, from + count, depth);
    }

    /** A byte that was read, by the index that {@link #index} had. */
    int byteAt(int index) {
        return bytes[index] & 0xFF;
    }

    int index() {
        return at;
    }

    /** Goes back to where something is wrong. */
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
            throw malformed(count + " more bytes", remaining() + " to the end");
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
