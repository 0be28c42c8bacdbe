package dev.cairn.stripe;

import dev.cairn.format.HashBits;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;

import java.util.Arrays;

/**
 * Entries that go with the oldest region: where the slot word of each stands, and what eviction wants to
 * know of it. Of this process alone: a redo after a death finds them by the region's records, which the
 * index still points to.
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

    /** Bytes of the records. */
    long bytes() {
        return bytes;
    }

    /** Makes an entry absent; behind the commit. */
    void swing(int i) {
        index.swing(slotAts[i], 0, HashBits.tag(hashes[i]));
    }

    /** Tells what went, when all of it has. */
    void tell(StripeWords words, Policy policy) {
        for (int i = 0; i < count; i++) {
            index.lowerOverflow(words, hashes[i], index.passed(words, hashes[i], slotAts[i]));
            policy.hasGone(hashes[i], heats[i], expired[i]);
        }
    }
}
