package dev.cairn.stripe;

import dev.cairn.format.Words;

import java.lang.foreign.MemorySegment;

/**
 * Remembers how often evicted keys were used, so that a key which comes back is not taken for a new
 * one. The ghosts of one stripe are guarded by its lock. A word has four cells of 16 bits, each
 * with 12 bits of a key's hash and 4 of its frequency; a frequency of 0 means that the cell is
 * empty. Two keys with the same bits are taken for one another.
 */
final class Ghosts {
    static final int MOST = 15;

    private static final int CELLS = 4;
    private static final int CELL_BITS = 16;
    private static final int FREQUENCY_BITS = 4;
    private static final int FINGERPRINT_MASK = (1 << CELL_BITS - FREQUENCY_BITS) - 1;

    /** The bits of each cell that a halved frequency has. */
    private static final long HALVES = 0x0007_0007_0007_0007L;

    private static final long FINGERPRINTS = 0xFFF0_FFF0_FFF0_FFF0L;

    /**
     * An odd number that mixes the bits of the hash: the stripe and the bucket use other bits of
     * it.
     */
    private static final long MULTIPLIER = 0x9E37_79B9_7F4A_7C15L;

    private final MemorySegment memory;
    private final long at;
    private final long words;

    /**
     * @param at the position of the first word in the memory
     *
     * @param bytes the size of all words
     */
    Ghosts(MemorySegment memory, long at, long bytes) {
        this.memory = memory;
        this.at = at;
        this.words = bytes / Long.BYTES;
    }

    /** How often the key of that hash was used before it was evicted; 0 if that is not known. */
    int frequency(long hash) {
        long word = Words.acquire(memory, at(hash));
        int cell = cellOf(word, fingerprint(hash));
        return cell < 0 ? 0 : frequency(word, cell);
    }

    /** Forgets a key that is present again. */
    void forget(long hash) {
        long word = Words.acquire(memory, at(hash));
        int cell = cellOf(word, fingerprint(hash));
        if (cell >= 0) {
            Words.release(memory, at(hash), with(word, cell, 0));
        }
    }

    /**
     * Remembers a key that is evicted. It takes an empty cell, or the cell of the least used key.
     * If that key was used more, it stays, and its frequency falls by one instead.
     */
    void remember(long hash, int frequency) {
        if (frequency == 0) {
            return;
        }
        int fingerprint = fingerprint(hash);
        long word = Words.acquire(memory, at(hash));
        int least = fingerprint % CELLS;
        for (int i = 1; i < CELLS; i++) {
            int cell = (fingerprint + i) % CELLS;
            if (frequency(word, cell) < frequency(word, least)) {
                least = cell;
            }
        }
        int found = frequency(word, least);
        long to =
                found <= frequency
                        ? with(word, least, fingerprint << FREQUENCY_BITS | frequency)
                        : with(word, least, cell(word, least) - 1);
        Words.release(memory, at(hash), to);
    }

    /** Halves all frequencies. */
    void halve() {
        for (long i = 0; i < words; i++) {
            long place = at + i * Long.BYTES;
            long word = Words.acquire(memory, place);
            if (word != 0) {
                Words.release(memory, place, word >>> 1 & HALVES | word & FINGERPRINTS);
            }
        }
    }

    private long at(long hash) {
        return at + Math.unsignedMultiplyHigh(hash * MULTIPLIER, words) * Long.BYTES;
    }

    private static int fingerprint(long hash) {
        return (int) (hash * MULTIPLIER >>> 20) & FINGERPRINT_MASK;
    }

    /** The cell of a fingerprint, -1 if there is none. */
    private static int cellOf(long word, int fingerprint) {
        for (int cell = 0; cell < CELLS; cell++) {
            if (cell(word, cell) >>> FREQUENCY_BITS == fingerprint && frequency(word, cell) != 0) {
                return cell;
            }
        }
        return -1;
    }

    private static int cell(long word, int cell) {
        return (int) (word >>> cell * CELL_BITS) & (1 << CELL_BITS) - 1;
    }

    private static int frequency(long word, int cell) {
        return cell(word, cell) & MOST;
    }

    private static long with(long word, int cell, int value) {
        long mask = (1L << CELL_BITS) - 1 << cell * CELL_BITS;
        return word & ~mask | (long) value << cell * CELL_BITS;
    }
}
