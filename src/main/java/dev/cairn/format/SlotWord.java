package dev.cairn.format;

/**
 * A slot word of the index: where a key's record lies, some bits of the key's hash, and how often the
 * record was overwritten there (RULE 31).
 *
 * <pre>
 * slot word  | 63  place, 40 bits  24 | 23  hash bits, 18  6 | 5  count, 6 bits  0 |   0: free slot
 * </pre>
 *
 * While the count is even, the place is the record's. It is odd while the record is being overwritten;
 * the place is then that of the new record's image, behind the tail. An overwrite adds 2, and the count
 * never falls while the place is the record's. So whoever compares places ignores the count, and whoever
 * wants to know whether anything happened compares the whole word.
 */
public final class SlotWord {
    public static final int COUNT_BITS = 6;
    public static final int HASH_BITS = Place.LOW_BITS - COUNT_BITS;

    /** The greatest count of a record that is at rest. */
    public static final int MOST = (1 << COUNT_BITS) - 2;

    private static final long COUNT_MASK = (1L << COUNT_BITS) - 1;
    private static final long HASH_MASK = (1L << HASH_BITS) - 1;

    private SlotWord() {}

    /** The slot word of a record at that byte of the data file, which was never overwritten. */
    public static long of(long offset, long hashBits) {
        return Place.word(offset >>> Place.UNIT_SHIFT, hashBits << COUNT_BITS);
    }

    /** The byte of the data file at which the record begins, or its image. */
    public static long offset(long slot) {
        return Place.high(slot) << Place.UNIT_SHIFT;
    }

    public static long hashBits(long slot) {
        return slot >>> COUNT_BITS & HASH_MASK;
    }

    public static int count(long slot) {
        return (int) (slot & COUNT_MASK);
    }

    /** The same hash bits with another place, and no count. */
    public static long moved(long slot, long offset) {
        return of(offset, hashBits(slot));
    }

    /** The same slot word with another count. */
    public static long withCount(long slot, int count) {
        return slot & ~COUNT_MASK | count;
    }

    /** Whether the record is being overwritten. */
    public static boolean isChanging(long slot) {
        return (slot & 1) != 0;
    }

    /** How often the record that the word names says that it was overwritten. */
    public static int overwrites(long slot) {
        return count(slot) + 1 >>> 1;
    }

    /** Whether two slot words are of the same place and hash. */
    public static boolean samePlace(long one, long other) {
        return (one ^ other) >>> COUNT_BITS == 0;
    }
}
