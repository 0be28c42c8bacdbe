package dev.cairn.cli.text;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.Arrays;

/**
 * Reads the dump format of Berkeley DB and LMDB ({@code db_dump}, {@code mdb_dump}), version 3:
 * one database of single values, as {@code bytevalue} or as {@code print}.
 */
final class DumpReader implements EntryReader {
    private static final String HEADER_END = "HEADER=END";
    private static final String DATA_END = "DATA=END";

    private final Lines lines;
    private boolean headerRead;
    private boolean print;
    private boolean ended;

    DumpReader(Lines lines) {
        this.lines = lines;
    }

    @Override
    public @Nullable Entry next() throws IOException {
        if (!headerRead) {
            header();
            headerRead = true;
        }
        byte[] key = ended ? null : data();
        if (key == null) {
            return null;
        }
        byte[] value = data();
        if (value == null) {
            throw lines.malformed("expected the value of the last key, found " + DATA_END);
        }
        return new Entry(key, value, null);
    }

    private void header() throws IOException {
        String version = headerLine("VERSION=3");
        if (!version.equals("VERSION=3")) {
            throw lines.malformed("expected VERSION=3, found " + shown(version));
        }
        boolean formatSeen = false;
        for (String line = headerLine(HEADER_END);
                !line.equals(HEADER_END);
                line = headerLine(HEADER_END)) {
            switch (line) {
                case "format=bytevalue", "format=print" -> {
                    print = line.endsWith("print");
                    formatSeen = true;
                }
                case "duplicates=1", "dupsort=1" ->
                        throw lines.malformed(
                                "expected one value a key, found a database with duplicates");
                case "keys=0" ->
                        throw lines.malformed("expected keys and values, found values only");
                default -> checkHeader(line);
            }
        }
        if (!formatSeen) {
            throw lines.malformed("expected format=bytevalue or format=print in the header");
        }
    }

    /**
     * Checks the header. Sizes and flags of the other store have no meaning here; its kind has.
     */
    private void checkHeader(String line) throws MalformedInput {
        if (line.startsWith("format=")) {
            throw lines.malformed(
                    "expected format=bytevalue or format=print, found " + shown(line));
        }
        if (line.startsWith("type=") && !line.equals("type=btree") && !line.equals("type=hash")) {
            throw lines.malformed("expected type=btree or type=hash, found " + shown(line));
        }
        if (line.indexOf('=') < 1) {
            throw lines.malformed("expected NAME=VALUE or HEADER=END, found " + shown(line));
        }
    }

    private String headerLine(String expected) throws IOException {
        byte[] line = line();
        if (line == null) {
            throw lines.malformed("expected " + expected + ", found the end of the input");
        }
        return new String(line, ISO_8859_1);
    }

    /** The next line. It has no carriage return, because the format writes one as an escape. */
    private byte @Nullable [] line() throws IOException {
        byte[] line = lines.next();
        if (line != null && line.length > 0 && line[line.length - 1] == '\r') {
            throw lines.malformed("found a carriage return; end lines with \\n only");
        }
        return line;
    }

    /** The bytes of the next data line, or null at the end of the data. */
    private byte @Nullable [] data() throws IOException {
        byte[] line = line();
        if (line == null) {
            throw lines.malformed(
                    "expected DATA=END, found the end of the input: is it truncated?");
        }
        if (line.length > 0 && line[0] == ' ') {
            return print ? printed(line) : bytes(line);
        }
        if (!new String(line, ISO_8859_1).equals(DATA_END)) {
            throw lines.malformed("expected a line that starts with a space, or " + DATA_END);
        }
        if (lines.next() != null) {
            throw lines.malformed("expected the end of the input: load one database at a time");
        }
        ended = true;
        return null;
    }

    private byte[] bytes(byte[] line) throws MalformedInput {
        if (line.length % 2 == 0) {
            throw lines.malformed("expected two hexadecimal digits a byte, found an odd number");
        }
        byte[] bytes = new byte[line.length / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = hexByte(line, 1 + 2 * i);
        }
        return bytes;
    }

    private byte[] printed(byte[] line) throws MalformedInput {
        byte[] bytes = new byte[line.length - 1];
        int length = 0;
        for (int i = 1; i < line.length; i++) {
            byte b = line[i];
            if (b < ' ' || b == 0x7f) {
                throw lines.malformed("expected printable ASCII at column " + (i + 1));
            }
            if (b == '\\') {
                if (i + 1 < line.length && line[i + 1] == '\\') {
                    i++;
                } else {
                    b = hexByte(line, i + 1);
                    i += 2;
                }
            }
            bytes[length++] = b;
        }
        return Arrays.copyOf(bytes, length);
    }

    private byte hexByte(byte[] line, int at) throws MalformedInput {
        int value = at + 2 <= line.length ? Hex.byteAt(line, at) : -1;
        if (value < 0) {
            throw lines.malformed("expected two hexadecimal digits at column " + (at + 1));
        }
        return (byte) value;
    }

    private static String shown(String line) {
        return line.length() <= 40 ? line : line.substring(0, 40) + "...";
    }
}
