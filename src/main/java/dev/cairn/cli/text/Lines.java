package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** The lines of a file as bytes, counted. Only a line feed ends a line; the last may lack it. */
final class Lines {
    private static final int BUFFER_BYTES = 1 << 16;

    /**
     * Somewhat less than the longest array, so that growing a line never fails because of its size.
     */
    private static final int LONGEST_LINE_BYTES = Integer.MAX_VALUE - 2 * BUFFER_BYTES;

    /**
     * The greatest length of a byte order mark; this many bytes are read before the first one is
     * judged.
     */
    private static final int MARK_BYTES = 3;

    private final InputStream in;
    private final String name;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int position;
    private int limit;
    private long number;

    Lines(InputStream in, String name) {
        this.in = in;
        this.name = name;
    }

    /** The next line without its line feed, or null at the end. */
    byte @Nullable [] next() throws IOException {
        if (position == limit && !fill()) {
            return null;
        }
        number++;
        if (number == 1) {
            requireNoMark();
        }
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        do {
            int end = position;
            while (end < limit && buffer[end] != '\n') {
                end++;
            }
            if (line.size() > LONGEST_LINE_BYTES - (end - position)) {
                throw malformed("the line is longer than any entry can be");
            }
            line.write(buffer, position, end - position);
            position = end;
            if (end < limit) {
                position++;
                break;
            }
        } while (fill());
        return line.toByteArray();
    }

    /**
     * Refuses a byte order mark: it would become part of the first key, and text in UTF-16 would be
     * taken for other bytes. The buffer holds the beginning of the input.
     *
     * @throws MalformedInput if there is a byte order mark
     */
    private void requireNoMark() throws MalformedInput {
        if (startsWith(0xef, 0xbb, 0xbf) || startsWith(0xff, 0xfe) || startsWith(0xfe, 0xff)) {
            throw malformed(
                    "found a byte order mark; save the text as UTF-8 without one or, if"
                            + " a key begins with these bytes, write them as \\xHH");
        }
    }

    private boolean startsWith(int... bytes) {
        boolean same = limit >= bytes.length;
        for (int i = 0; same && i < bytes.length; i++) {
            same = (buffer[i] & 0xff) == bytes[i];
        }
        return same;
    }

    /** An exception about the line that was read last. */
    MalformedInput malformed(String why) {
        return new MalformedInput(name, Math.max(number, 1), why);
    }

    private boolean fill() throws IOException {
        position = 0;
        limit = 0;
        int least = number == 0 ? MARK_BYTES : 1;
        for (int read = 0; limit < least && read >= 0; limit += Math.max(read, 0)) {
            read = in.read(buffer, limit, buffer.length - limit);
        }
        return limit > 0;
    }
}
