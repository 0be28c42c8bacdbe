package dev.cairn.stripe;

import dev.cairn.format.HashBits;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.log.RecordWindow;

import java.util.Arrays;

/**
 * Puts of a window that go from the oldest region to the tail: where each stands, its hash, and where
 * its slot word stands. Of this process alone: a redo after a death finds the same by the copies.
 */
final class Moves {
    private static final int SOME = 32;

    private final RecordWindow window;
    private final Index index;
    private int[] puts = new int[SOME];
    private long[] hashes = new long[SOME];
    private long[] slotAts = new long[SOME];

    /** Of each, the heat of its copy. */
    private int[] heats = new int[SOME];

    /** Of each, the slot word of its copy, once that is written. */
    private long[] slots = new long[SOME];

    private int count;

    Moves(RecordWindow window, Index index) {
        this.window = window;
        this.index = index;
    }

    void clear() {
        count = 0;
    }

    /**
     * Adds one.
     *
     * @param put of the window
     * @param heat of the copy
     */
    void add(int put, long hash, long slotAt, int heat) {
        if (count == puts.length) {
            puts = Arrays.copyOf(puts, 2 * count);
            heats = Arrays.copyOf(heats, 2 * count);
            hashes = Arrays.copyOf(hashes, 2 * count);
            slotAts = Arrays.copyOf(slotAts, 2 * count);
            slots = Arrays.copyOf(slots, 2 * count);
        }
        puts[count] = put;
        heats[count] = heat;
        hashes[count] = hash;
        slotAts[count] = slotAt;
        count++;
    }

    int count() {
        return count;
    }

    /** Bytes of some of them, from the first to before the last. */
    int bytes(int first, int last) {
        int bytes = 0;
        for (int i = first; i < last; i++) {
            bytes += window.length(puts[i]);
        }
        return bytes;
    }

    /** Behind the last of those that fit so many bytes, from the first on. */
    int fitting(int first, int room) {
        int last = first;
        int left = room;
        while (last < count && window.length(puts[last]) <= left) {
            left -= window.length(puts[last]);
            last++;
        }
        return last;
    }

    /**
     * The images of their copies.
     *
     * @param to gets them, one behind the other
     * @param number allocation number of the region where they will stand
     * @param offset where in the file the first will stand
     */
    void copy(int first, int last, byte[] to, long number, long offset) {
        int at = 0;
        for (int i = first; i < last; i++) {
            window.copy(puts[i], to, at, number, offset + at, heats[i]);
            slots[i] = index.slotWord(offset + at, hashes[i]);
            at += window.length(puts[i]);
        }
    }

    /** Notes, before the commit, when those that expire do. */
    void noteExpiries(int first, int last, StripeWords words) {
        for (int i = first; i < last; i++) {
            words.noteExpiry(window.expires(puts[i]));
        }
    }

    /** Swings a slot word to the copy; behind the commit. */
    void swing(int i) {
        index.swing(slotAts[i], slots[i], HashBits.tag(hashes[i]));
    }
}
