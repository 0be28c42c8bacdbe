package dev.cairn.engine;

import dev.cairn.os.Futex;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Waits, without a lock, until something is there: a thread of the platform spins for a moment
 * ({@link Spinning}), then sleeps in the kernel until a writer wakes it (stripe.Waiters). Virtual
 * threads, whose carriers both would hold, do neither: as threads of processes that store nothing, and
 * of JVMs without native access, they look from time to time.
 *
 * <p>Each sleep is timed (RULE 17), since no interrupt ends it and the writer may die before it wakes
 * anybody.
 */
final class Waiting {
    /** Longest sleep in milliseconds; for tests. */
    static final String SLICE_PROPERTY = "dev.cairn.wait-slice-millis";

    private static final long SLICE_MILLIS = 20;
    private static final long FIRST_PAUSE_NANOS = 20_000;
    private static final long PAUSE_NANOS = 1_000_000;

    /** Who waited this many times as long may be told a pause late: many may wait, and for long. */
    private static final int PATIENCE = 64;

    /** Looks between two looks at the clock. */
    private static final int SPINS = 16;

    private final long sliceNanos =
            TimeUnit.MILLISECONDS.toNanos(Math.max(1, Long.getLong(SLICE_PROPERTY, SLICE_MILLIS)));

    private final boolean sleeps;
    private final Spinning spinning;

    /**
     * @param writable whether this process may ask in shared memory to be woken
     */
    Waiting(boolean writable, Spinning spinning) {
        this.sleeps = writable && Futex.isAvailable();
        this.spinning = spinning;
    }

    /**
     * What is waited for.
     *
     * @param <T> what there is then
     */
    interface Awaited<T> {
        /** Null while it is not there. */
        @Nullable T look();

        /** How long at most it may be until the next look. */
        long patienceNanos();

        /** Whether it may be there, by one load or two. */
        boolean stirred();

        /** Asks to be woken; to be followed by a look before {@link #sleep}. */
        int ask();

        /** Sleeps; false if this cannot be done here. */
        boolean sleep(int asked, long nanos);

        /** Called now and then while it is not there. */
        void idle();
    }

    /** As nanoseconds, however long. */
    static long nanos(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("timeout is negative: " + timeout);
        }
        try {
            return timeout.toNanos();
        } catch (ArithmeticException _) {
            return Long.MAX_VALUE;
        }
    }

    /**
     * Waits.
     *
     * @param stillOpen throws when there is nothing to wait for any more
     * @return null if the time passed
     */
    <T> @Nullable T until(Awaited<T> awaited, long nanos, Runnable stillOpen)
            throws InterruptedException {
        boolean ofPlatform = !Thread.currentThread().isVirtual();
        boolean sleepHere = sleeps && ofPlatform;
        boolean asked = false;
        int noted = 0;
        long start = System.nanoTime();
        long spinNanos = ofPlatform ? spinning.nanos() : 0;
        long idle = start;
        boolean waited = false;
        for (long pause = FIRST_PAUSE_NANOS; ; ) {
            stillOpen.run();
            T found = awaited.look();
            long now = System.nanoTime();
            long left = nanos - (now - start);
            if (found != null || left <= 0) {
                if (waited) {
                    spinning.waited(now - start);
                }
                return found;
            }
            waited = true;
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            if (now - idle > sliceNanos) {
                awaited.idle();
                idle = now;
            }
            long most = Math.min(left, awaited.patienceNanos());
            if (asked) {
                sleepHere = awaited.sleep(noted, Math.min(most, sliceNanos));
                asked = false;
                continue;
            }
            if (spins(awaited, now, Math.min(most, sliceNanos), start + spinNanos)) {
                continue;
            }
            if (sleepHere) {
                noted = awaited.ask();
                asked = true;
            } else {
                LockSupport.parkNanos(Math.min(most, pause));
                long longest = Math.clamp((now - start) / PATIENCE, PAUSE_NANOS, sliceNanos);
                pause = Math.min(2 * pause, longest);
            }
        }
    }

    /**
     * Spins until it may be there, or for so long.
     *
     * @param end of all spinning
     * @return whether to look again before a sleep
     */
    private static boolean spins(Awaited<?> awaited, long now, long nanos, long end) {
        long until = now + Math.min(nanos, end - now);
        while (System.nanoTime() - until < 0) {
            for (int spin = 0; spin < SPINS; spin++) {
                if (awaited.stirred()) {
                    return true;
                }
                Thread.onSpinWait();
            }
        }
        return until - end < 0;
    }
}
