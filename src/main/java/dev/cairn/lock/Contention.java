package dev.cairn.lock;

import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/** Figures of one process about its waits for shared locks. */
public final class Contention {
    private final LongAdder waits = new LongAdder();
    private final LongAdder nanos = new LongAdder();
    private final LongAdder takeovers = new LongAdder();
    private final LongAccumulator longestNanos = new LongAccumulator(Long::max, 0);

    void waited(long time) {
        waits.increment();
        nanos.add(time);
        longestNanos.accumulate(time);
    }

    void tookOver() {
        takeovers.increment();
    }

    public long waits() {
        return waits.sum();
    }

    public long nanos() {
        return nanos.sum();
    }

    public long longestNanos() {
        return longestNanos.get();
    }

    public long takeovers() {
        return takeovers.sum();
    }
}
