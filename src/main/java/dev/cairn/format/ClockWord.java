package dev.cairn.format;

import java.util.UUID;

/**
 * The store's clock in shared memory. The word holds the time that the clock showed when the boot's
 * clock was 0; the sum of the two is what the store's clock shows.
 *
 * <pre>
 * | 63      check, 16 bits      48 | 47   origin, milliseconds since 1970, 48 bits   0 |    0: none
 * </pre>
 *
 * The check covers the origin and the boot. So a damaged word, or one of another boot, is
 * recognised by itself, however plausible its time is, and a sound word counts, however implausible
 * its time is.
 */
public final class ClockWord {
    /** The greatest origin, in the year 10889. */
    public static final long FARTHEST = (1L << 48) - 1;

    /**
     * An odd number without 16 equal bits in a row: if a single bit of an origin changes, so does
     * the check.
     */
    private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

    private static final int CHECK_SHIFT = 48;

    private ClockWord() {}

    /** The value with which the check of that boot's words is computed. */
    public static long seed(UUID boot) {
        return boot.getMostSignificantBits() ^ boot.getLeastSignificantBits();
    }

    /** The word of an origin from 0 to {@link #FARTHEST}. */
    public static long of(long origin, long seed) {
        return check(origin, seed) << CHECK_SHIFT | origin;
    }

    /** The origin that a word names, 0 if the word is not valid in this boot. */
    public static long origin(long word, long seed) {
        long origin = word & FARTHEST;
        return check(origin, seed) == word >>> CHECK_SHIFT ? origin : 0;
    }

    private static long check(long origin, long seed) {
        return (origin ^ seed) * MULTIPLIER >>> CHECK_SHIFT;
    }
}
