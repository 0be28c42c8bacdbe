package dev.cairn;

/**
 * How far a process has come that opens, recovers or closes a store just now. Made by Cairn only: a
 * later version may add figures.
 */
public interface OpeningProgress {
    /**
     * Whether the process builds the shared-memory file anew from the log, which takes the longer the
     * larger the store is.
     */
    boolean recovering();

    /** The bytes that the process went over so far; 0 unless it is recovering. */
    long doneBytes();

    /**
     * The bytes that the process is to go over at most, each of the file's several times; 0 unless it
     * is recovering.
     */
    long allBytes();

    /** The part of all bytes that is done: 0 to 100, and 0 unless the process is recovering. */
    default int percent() {
        return allBytes() <= 0 ? 0 : (int) Math.clamp(100.0 * doneBytes() / allBytes(), 0, 100);
    }
}
