package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.io.IOException;

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
        int tab = 0;
        while (tab < line.length && line[tab] != '\t') {
            tab++;
        }
        if (tab == line.length) {
            throw lines.malformed("expected KEY, a tab and VALUE, found no tab");
        }
        return new Entry(unescape(line, 0, tab), unescape(line, tab + 1, line.length));
    }

    private byte[] unescape(byte[] line, int from, int to) throws MalformedInput {
        for (int i = from; i < to; i++) {
            if (line[i] == '\t') {
                throw lines.malformed("expected one tab, found another; write \\t for a tab");
            }
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
