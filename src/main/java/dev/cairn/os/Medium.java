package dev.cairn.os;

import java.io.IOException;
import java.nio.file.Path;

/**
 * What makes stored bytes durable: the one place where the operating system is asked to. Tests put a
 * medium of their own in its place, which loses power, or is full, when they say so.
 */
public interface Medium {
    /** The operating system's. */
    Medium SYSTEM = MappedFile::synchronize;

    /**
     * Makes a range of a file durable: whatever any process stored there before the call.
     *
     * @throws IOException if that is not certain; what is durable is then unknown
     */
    void force(MappedFile file, long from, long to) throws IOException;

    /**
     * One word of every page of the range was stored again, so that the next force writes the pages
     * even if they are taken for clean.
     */
    default void storedAgain(MappedFile file, long from, long to) {}

    /**
     * A range of a file is about to be given real blocks.
     *
     * @throws IOException if there are to be none left
     */
    default void reserving(Path file, long from, long to) throws IOException {}

    /** Takes the place of the operating system in this process, for all files. */
    static void use(Medium medium) {
        MappedFile.medium = medium;
    }
}
