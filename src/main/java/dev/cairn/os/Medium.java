package dev.cairn.os;

import java.io.IOException;

/**
 * What makes stored bytes durable: the one place where the operating system is asked to. Tests put a
 * medium of their own in its place, which loses power when they say so.
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

    /** Takes the place of the operating system in this process, for all files. */
    static void use(Medium medium) {
        MappedFile.medium = medium;
    }
}
