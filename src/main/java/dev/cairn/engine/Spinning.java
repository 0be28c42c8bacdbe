package dev.cairn.engine;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * How long a waiting thread polls before it sleeps. It polls for the whole allowed time, unless
 * waits have recently taken many times as long. Then polling hardly ever avoids a sleep, and a
 * thread polls no longer than a sleep and a wake-up cost.
 *
 * <p>A wait that ended in a sleep took longer because of it, and twice as much longer if the other
 * side sleeps too. So waits that are only somewhat longer than the bound are no reason to poll
 * less: two threads that answer each other would always sleep, each because the other does.
 *
 * <p>All threads of a process that wait for the same store learn from each other. They store to the
 * average without a lock, so what one of them learns may be lost.
 */
final class Spinning {
    /**
     * About what a sleep and a wake-up cost, so that a wait without success costs at most twice
     * that.
     */
    static final long SLEEP_NANOS = TimeUnit.MICROSECONDS.toNanos(5);

    /** The bound if there are many processors. */
    static final long USUAL_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

    private static final int MANY_PROCESSORS = 4;

    /** If waits take this many times the bound on average, threads do not poll for them. */
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
     * The bound on polling.
     *
     * @param asked the bound that was asked for, null if none was
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

    /** How long to poll now, in nanoseconds; 0 for not at all. */
    long nanos() {
        long most = mostNanos;
        return typicalNanos / LONG > most ? Math.min(most, SLEEP_NANOS) : most;
    }

    /** Notes how long a thread waited, polling or sleeping. */
    void waited(long nanos) {
        long longest = LONGEST * Math.min(mostNanos, Long.MAX_VALUE / LONGEST);
        long typical = typicalNanos;
        typicalNanos = typical + (Math.min(nanos, longest) - typical) / WEIGHT;
    }
}
