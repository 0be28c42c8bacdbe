package dev.cairn.format;

/**
 * A slot word of the index: the place of a key's record, some bits of the key's hash, and how many
 * times the record was overwritten at that place (RULE 31).
 *
 * <pre>
 * slot word  | 63  place, 40 bits  24 | 23  hash bits, 18  6 | 5  count, 6 bits  0 |   0: free slot
 * </pre>
 *
 * While the count is even, the place is that of the record. While the record is being overwritten,
 * the count is odd, and the place is that of the new record's image, behind the tail. An overwrite
 * adds 2, and the count never falls while the place is the record's. So code that compares places
 * ignores the count, and code that asks whether anything changed compares the whole word.
 */
public final class SlotWord {
    public static final int COUNT_BITS = 6;
    public static final int HASH_BITS = Place.LOW_BITS - COUNT_BITS;

    /** The greatest count of a record that is not being overwritten. */
    public static final int MOST = (1 << COUNT_BITS) - 2;

    private static final long COUNT_MASK = (1L << COUNT_BITS) - 1;
    private static final long HASH_MASK = (1L << HASH_BITS) - 1;

    private SlotWord() {}

    /**
     * The slot word of a record at that byte of the data file which was never overwritten in place.
     */
    public static long of(long offset, long hashBits) {
        return Place.word(offset >>> Place.UNIT_SHIFT, hashBits << COUNT_BITS);
    }

    /** The byte of the data file at which the record, or its image, begins. */
    public static long offset(long slot) {
        return Place.high(slot) << Place.UNIT_SHIFT;
    }

    public static long hashBits(long slot) {
        return slot >>> COUNT_BITS & HASH_MASK;
    }

    public static int count(long slot) {
        return (int) (slot & COUNT_MASK);
    }

    /** A slot word with the same hash bits, another place, and count 0. */
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

    /** How many times the record was overwritten, according to the record that the word names. */
    public static int overwrites(long slot) {
        return count(slot) + 1 >>> 1;
    }

    /** Whether two slot words have the same place and hash bits. */
    public static boolean samePlace(long one, long other) {
        return (one ^ other) >>> COUNT_BITS == 0;
    }
}
