package dev.cairn.format;

/**
 * Who waits for changes of a stripe.
 *
 * <pre>
 * | 63                  wakes, 62 bits                 2 | 1  feeds wait | 0  threads wait |
 * </pre>
 *
 * Threads sleep on the low half of the very word. The count of wakes is in it so that no two states
 * of it are the same: one who asked before a wake must not fall asleep because somebody else asked
 * behind it.
 */
public final class WaitingWord {
    public static final long THREADS = 1;
    public static final long FEEDS = 2;
    private static final long WAKE = 4;

    private WaitingWord() {}

    public static boolean asked(long word) {
        return (word & (THREADS | FEEDS)) != 0;
    }

    /** Nobody waits any more, and one more wake. */
    public static long woken(long word) {
        return (word & -WAKE) + WAKE;
    }
}
