package dev.cairn.os;

/**
 * Errors of accesses to mapped memory: outside a mapping, at a place that is not aligned, or on a page
 * that is gone because a file was cut off. The JDK throws for the first two what it throws for any
 * argument that is wrong, so they are told apart by who threw them.
 */
public final class Faults {
    private static final String MEMORY = "jdk.internal.foreign.";

    private Faults() {}

    /** Whether an error is that of an access to mapped memory. */
    public static boolean isOfMapping(Throwable e) {
        if (e instanceof InternalError) {
            return true;
        }
        StackTraceElement[] trace = e.getStackTrace();
        return (e instanceof IndexOutOfBoundsException || e instanceof IllegalArgumentException)
                && trace.length > 0
                && trace[0].getClassName().startsWith(MEMORY);
    }
}
