package dev.cairn.cli.text;

import org.jspecify.annotations.Nullable;

import java.io.IOException;

/** Reads entries one by one; holds no more than one of them in memory. */
public interface EntryReader {
    /**
     * Reads the next entry.
     *
     * @return the entry, or null at the end
     * @throws MalformedInput if the next line does not have the format
     */
    @Nullable Entry next() throws IOException;
}
