package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/**
 * The formats of entries as text. Each keeps any bytes, and all except {@link #MDB} keep times of
 * expiry.
 */
public enum TextFormat {
    /**
     * Key, tab, value, and for an entry that expires another tab and the time: {@link TsvWriter}.
     */
    TSV,
    /** One JSON object per line: {@link JsonLinesWriter}. */
    JSONL,
    /** The dump format of Berkeley DB and LMDB: {@link DumpReader}. */
    MDB;

    /** Whether the format says when an entry expires. */
    public boolean tellsExpiry() {
        return this != MDB;
    }

    /**
     * The format that the file's extension names; tsv if it names none, or there is no file.
     *
     * @throws IllegalArgumentException if the extension names an unknown format
     */
    public static TextFormat of(@Nullable Path file) {
        String name = file == null ? "" : file.toString().toLowerCase(Locale.ROOT);
        String extension = name.substring(name.lastIndexOf('.') + 1);
        return switch (extension) {
            case "jsonl", "ndjson" -> JSONL;
            case "mdb", "dump" -> MDB;
            case "json", "csv", "xml", "yaml", "yml", "gz", "bz2", "xz", "zst", "zip" ->
                    throw new IllegalArgumentException(
                            "%s: %s is not a format of entries; name one with --format: %s"
                                    .formatted(file, extension, Arrays.toString(values())));
            default -> TSV;
        };
    }

    /** Creates a reader of entries from the stream; messages call the stream by the name. */
    public EntryReader reader(InputStream in, String name) {
        Lines lines = new Lines(in, name);
        return switch (this) {
            case TSV -> new TsvReader(lines);
            case JSONL -> new JsonLinesReader(lines);
            case MDB -> new DumpReader(lines);
        };
    }

    /**
     * Creates a writer of entries to the stream. It makes many small writes, so the stream should
     * buffer.
     */
    public EntryWriter writer(OutputStream out) throws IOException {
        return switch (this) {
            case TSV -> new TsvWriter(out);
            case JSONL -> new JsonLinesWriter(out);
            case MDB -> new DumpWriter(out);
        };
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
