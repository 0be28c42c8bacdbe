package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Instant;

/** Writes entries one by one. */
public interface EntryWriter {
    /** Writes an entry that does not expire. */
    default void write(byte[] key, byte[] value) throws IOException {
        write(key, value, null);
    }

    /**
     * Writes an entry.
     *
     * @param expires when it expires, null if it does not; a format that cannot say so ignores it,
     *     see {@link TextFormat#tellsExpiry}
     */
    void write(byte[] key, byte[] value, @Nullable Instant expires) throws IOException;

    /**
     * Writes what the format requires after the last entry, and flushes; the stream stays open.
     */
    void finish() throws IOException;
}
