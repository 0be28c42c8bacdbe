package dev.cairn.cli.bench;

import java.time.Duration;

/**
 * What is to be measured.
 *
 * @param valueBytes the length of every value
 * @param time the total time of all windows
 * @param processors how many processors this JVM may use
 */
record Setting(long entries, int valueBytes, Duration time, int processors) {
    static final int KEY_BYTES = 2 * Long.BYTES;
    static final int BATCH = 64;
    static final int FEW = 1_000;

    /**
     * The bytes of a record besides key and value, and of its slot in an index that has just grown.
     */
    private static final double ENTRY_BYTES = 96;

    /**
     * How many copies of an entry there may be: overwritten ones stay until a checkpoint and
     * cleaning. There are 3, and more for large values.
     */
    private static final double COPIES = 5;

    /** What a store takes at least: regions of every stripe, and the page that is synced. */
    private static final double LEAST_BYTES = 12 << 20;

    /** The number of threads in the measurements with several threads. */
    int threads() {
        return Math.max(processors, 2);
    }

    /**
     * How much of the disk the store may take. It is a floating point number, as it may exceed any
     * disk.
     */
    double bytesAtMost() {
        return LEAST_BYTES + COPIES * entries * (KEY_BYTES + valueBytes + ENTRY_BYTES);
    }

    /** How much heap the values take that all threads hold at once. */
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
