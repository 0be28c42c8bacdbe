package dev.cairn.cli.bench;

import java.time.Duration;
import java.util.SplittableRandom;

/**
 * Measures how long the memory takes for one load on which the next one depends. It walks through
 * an array, from cache line to cache line, in one cycle of random order.
 */
final class RandomLoads {
    private static final int LINE_INTS = 16;
    private static final int STEPS = 1 << 12;

    /** Beyond this size caches do not help anyway; and the array lies on the heap. */
    private static final long MOST_BYTES = 256 << 20;

    private final int[] next;
    private int at;

    RandomLoads(long bytes) {
        long affordable = Math.min(MOST_BYTES, Runtime.getRuntime().maxMemory() / 4);
        long lines = Math.clamp(bytes, 4_096, affordable) / (LINE_INTS * Integer.BYTES);
        next = new int[Math.toIntExact(lines * LINE_INTS)];
        linkAtRandom(Math.toIntExact(lines));
    }

    long bytes() {
        return (long) next.length * Integer.BYTES;
    }

    /** Nanoseconds for one load. */
    double nanos(Duration time) {
        walk();
        long start = System.nanoTime();
        long loads = 0;
        long taken;
        do {
            walk();
            loads += STEPS;
            taken = System.nanoTime() - start;
        } while (taken < time.toNanos());
        return (double) taken / loads;
    }

    private void walk() {
        int line = at;
        for (int step = 0; step < STEPS; step++) {
            line = next[line];
        }
        at = line;
    }

    /** Sattolo's algorithm: a permutation of all lines that is one cycle. */
    private void linkAtRandom(int lines) {
        SplittableRandom random = new SplittableRandom(lines);
        for (int line = 0; line < lines; line++) {
            next[line * LINE_INTS] = line * LINE_INTS;
        }
        for (int line = lines - 1; line > 0; line--) {
            int other = random.nextInt(line) * LINE_INTS;
            int swapped = next[line * LINE_INTS];
            next[line * LINE_INTS] = next[other];
            next[other] = swapped;
        }
    }
}
