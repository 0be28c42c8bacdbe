package dev.cairn;

/**
 * The progress of a process that is opening, recovering or closing a store. Only Cairn implements
 * this interface, so a later version may add figures.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="openingProgress"}
 */
public interface OpeningProgress {
    /**
     * {@return whether the process is building the shared-memory file from the log} The time for
     * this grows with the size of the store.
     */
    boolean recovering();

    /**
     * {@return the number of bytes that the process has read so far; 0 unless it is recovering}
     */
    long doneBytes();

    /**
     * {@return the greatest number of bytes that the process will read; 0 unless it is recovering}
     * A byte of the file counts several times, because it is read several times.
     */
    long allBytes();

    /**
     * {@return the share of all bytes that is done, from 0 to 100 percent; 0 unless the process is
     * recovering}
     */
    default int percent() {
        return allBytes() <= 0 ? 0 : (int) Math.clamp(100.0 * doneBytes() / allBytes(), 0, 100);
    }
}
