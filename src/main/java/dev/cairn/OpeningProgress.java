package dev.cairn;

/**
 * How far a process has come that opens, recovers or closes a store just now.
 *
 * @param recovering whether it builds the shared-memory file anew from the log, which takes the longer
 *     the larger the store is
 * @param doneBytes bytes that it went over so far; 0 unless it is recovering
 * @param allBytes bytes that it is to go over at most, each of the file's several times; 0 unless it
 *     is recovering
 */
public record OpeningProgress(boolean recovering, long doneBytes, long allBytes) {
    /** 0 to 100, 0 unless it is recovering. */
    public int percent() {
        return allBytes <= 0 ? 0 : (int) Math.clamp(100.0 * doneBytes / allBytes, 0, 100);
    }
}
