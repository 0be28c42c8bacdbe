package dev.cairn.cli.text;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Instant;

/** Reads what {@link TsvWriter} writes; bytes above 0x7f may also stand for themselves. */
final class TsvReader implements EntryReader {
    private final Lines lines;

    TsvReader(Lines lines) {
        this.lines = lines;
    }

    @Override
    public @Nullable Entry next() throws IOException {
        byte[] line = lines.next();
        if (line == null) {
            return null;
        }
        int tab = tabFrom(line, 0);
        if (tab == line.length) {
            throw lines.malformed("expected KEY, a tab and VALUE, found no tab");
        }
        int end = tabFrom(line, tab + 1);
        byte[] key = unescape(line, 0, tab);
        byte[] value = unescape(line, tab + 1, end);
        return new Entry(key, value, end == line.length ? null : expires(line, end + 1));
    }

    /** The position of the next tab, or of the end of the line. */
    private static int tabFrom(byte[] line, int from) {
        int tab = from;
        while (tab < line.length && line[tab] != '\t') {
            tab++;
        }
        return tab;
    }

    private Instant expires(byte[] line, int from) throws MalformedInput {
        Instant expires = Times.parse(new String(unescape(line, from, line.length), ISO_8859_1));
        if (expires == null) {
            throw lines.malformed(
                    ("expected one tab, or two tabs with the time at which the entry"
                                    + " expires behind the second, such as %s; write \\t for a tab in a"
                                    + " key or value")
                            .formatted(Times.EXAMPLE));
        }
        return expires;
    }

    private byte[] unescape(byte[] line, int from, int to) throws MalformedInput {
        for (int i = from; i < to; i++) {
            if (line[i] == '\r') {
                throw lines.malformed(
                        "found a carriage return; write \\r for one, and end lines with \\n only");
            }
        }
        try {
            return Escapes.unescape(line, from, to);
        } catch (IllegalArgumentException e) {
            throw lines.malformed(String.valueOf(e.getMessage()));
        }
    }
}
