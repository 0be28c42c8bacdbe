package dev.cairn.cli.demo;

import org.HdrHistogram.Histogram;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * How long the operations of one child took: a histogram of all, and the times of the slow ones.
 */
final class Operations {
    private static final long SLOW_NANOS = 1_000_000;
    private static final int SLOW_KEPT = 1000;

    private final Histogram nanos = new Histogram(3);
    private final PriorityQueue<Slow> slow =
            new PriorityQueue<>(Comparator.comparingLong(Slow::nanos));
    private final long wallMicros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
    private final long startNanos = System.nanoTime();

    /** An operation that took long: wall-clock start in microseconds, duration in nanoseconds. */
    record Slow(long startMicros, long nanos) {
        boolean endedBefore(long micros) {
            return startMicros + nanos / 1000 < micros;
        }
    }

    /** Notes an operation that began and ended at these readings of {@link System#nanoTime}. */
    void record(long begin, long end) {
        nanos.recordValue(end - begin);
        if (end - begin >= SLOW_NANOS) {
            slow.add(new Slow(wallMicros + (begin - startNanos) / 1000, end - begin));
            if (slow.size() > SLOW_KEPT) {
                slow.remove();
            }
        }
    }

    long count() {
        return nanos.getTotalCount();
    }

    void say(Parent parent) {
        slow.forEach(s -> parent.say("slow " + s.startMicros + " " + s.nanos));
        parent.say(
                "operations %d %d %d %d %d %d"
                        .formatted(
                                nanos.getTotalCount(),
                                System.nanoTime() - startNanos,
                                nanos.getValueAtPercentile(50),
                                nanos.getValueAtPercentile(99),
                                nanos.getValueAtPercentile(99.9),
                                nanos.getMaxValue()));
    }
}
