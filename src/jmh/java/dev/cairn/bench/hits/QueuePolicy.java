package dev.cairn.bench.hits;

import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/**
 * Evicts from the end of one queue. The queue is in the order of puts (first in, first out) or of
 * uses (least recently used).
 */
final class QueuePolicy implements Policy {
    private static final int ABSENT = -1;

    private final IntUnaryOperator bytes;
    private final long maxBytes;
    private final boolean byUse;

    /**
     * A ring through all keys that are there and through one more place, where the ring begins and
     * ends.
     */
    private final int[] newer;

    private final int[] older;
    private final int ends;
    private long used;

    private QueuePolicy(int keys, IntUnaryOperator bytes, long maxBytes, boolean byUse) {
        this.bytes = bytes;
        this.maxBytes = maxBytes;
        this.byUse = byUse;
        ends = keys;
        newer = new int[keys + 1];
        older = new int[keys + 1];
        Arrays.fill(newer, ABSENT);
        newer[ends] = ends;
        older[ends] = ends;
    }

    static QueuePolicy leastRecentlyUsed(int keys, IntUnaryOperator bytes, long maxBytes) {
        return new QueuePolicy(keys, bytes, maxBytes, true);
    }

    static QueuePolicy firstInFirstOut(int keys, IntUnaryOperator bytes, long maxBytes) {
        return new QueuePolicy(keys, bytes, maxBytes, false);
    }

    @Override
    public boolean read(int key) {
        boolean there = newer[key] != ABSENT;
        if (!there) {
            add(key);
        } else if (byUse) {
            unlink(key);
            link(key);
        }
        return there;
    }

    @Override
    public void write(int key) {
        boolean _ = read(key);
    }

    private void add(int key) {
        if (bytes.applyAsInt(key) > maxBytes) {
            return;
        }
        link(key);
        used += bytes.applyAsInt(key);
        while (used > maxBytes) {
            int victim = newer[ends];
            unlink(victim);
            newer[victim] = ABSENT;
            used -= bytes.applyAsInt(victim);
        }
    }

    private void link(int key) {
        int newest = older[ends];
        newer[newest] = key;
        older[key] = newest;
        newer[key] = ends;
        older[ends] = key;
    }

    private void unlink(int key) {
        newer[older[key]] = newer[key];
        older[newer[key]] = older[key];
    }
}
