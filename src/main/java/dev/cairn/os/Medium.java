package dev.cairn.os;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Makes stored bytes durable. Only here the operating system is asked to do so. Tests replace it by
 * a medium of their own, which loses power, or is full, when they say so.
 */
public interface Medium {
    /** The medium of the operating system. */
    Medium SYSTEM = MappedFile::synchronize;

    /**
     * Makes a range of a file durable: what any process stored there before the call.
     *
     * @throws IOException if that is not certain; what is durable is then unknown
     */
    void force(MappedFile file, long from, long to) throws IOException;

    /**
     * Is told that bytes were stored to every page of the range, even if they were there before, so
     * that the next force writes the pages even if they were taken for clean. It is called for the
     * data file only, and only if {@link Steps} are on.
     */
    default void stored(MappedFile file, long from, long to) {}

    /**
     * Is told that a range of a file is about to get real blocks.
     *
     * @throws IOException if the medium has none left
     */
    default void reserving(Path file, long from, long to) throws IOException {}

    /** Replaces the operating system in this process, for all files. */
    static void use(Medium medium) {
        MappedFile.medium = medium;
    }
}
