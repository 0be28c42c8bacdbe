package dev.cairn.format;

/**
 * The holder of a lock in shared memory (RULE 15); 0 if the lock is free.
 *
 * <pre>
 * | 63          incarnation, 52 bits          12 | 11  process slot + 1  0 |
 * </pre>
 */
public final class LockWord {
    private static final int PROCESS_SLOT_BITS = 12;
    private static final long PROCESS_SLOT_MASK = (1L << PROCESS_SLOT_BITS) - 1;

    /**
     * No process holds the lock any more, but it needs repair. Any process may take it over as from
     * a dead holder.
     */
    public static final long ABANDONED = PROCESS_SLOT_MASK;

    private LockWord() {}

    public static long of(int slot, long incarnation) {
        return incarnation << PROCESS_SLOT_BITS | slot + 1;
    }

    public static int slot(long word) {
        return (int) (word & PROCESS_SLOT_MASK) - 1;
    }

    public static long incarnation(long word) {
        return word >>> PROCESS_SLOT_BITS;
    }
}
