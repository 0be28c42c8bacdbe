package dev.cairn.engine;

import dev.cairn.os.Futex;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Waits, without a lock, until something is there. A platform thread polls for a moment ({@link
 * Spinning}), then sleeps in the kernel until a writer wakes it (stripe.Waiters). A virtual thread
 * does neither, because both would block its carrier: it looks from time to time. So do threads of
 * read-only processes, and of JVMs without native access.
 *
 * <p>Each sleep is timed (RULE 17), since no interrupt ends it, and the writer may die before it
 * wakes anybody.
 */
final class Waiting {
    /** The property for the longest sleep in milliseconds; for tests. */
    static final String SLICE_PROPERTY = "dev.cairn.wait-slice-millis";

    private static final long SLICE_MILLIS = 20;
    private static final long FIRST_PAUSE_NANOS = 20_000;
    private static final long PAUSE_NANOS = 1_000_000;

    /**
     * A thread that has waited this many times as long may notice a change one pause late, since
     * many threads may wait for a long time.
     */
    private static final int PATIENCE = 64;

    /** The number of looks between two looks at the clock. */
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
     * What a thread waits for.
     *
     * @param <T> the type of the result
     */
    interface Awaited<T> {
        /** Looks for the result; null while it is not there. */
        @Nullable T look();

        /** The greatest time until the next look. */
        long patienceNanos();

        /** Whether the result may be there, by one load or two. */
        boolean stirred();

        /** Asks to be woken. The caller must look again before {@link #sleep}. */
        int ask();

        /** Sleeps; returns false if threads cannot sleep here. */
        boolean sleep(int asked, long nanos);

        /** Is called now and then while the result is not there. */
        void idle();
    }

    /** The timeout in nanoseconds, however long it is. */
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
     * Waits for the result.
     *
     * @param stillOpen throws if there is nothing to wait for any more
     * @return null if the time has passed
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
     * Polls until the result may be there, or for the given time.
     *
     * @param end the end of all polling
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
