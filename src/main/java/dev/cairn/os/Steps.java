package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.util.UUID;

/**
 * The numbered steps of the protocols, as tests see them: a test may stop or kill a process between
 * any two. What else decides how a play of several threads goes stands here too, so that a test can
 * make it a function of its seed: time, waiting for each other, and random ids. Off unless the system
 * property {@value #PROPERTY} was set when the JVM started; the constant is then false and the
 * compiler removes every call.
 */
public final class Steps {
    public static final String PROPERTY = "dev.cairn.steps";
    public static final boolean ON = Boolean.getBoolean(PROPERTY);

    private static volatile @Nullable Listener listener;

    private Steps() {}

    /** A test. */
    public interface Listener {
        /** The step of that name was reached and not yet done. */
        void at(String step);

        /**
         * A thread wants what another thread has, and is about to sleep for so long.
         *
         * @return how long it is to sleep: not at all, if others have been let run meanwhile
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

    /** Tells the listener, if any, that the step of that name was reached and not yet done. */
    public static void at(String step) {
        if (ON) {
            Listener told = listener;
            if (told != null) {
                told.at(step);
            }
        }
    }

    /** How long to sleep, of so long, before the next look at what another thread has. */
    public static long pause(long nanos) {
        if (ON) {
            Listener told = listener;
            if (told != null) {
                return told.pause(nanos);
            }
        }
        return nanos;
    }

    /** As {@link System#nanoTime}, for whatever is decided by how long something took. */
    public static long nanoTime() {
        if (ON) {
            Listener told = listener;
            if (told != null) {
                return told.nanoTime();
            }
        }
        return System.nanoTime();
    }

    /** As {@link System#currentTimeMillis}, for whatever is stored or decided by it. */
    static long wallMillis() {
        if (ON) {
            Listener told = listener;
            if (told != null) {
                return told.wallMillis();
            }
        }
        return System.currentTimeMillis();
    }

    /** An id that nobody else has. */
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
