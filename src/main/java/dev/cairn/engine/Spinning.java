package dev.cairn.engine;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * For how long a thread that waits looks again and again before it sleeps: for as long as it may, unless
 * waits have taken many times that lately. Then spinning hardly ever spares a sleep, and a thread spins
 * for no longer than a sleep and a wake-up cost.
 *
 * <p>A wait that ended in a sleep took longer for that, and if the other side sleeps too, twice. So
 * waits somewhat longer than the bound are no reason to spin for less: two threads that answer each
 * other would sleep for ever, each because the other does.
 *
 * <p>All threads of a process that wait for the same store learn from each other. They store to the
 * average without a lock: what one of them learns may be lost.
 */
final class Spinning {
    /** About what a sleep and a wake-up cost, so that a wait in vain costs twice that at most. */
    static final long SLEEP_NANOS = TimeUnit.MICROSECONDS.toNanos(5);

    /** The bound where processors are many. */
    static final long USUAL_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

    private static final int MANY_PROCESSORS = 4;

    /** Waits that take so many times the bound, on average, are not spun for. */
    private static final int LONG = 10;

    /** A wait counts as this many times the bound at most, so that some short ones outweigh it. */
    private static final int LONGEST = 64;

    private static final int WEIGHT = 8;

    private volatile long mostNanos;

    /** A moving average of how long waits took. */
    private volatile long typicalNanos;

    Spinning(long mostNanos) {
        this.mostNanos = mostNanos;
    }

    /**
     * The bound that was asked for.
     *
     * @param asked null if nobody asked for any
     */
    static long most(@Nullable Duration asked, int processors) {
        if (asked != null) {
            return asked.toNanos();
        }
        if (processors == 1) {
            return 0;
        }
        return processors < MANY_PROCESSORS ? SLEEP_NANOS : USUAL_NANOS;
    }

    void most(long nanos) {
        mostNanos = nanos;
    }

    /** How long to spin now, in nanoseconds; 0 for not at all. */
    long nanos() {
        long most = mostNanos;
        return typicalNanos / LONG > most ? Math.min(most, SLEEP_NANOS) : most;
    }

    /** Somebody waited for so long, spinning or sleeping. */
    void waited(long nanos) {
        long longest = LONGEST * Math.min(mostNanos, Long.MAX_VALUE / LONGEST);
        long typical = typicalNanos;
        typicalNanos = typical + (Math.min(nanos, longest) - typical) / WEIGHT;
    }
}
