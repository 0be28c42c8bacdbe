package dev.cairn.log;

import dev.cairn.format.Place;

import java.util.ArrayDeque;
import java.util.function.LongUnaryOperator;

/**
 * Runs of regions that this process saw die or found free, the oldest first. It looks here before
 * it searches. If other processes have claimed some of them meanwhile, these are dropped when they
 * are met.
 */
final class Reusable {
    private static final int MOST = 1 << 14;

    /** The number of runs that are looked at for one claim. */
    private static final int LOOKS = 4;

    private final ArrayDeque<Long> runs = new ArrayDeque<>();

    synchronized void add(long first, long regions) {
        if (runs.size() < MOST) {
            runs.add(Place.run(first, regions));
        }
    }

    synchronized boolean isEmpty() {
        return runs.isEmpty();
    }

    /**
     * Removes and returns the first of this many neighbours.
     *
     * @param free tells how many regions at the beginning of a run are free, or -1 if it waits;
     *     then those after it wait too, because they died later
     * @return -1 if none of the oldest runs has them
     */
    synchronized long poll(long regions, LongUnaryOperator free) {
        for (int look = Math.min(LOOKS, runs.size()); look > 0; look--) {
            long run = runs.remove();
            long found = free.applyAsLong(run);
            if (found < 0) {
                runs.addFirst(run);
                return -1;
            }
            if (found < regions && found == Place.low(run)) {
                runs.add(run);
            } else if (found >= regions) {
                long rest = Place.low(run) - regions;
                if (rest > 0) {
                    runs.addFirst(Place.run(Place.region(run) + regions, rest));
                }
                return Place.region(run);
            }
        }
        return -1;
    }
}
