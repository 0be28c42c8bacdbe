package dev.cairn.index;

import static dev.cairn.format.StripeWords.SWINGS;

import dev.cairn.format.BucketWords;
import dev.cairn.format.HashBits;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.shared.SharedMemory;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * A walk through all entries of a stripe in the order of their hash prefix, without a lock and
 * across any number of table swings.
 *
 * <p>The prefix of an entry never changes, while its slot does when the table is swung. So the walk
 * notes the slots of one table, sorted by prefix, and visits them prefix by prefix. When the table
 * was swung, it notes those slots of the new table whose prefix is still to come. An entry that is
 * there throughout is in every table, and its prefix comes once.
 *
 * <p>The walk notes a bounded number of slots at a time, those with the least prefixes to come.
 * When it has visited them, it notes the next ones. So a stripe may have more entries than an array
 * can hold.
 *
 * <p>The count of swings is incremented before each swing. It distinguishes one table from another
 * at the same place: if a walk saw the same table before and after, and no swing began between, it
 * saw one table.
 */
public final class Walk {
    /** One bit less than is left beside the prefix, so that no noted value is negative. */
    private static final int ORDINAL_BITS = Long.SIZE - 1 - HashBits.PREFIX_BITS;

    private static final long ORDINAL_MASK = (1L << ORDINAL_BITS) - 1;
    private static final long ALL_PREFIXES = 1L << HashBits.PREFIX_BITS;

    /** The number of slots noted at a time, which take 32 MiB; a stripe seldom has more. */
    private static final int MOST_NOTED = 1 << 22;

    private final SharedMemory shared;
    private final StripeWords words;
    private long table;
    private long notedTable;
    private long notedSwings;

    /**
     * The noted slots, each {0, prefix: 18 bits, number of the slot in its table: 45 bits}, sorted.
     */
    private long[] noted = {};

    private long[] slotAts = {};

    private final int mostNoted;
    private int at;
    private long prefix;

    /** The first prefix whose slots are not noted. */
    private long notedUpTo = ALL_PREFIXES;

    public Walk(SharedMemory shared, int stripe) {
        this(shared, stripe, MOST_NOTED);
    }

    /**
     * @param mostNoted the number of slots noted at a time; it is exceeded only if that many slots
     *     have one prefix
     */
    Walk(SharedMemory shared, int stripe, int mostNoted) {
        this.shared = shared;
        this.words = shared.stripe(stripe);
        this.mostNoted = mostNoted;
    }

    /** Whether there may be more entries. */
    public boolean hasNext() {
        return prefix < ALL_PREFIXES;
    }

    /**
     * The slot words of the entries with the next prefix; further calls return the same ones. The
     * caller must read their records, and then confirm the slot words ({@link #slotAt}) and the
     * table word ({@link #table}) as RULES 9 and 34 demand.
     */
    public long[] slots() {
        long swings = words.acquire(SWINGS);
        table = words.acquire(StripeWords.TABLE);
        if (notedTable == 0 || swings != notedSwings || !sameTable(table, notedTable)) {
            note();
        }
        while (at == noted.length && notedUpTo < ALL_PREFIXES) {
            prefix = notedUpTo;
            note();
        }
        if (at == noted.length) {
            prefix = ALL_PREFIXES;
            return new long[0];
        }
        prefix = noted[at] >>> ORDINAL_BITS;
        long[] slots = new long[groupEnd() - at];
        long[] slotAts = new long[slots.length];
        int count = 0;
        MemorySegment memory = memory(table);
        for (int i = at; i < at + slots.length; i++) {
            long at = slotAt(table, noted[i] & ORDINAL_MASK);
            long slot = Words.acquire(memory, at);
            if (slot != 0 && SlotWord.hashBits(slot) == prefix) {
                slotAts[count] = at;
                slots[count++] = slot;
            }
        }
        this.slotAts = slotAts;
        return Arrays.copyOf(slots, count);
    }

    /** The position of the {@code i}-th of the last slot words. */
    public long slotAt(int i) {
        return slotAts[i];
    }

    /** The table word that was loaded before the last slot words. */
    public long table() {
        return table;
    }

    /** Goes on to the next prefix. */
    public void advance() {
        if (at < noted.length) {
            at = groupEnd();
            prefix++;
        }
    }

    private int groupEnd() {
        int end = at + 1;
        while (end < noted.length && noted[end] >>> ORDINAL_BITS == noted[at] >>> ORDINAL_BITS) {
            end++;
        }
        return end;
    }

    private void note() {
        long swings;
        do {
            swings = words.acquire(SWINGS);
            table = words.acquire(StripeWords.TABLE);
            collect();
            VarHandle.acquireFence();
        } while (!sameTable(words.acquire(StripeWords.TABLE), table)
                || words.acquire(SWINGS) != swings);
        notedTable = table;
        notedSwings = swings;
        at = 0;
    }

    private void collect() {
        MemorySegment memory = memory(table);
        long slots = (long) BucketWords.SLOTS << TableWord.log2(table);
        long[] found = new long[64];
        int count = 0;
        notedUpTo = ALL_PREFIXES;
        for (long number = 0; number < slots; number++) {
            long slot = Words.acquire(memory, slotAt(table, number));
            if (slot != 0
                    && SlotWord.hashBits(slot) >= prefix
                    && SlotWord.hashBits(slot) < notedUpTo) {
                if (count == found.length && count >= mostNoted) {
                    count = keepHalf(found);
                }
                if (count == found.length) {
                    found = Arrays.copyOf(found, 2 * count);
                }
                if (SlotWord.hashBits(slot) < notedUpTo) {
                    found[count++] = SlotWord.hashBits(slot) << ORDINAL_BITS | number;
                }
            }
        }
        noted = Arrays.copyOf(found, count);
        Arrays.sort(noted);
    }

    /**
     * Keeps, of the slots that were found, about half: those with the lesser prefixes, but always
     * all slots of one prefix. The others come later.
     *
     * @return the number of slots that are kept
     */
    private int keepHalf(long[] found) {
        Arrays.sort(found);
        long middle = found[found.length / 2] >>> ORDINAL_BITS;
        long least = found[0] >>> ORDINAL_BITS;
        notedUpTo = middle == least ? middle + 1 : middle;
        int kept = 0;
        while (kept < found.length && found[kept] >>> ORDINAL_BITS < notedUpTo) {
            kept++;
        }
        return kept;
    }

    private MemorySegment memory(long table) {
        return shared.covering(TableWord.offset(table), TableWord.bytes(TableWord.log2(table)));
    }

    private static long slotAt(long table, long number) {
        return TableWord.offset(table)
                + number / BucketWords.SLOTS * BucketWords.BYTES
                + BucketWords.FIRST_SLOT
                + number % BucketWords.SLOTS * Long.BYTES;
    }

    private static boolean sameTable(long a, long b) {
        return TableWord.offset(a) == TableWord.offset(b) && TableWord.log2(a) == TableWord.log2(b);
    }
}
