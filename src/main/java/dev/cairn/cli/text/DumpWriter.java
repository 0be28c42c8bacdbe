package dev.cairn.cli.text;

import static java.nio.charset.StandardCharsets.US_ASCII;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;

/** Writes what {@code db_load} and {@code mdb_load} read: version 3, format bytevalue. */
final class DumpWriter implements EntryWriter {
    private static final String HEADER =
            """
            VERSION=3
            format=bytevalue
            type=btree
            HEADER=END
            """;

    private final OutputStream out;

    DumpWriter(OutputStream out) throws IOException {
        this.out = out;
        out.write(HEADER.getBytes(US_ASCII));
    }

    @Override
    public void write(byte[] key, byte[] value, @Nullable Instant expires) throws IOException {
        line(key);
        line(value);
    }

    @Override
    public void finish() throws IOException {
        out.write("DATA=END\n".getBytes(US_ASCII));
        out.flush();
    }

    private void line(byte[] bytes) throws IOException {
        out.write(' ');
        for (byte b : bytes) {
            out.write(Hex.high(b));
            out.write(Hex.low(b));
        }
        out.write('\n');
    }
}
