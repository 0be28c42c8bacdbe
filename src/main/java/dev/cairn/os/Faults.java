package dev.cairn.os;

/**
 * Errors of accesses to mapped memory: outside of a mapping, at an unaligned place, or on a page
 * that is gone because the file was truncated. For the first two the JDK throws what it throws for
 * any wrong argument, so the thrower tells them apart.
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
