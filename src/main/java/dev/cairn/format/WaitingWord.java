package dev.cairn.format;

/**
 * Tells who waits for changes of a stripe.
 *
 * <pre>
 * | 63                  wakes, 62 bits                 2 | 1  feeds wait | 0  threads wait |
 * </pre>
 *
 * Threads sleep on the low half of this very word. It contains the count of wakes, so that no two
 * of its states are the same. Otherwise a thread that looked before a wake might fall asleep
 * because another thread registered after the wake.
 */
public final class WaitingWord {
    public static final long THREADS = 1;
    public static final long FEEDS = 2;
    private static final long WAKE = 4;

    private WaitingWord() {}

    public static boolean asked(long word) {
        return (word & (THREADS | FEEDS)) != 0;
    }

    /** The word after one more wake, when nobody waits any more. */
    public static long woken(long word) {
        return (word & -WAKE) + WAKE;
    }
}
