package dev.cairn.cli.text;

import java.io.IOException;

/** Writes entries one by one. */
public interface EntryWriter {
    void write(byte[] key, byte[] value) throws IOException;

    /** Writes what the format has after the last entry, and flushes; the stream stays open. */
    void finish() throws IOException;
}
