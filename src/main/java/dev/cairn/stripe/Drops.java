package dev.cairn.stripe;

import dev.cairn.format.HashBits;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;

import java.util.Arrays;

/**
 * The entries that go with the oldest region: the position of each slot word, and what eviction
 * needs to know about the entry. It belongs to this process alone: a redo after a death finds the
 * entries by the region's records to which the index still points.
 */
final class Drops {
    private static final int SOME = 64;

    private final Index index;
    private long[] hashes = new long[SOME];
    private long[] slotAts = new long[SOME];
    private int[] heats = new int[SOME];
    private boolean[] expired = new boolean[SOME];
    private int count;
    private long bytes;

    Drops(Index index) {
        this.index = index;
    }

    void clear() {
        count = 0;
        bytes = 0;
    }

    void add(long hash, long slotAt, int heat, boolean hasExpired, int recordBytes) {
        if (count == hashes.length) {
            hashes = Arrays.copyOf(hashes, 2 * count);
            slotAts = Arrays.copyOf(slotAts, 2 * count);
            heats = Arrays.copyOf(heats, 2 * count);
            expired = Arrays.copyOf(expired, 2 * count);
        }
        hashes[count] = hash;
        slotAts[count] = slotAt;
        heats[count] = heat;
        expired[count] = hasExpired;
        count++;
        bytes += recordBytes;
    }

    int count() {
        return count;
    }

    /** The bytes of the records. */
    long bytes() {
        return bytes;
    }

    /** Makes an entry absent, after the commit. */
    void swing(int i) {
        index.swing(slotAts[i], 0, HashBits.tag(hashes[i]));
    }

    /** Tells the policy which entries went, when all of them are gone. */
    void tell(StripeWords words, Policy policy) {
        for (int i = 0; i < count; i++) {
            index.lowerOverflow(words, hashes[i], index.passed(words, hashes[i], slotAts[i]));
            policy.hasGone(hashes[i], heats[i], expired[i]);
        }
    }
}
