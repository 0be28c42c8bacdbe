package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.io.IOException;

/** Reads entries one by one; holds no more than one of them in memory. */
public interface EntryReader {
    /**
     * The next entry, or null at the end.
     *
     * @throws MalformedInput when the next line is none of the format
     */
    @Nullable Entry next() throws IOException;
}
