package dev.cairn.format;

import java.util.UUID;

/**
 * The store's clock in shared memory, as the time that it showed when the boot's clock was 0; what it
 * shows is that and the boot's clock together.
 *
 * <pre>
 * | 63      check, 16 bits      48 | 47   origin, milliseconds since 1970, 48 bits   0 |    0: none
 * </pre>
 *
 * The check is over the origin and the boot: so a word that was damaged, or that another boot left,
 * is known by itself, however plausible its time is, and a sound one counts, however implausible.
 */
public final class ClockWord {
    /** The farthest origin, in the year 10889. */
    public static final long FARTHEST = (1L << 48) - 1;

    /** Odd, without 16 equal bits in a row: no single bit of an origin leaves the check as it was. */
    private static final long MULTIPLIER = 0x9E3779B97F4A7C15L;

    private static final int CHECK_SHIFT = 48;

    private ClockWord() {}

    /** What a word of that boot is checked by. */
    public static long seed(UUID boot) {
        return boot.getMostSignificantBits() ^ boot.getLeastSignificantBits();
    }

    /** The word of an origin from 0 to {@link #FARTHEST}. */
    public static long of(long origin, long seed) {
        return check(origin, seed) << CHECK_SHIFT | origin;
    }

    /** The origin that a word names, 0 if it is none of this boot. */
    public static long origin(long word, long seed) {
        long origin = word & FARTHEST;
        return check(origin, seed) == word >>> CHECK_SHIFT ? origin : 0;
    }

    private static long check(long origin, long seed) {
        return (origin ^ seed) * MULTIPLIER >>> CHECK_SHIFT;
    }
}
