package dev.cairn.format;

import java.lang.foreign.MemorySegment;

/**
 * A stripe's descriptor in shared memory.
 *
 * <pre>
 * line 0    table word, count of swings              what readers look at
 * line 1    lock, intent, version, tail, counts      what a short write changes
 * line 2    the log's ends, building, next, next run the current state, and what is being claimed
 * line 3    companions of every intent               the state after the write
 * line 4, 5 companions of an intent that is neither short nor in place
 * line 6    state of cleaning; strain; tail given up; waiting threads
 * line 7    a damaged region; what may expire, and what was overwritten in place
 * </pre>
 *
 * @param memory a mapping of the shared-memory file
 * @param at the descriptor's first byte
 */
public record StripeWords(MemorySegment memory, long at) {
    public static final int TABLE = 0;
    public static final int SWINGS = 8;

    public static final int LOCK = 64;
    public static final int INTENT = 72;
    public static final int VERSION = 80;
    public static final int TAIL = 88;
    public static final int LIVE_COUNT = 96;
    public static final int LIVE_BYTES = 104;
    public static final int LOG_BYTES = 112;
    public static final int TAIL_DEAD = 120;

    public static final int TAIL_NUMBER = 128;
    public static final int OLDEST = 136;
    public static final int OLDEST_NUMBER = 144;
    public static final int BUILDING = 152;
    public static final int NEXT = 160;
    public static final int NEXT_NUMBER = 168;
    public static final int NEXT_RUN = 176;
    public static final int NEXT_RUN_NUMBER = 184;

    public static final int NEW_SLOT_AT = 192;
    public static final int NEW_SLOT_WORD = 200;
    public static final int NEW_VERSION = 208;
    public static final int NEW_TAIL = 216;
    public static final int NEW_LIVE_COUNT = 224;
    public static final int NEW_LIVE_BYTES = 232;
    public static final int NEW_LOG_BYTES = 240;
    public static final int NEW_TAIL_DEAD = 248;

    public static final int NEW_TABLE = 256;
    public static final int NEW_TAIL_NUMBER = 264;
    public static final int NEW_OLDEST = 272;
    public static final int NEW_OLDEST_NUMBER = 280;
    public static final int DEAD_RUN = 288;
    public static final int DEAD_RUN_NUMBER = 296;
    public static final int DEATH_EPOCH = 304;
    public static final int DEAD_REGION = 312;
    public static final int DEAD_REGION_NUMBER = 320;
    public static final int COPIES_END = 328;
    public static final int TURN = 336;
    public static final int MOVES_AT = 344;

    public static final int EVACUATED = 384;
    public static final int EARLIEST_EXPIRY = 392;
    public static final int NEXT_EARLIEST_EXPIRY = 400;
    public static final int MOVED_FROM = 408;
    public static final int GIVEN_UP = 416;
    public static final int EVACUATING = 424;
    public static final int STRAIN = 432;
    public static final int WAITING = 440;

    public static final int DAMAGED = 448;
    public static final int CUT_VERSION = 456;
    public static final int IN_PLACE_VERSION = 464;

    public static final int BYTES = 512;

    /** The intent for which all companions count. */
    public static final long WHOLE = 1;

    /** The intent for which only the companions on line 3 count. */
    public static final long SHORT = 2;

    /** The intent of an overwrite in place, for which the first three companions count. */
    public static final long IN_PLACE = 3;

    /** The intent to drop all entries and regions of the stripe. */
    public static final long CLEARING = 4;

    public long acquire(int field) {
        return Words.acquire(memory, at + field);
    }

    public void release(int field, long value) {
        Words.release(memory, at + field, value);
    }

    /**
     * Notes, before an entry with an expiry is committed, the time from which cleaning may drop it;
     * 0 if never. There are two words, because only a whole turn of the chain can raise the first
     * one.
     */
    public void noteExpiry(long expires) {
        if (expires != 0) {
            lower(EARLIEST_EXPIRY, expires);
            lower(NEXT_EARLIEST_EXPIRY, expires);
        }
    }

    private void lower(int field, long value) {
        long present = acquire(field);
        if (present == 0 || value < present) {
            release(field, value);
        }
    }

    /** Whether a region of the chain was found damaged, so that cleaning stops at it. */
    public boolean damaged() {
        long number = acquire(DAMAGED);
        return number != 0 && number >= acquire(OLDEST_NUMBER); // numbers grow along the chain
    }

    /** Whether the evacuation of the oldest region has begun with one of the last free regions. */
    public boolean evacuating() {
        long number = acquire(EVACUATING);
        return number != 0 && number == acquire(OLDEST_NUMBER);
    }

    /**
     * Whether a holder left work behind, or is still doing it. If the caller holds the lock, it was
     * left behind.
     */
    public boolean pending() {
        return (acquire(INTENT) | acquire(BUILDING) | acquire(NEXT) | acquire(NEXT_RUN)) != 0;
    }

    /** The same by the bytes of a descriptor. */
    public static boolean pending(byte[] bytes, int at) {
        return (Words.plain(bytes, at + INTENT)
                        | Words.plain(bytes, at + BUILDING)
                        | Words.plain(bytes, at + NEXT)
                        | Words.plain(bytes, at + NEXT_RUN))
                != 0;
    }
}
