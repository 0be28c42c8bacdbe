package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.time.Instant;

/** Writes entries one by one. */
public interface EntryWriter {
    /** Writes one without a time to live. */
    default void write(byte[] key, byte[] value) throws IOException {
        write(key, value, null);
    }

    /**
     * Writes one.
     *
     * @param expires null if it has no time to live; of no use to a format that cannot say so, see
     *     {@link TextFormat#tellsExpiry}
     */
    void write(byte[] key, byte[] value, @Nullable Instant expires) throws IOException;

    /** Writes what the format has after the last entry, and flushes; the stream stays open. */
    void finish() throws IOException;
}
