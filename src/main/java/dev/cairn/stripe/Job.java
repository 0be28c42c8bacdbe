package dev.cairn.stripe;

import dev.cairn.format.RegionHeader;
import dev.cairn.log.Chain;

import org.jspecify.annotations.Nullable;

/** The region that is being cleaned, and how far. */
final class Job {
    /** Keeps what is live. */
    static final long EVERYTHING = Long.MAX_VALUE;

    final long number;

    /** What the next copy or tombstone claims at most. */
    int regionsNeeded = 1;

    @Nullable Chain chain;
    int at = RegionHeader.BYTES;
    long bytes;
    boolean damaged;

    /** It was begun at its first record again, for what was found where it had been gone on. */
    boolean fromStart;

    /** Bytes that eviction keeps at most; {@link #EVERYTHING} if nothing is evicted. */
    long mostKept;

    /**
     * @param number the region's allocation number
     */
    Job(long number) {
        this.number = number;
    }

    boolean evictsNothing() {
        return mostKept == EVERYTHING;
    }
}
