package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.util.UUID;

/**
 * The numbered steps of the protocols, as tests see them: a test may stop or kill a process between
 * any two. Everything else that decides how several threads interleave is here too, so that a test
 * can make it a function of its seed: time, waits for each other, and random IDs. It is off unless
 * the system property {@value #PROPERTY} was set when the JVM started; the constant is then false
 * and the compiler removes every call.
 */
public final class Steps {
    public static final String PROPERTY = "dev.cairn.steps";
    public static final boolean ON = Boolean.getBoolean(PROPERTY);

    private static volatile @Nullable Listener listener;

    private Steps() {}

    /** A test that listens. */
    public interface Listener {
        /** Is told that the step of that name was reached and is not done yet. */
        void at(String step);

        /**
         * Is told that a thread wants what another thread has, and is about to sleep.
         *
         * @return how long it should sleep; 0 if other threads ran meanwhile
         */
        default long pause(long nanos) {
            return nanos;
        }

        default long nanoTime() {
            return System.nanoTime();
        }

        /** Milliseconds since 1970. */
        default long wallMillis() {
            return System.currentTimeMillis();
        }

        default UUID randomId() {
            return Host.randomId();
        }
    }

    /**
     * Tells the listener, if there is one, that the step of that name was reached and is not done
     * yet.
     */
    public static void at(String step) {
        if (ON) {
            Listener told = listener;
            if (told != null) {
                told.at(step);
            }
        }
    }

    /**
     * How long to sleep, instead of that time, before the next look at what another thread has.
     */
    public static long pause(long nanos) {
        if (ON) {
            Listener told = listener;
            if (told != null) {
                return told.pause(nanos);
            }
        }
        return nanos;
    }

    /**
     * The time as {@link System#nanoTime} tells it, for decisions that depend on how long something
     * took.
     */
    public static long nanoTime() {
        if (ON) {
            Listener told = listener;
            if (told != null) {
                return told.nanoTime();
            }
        }
        return System.nanoTime();
    }

    /**
     * The time as {@link System#currentTimeMillis} tells it, for what is stored or decided by it.
     */
    static long wallMillis() {
        if (ON) {
            Listener told = listener;
            if (told != null) {
                return told.wallMillis();
            }
        }
        return System.currentTimeMillis();
    }

    /** A new unique ID. */
    public static UUID randomId() {
        if (ON) {
            Listener told = listener;
            if (told != null) {
                return told.randomId();
            }
        }
        return Host.randomId();
    }

    public static void listen(@Nullable Listener toEveryStep) {
        listener = toEveryStep;
    }
}
