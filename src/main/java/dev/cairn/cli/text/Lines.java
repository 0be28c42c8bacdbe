package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;

/** The lines of a file as bytes, counted. Only a line feed ends a line; the last may lack it. */
final class Lines {
    private static final int BUFFER_BYTES = 1 << 16;

    /** Somewhat less than the longest array, so that growing a line never fails for its size. */
    private static final int LONGEST_LINE_BYTES = Integer.MAX_VALUE - 2 * BUFFER_BYTES;

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

    /** What is wrong with the line that was read last. */
    MalformedInput malformed(String why) {
        return new MalformedInput(name, Math.max(number, 1), why);
    }

    private boolean fill() throws IOException {
        position = 0;
        limit = Math.max(in.read(buffer), 0);
        return limit > 0;
    }
}
