package dev.cairn.cli.text;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;

/**
 * Writes one entry per line: key, tab, value; if the entry expires, another tab and the time, such
 * as {@code 2026-01-31T12:00:00Z}. Tab, line feed, carriage return and backslash are written as
 * {@code \t \n \r \\}; other control characters, U+FEFF and bytes that are not valid UTF-8 are
 * written as {@code \xHH}. So any bytes survive, and a terminal is safe.
 */
final class TsvWriter implements EntryWriter {
    private final OutputStream out;

    TsvWriter(OutputStream out) {
        this.out = out;
    }

    @Override
    public void write(byte[] key, byte[] value, @Nullable Instant expires) throws IOException {
        escape(key);
        out.write('\t');
        escape(value);
        if (expires != null) {
            out.write('\t');
            out.write(expires.toString().getBytes(US_ASCII));
        }
        out.write('\n');
    }

    @Override
    public void finish() throws IOException {
        out.flush();
    }

    private void escape(byte[] bytes) throws IOException {
        for (int i = 0; i < bytes.length; ) {
            int length = isMark(bytes, i) ? 0 : Utf8.sequenceAt(bytes, i);
            if (length > 1) {
                out.write(bytes, i, length);
            } else {
                escape(bytes[i]);
            }
            i += Math.max(length, 1);
        }
    }

    /**
     * Whether U+FEFF is there, which at the beginning of a text would be taken for a byte order
     * mark.
     */
    private static boolean isMark(byte[] bytes, int at) {
        return bytes.length - at >= 3
                && bytes[at] == (byte) 0xef
                && bytes[at + 1] == (byte) 0xbb
                && bytes[at + 2] == (byte) 0xbf;
    }

    /** Writes one byte as ASCII, or as an escape. */
    private void escape(byte b) throws IOException {
        switch (b) {
            case '\t' -> escaped('t');
            case '\n' -> escaped('n');
            case '\r' -> escaped('r');
            case '\\' -> escaped('\\');
            default -> {
                if (b >= ' ' && b != 0x7f) {
                    out.write(b);
                } else {
                    escaped('x');
                    out.write(Hex.high(b));
                    out.write(Hex.low(b));
                }
            }
        }
    }

    private void escaped(int letter) throws IOException {
        out.write('\\');
        out.write(letter);
    }
}
