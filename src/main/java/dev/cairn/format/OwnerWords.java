package dev.cairn.format;

/**
 * A region's entry in the owner tables: the stripe that owns it, the epochs of its birth and death
 * (RULE 25), and whether it may lack blocks, so that it must get some before it is claimed.
 *
 * <pre>
 * owner word  | 63  allocation number, 51 bits  13 | 12  stripe, 12 bits  1 | alive |
 * </pre>
 *
 * Owner tables are areas of the shared-memory file. Table 0 has the first 512 regions, table n the
 * next 512 * 2^(n-1); the directory holds the offset of each table, 0 if there is none yet.
 */
public final class OwnerWords {
    public static final int OWNER = 0;
    public static final int BIRTH = 8;
    public static final int DEATH = 16;
    public static final int HOLE = 24;
    public static final int BYTES = 32;

    private static final int FIRST_TABLE_LOG2 = 9;
    private static final int NUMBER_SHIFT = 13;

    private OwnerWords() {}

    public static long alive(int stripe, long number) {
        return number << NUMBER_SHIFT | (long) stripe << 1 | 1;
    }

    /**
     * The owner word of a region that gives up its blocks: alive, with number 0, which no owner
     * has.
     */
    public static long punching() {
        return alive(0, 0);
    }

    public static boolean isPunching(long owner) {
        return owner == punching();
    }

    public static long dead(long owner) {
        return owner & -2;
    }

    public static boolean isAlive(long owner) {
        return (owner & 1) != 0;
    }

    public static int stripe(long owner) {
        return (int) (owner >>> 1) & 0xFFF;
    }

    public static long number(long owner) {
        return owner >>> NUMBER_SHIFT;
    }

    /** The table that has a region. */
    public static int table(long region) {
        return 64 - Long.numberOfLeadingZeros(region >>> FIRST_TABLE_LOG2);
    }

    /** The first region of a table. */
    public static long firstOf(int table) {
        return table == 0 ? 0 : 1L << FIRST_TABLE_LOG2 + table - 1;
    }

    public static long regionsOf(int table) {
        return table == 0 ? 1L << FIRST_TABLE_LOG2 : firstOf(table);
    }
}
