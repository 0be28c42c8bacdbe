package dev.cairn.format;

/**
 * Who holds a lock in shared memory (RULE 15). 0 is free.
 *
 * <pre>
 * | 63          incarnation, 52 bits          12 | 11  process slot + 1  0 |
 * </pre>
 */
public final class LockWord {
    private static final int SLOT_BITS = 12;
    private static final long SLOT_MASK = (1L << SLOT_BITS) - 1;

    /** Held by nobody any more, and in need of repair: anyone may take it as from the dead. */
    public static final long ABANDONED = SLOT_MASK;

    private LockWord() {}

    public static long of(int slot, long incarnation) {
        return incarnation << SLOT_BITS | slot + 1;
    }

    public static int slot(long word) {
        return (int) (word & SLOT_MASK) - 1;
    }

    public static long incarnation(long word) {
        return word >>> SLOT_BITS;
    }
}
