package dev.cairn.cli.bench;

import java.time.Duration;

/**
 * What is to be measured.
 *
 * @param valueBytes the length of every value
 * @param time what all windows take together
 * @param processors that this JVM may use
 */
record Setting(long entries, int valueBytes, Duration time, int processors) {
    static final int KEY_BYTES = 2 * Long.BYTES;
    static final int BATCH = 64;
    static final int FEW = 1_000;

    /** Of a record beside key and value, and of its slot in an index that has just grown. */
    private static final double ENTRY_BYTES = 96;

    /** What was overwritten stays until a checkpoint and cleaning: 3 copies, and more of large values. */
    private static final double COPIES = 5;

    /** What a store takes at least: regions of every stripe, and the page that is synced. */
    private static final double LEAST_BYTES = 12 << 20;

    /** The threads that are more than one. */
    int threads() {
        return Math.max(processors, 2);
    }

    /** What the store may take of the disk; a floating point number, as it may exceed any disk. */
    double bytesAtMost() {
        return LEAST_BYTES + COPIES * entries * (KEY_BYTES + valueBytes + ENTRY_BYTES);
    }

    /** What the values take that all threads have in their hands. */
    double heapBytes() {
        return (double) threads() * (BATCH + 2) * valueBytes;
    }

    /** How many entries are overwritten before a small checkpoint. */
    int few() {
        return Math.toIntExact(Math.min(FEW, entries));
    }

    Duration share(double part) {
        return Duration.ofNanos(Math.round(time.toNanos() * part));
    }
}
