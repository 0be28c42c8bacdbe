package dev.cairn.stripe;

import dev.cairn.format.HashBits;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.log.RecordWindow;

import java.util.Arrays;

/**
 * The puts of a window that move from the oldest region to the tail: the place of each, its hash,
 * and the position of its slot word. It belongs to this process alone: a redo after a death finds
 * the same by the copies.
 */
final class Moves {
    private static final int SOME = 32;

    private final RecordWindow window;
    private final Index index;
    private int[] puts = new int[SOME];
    private long[] hashes = new long[SOME];
    private long[] slotAts = new long[SOME];

    /** For each put, the heat of its copy. */
    private int[] heats = new int[SOME];

    /** For each put, the slot word of its copy, once the copy is written. */
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
     * Adds a put.
     *
     * @param put its index in the window
     * @param heat the heat of the copy
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

    /** The bytes of the puts from the first to before the last. */
    int bytes(int first, int last) {
        int bytes = 0;
        for (int i = first; i < last; i++) {
            bytes += window.length(puts[i]);
        }
        return bytes;
    }

    /**
     * The index after the last put that fits into that many bytes, if the first one goes first.
     */
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
     * Writes the images of the copies.
     *
     * @param to the array that gets them, one after the other
     * @param number the allocation number of the region for which they are meant
     * @param offset the offset in the file for which the first is meant
     */
    void copy(int first, int last, byte[] to, long number, long offset) {
        int at = 0;
        for (int i = first; i < last; i++) {
            window.copy(puts[i], to, at, number, offset + at, heats[i]);
            slots[i] = index.slotWord(offset + at, hashes[i]);
            at += window.length(puts[i]);
        }
    }

    /** Notes the expiry times of the puts, before the commit. */
    void noteExpiries(int first, int last, StripeWords words) {
        for (int i = first; i < last; i++) {
            words.noteExpiry(window.expires(puts[i]));
        }
    }

    /** Swings a slot word to the copy, after the commit. */
    void swing(int i) {
        index.swing(slotAts[i], slots[i], HashBits.tag(hashes[i]));
    }
}
