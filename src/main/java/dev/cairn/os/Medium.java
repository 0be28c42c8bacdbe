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
     * Something was stored to every page of the range, so that the next force writes the pages even
     * if they were taken for clean; also if it is what was there before. Told of the data file only,
     * and only where {@link Steps} are on.
     */
    default void stored(MappedFile file, long from, long to) {}

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
