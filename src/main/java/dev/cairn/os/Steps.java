package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.util.function.Consumer;

/**
 * The numbered steps of the protocols, as tests see them: a test may stop or kill a process between
 * any two. Off unless the system property {@value #PROPERTY} was set when the JVM started; the
 * constant is then false and the compiler removes every call.
 */
public final class Steps {
    public static final String PROPERTY = "dev.cairn.steps";
    public static final boolean ON = Boolean.getBoolean(PROPERTY);

    private static volatile @Nullable Consumer<String> listener;

    private Steps() {}

    /** Tells the listener, if any, that the step of that name was reached and not yet done. */
    public static void at(String step) {
        if (ON) {
            Consumer<String> told = listener;
            if (told != null) {
                told.accept(step);
            }
        }
    }

    public static void listen(@Nullable Consumer<String> toEveryStep) {
        listener = toEveryStep;
    }
}
