package dev.cairn.stripe;

import dev.cairn.events.Events;
import dev.cairn.events.Events.Clean;
import dev.cairn.events.Recording;
import dev.cairn.format.RegionHeader;
import dev.cairn.log.Chain;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/** The region that is being cleaned, and how far it is. */
final class RegionCleaning {
    /** Keeps all live records. */
    static final long EVERYTHING = Long.MAX_VALUE;

    final long number;

    /** The greatest number of regions that the next copy or tombstone claims. */
    int regionsNeeded = 1;

    @Nullable Chain chain;
    int at = RegionHeader.BYTES;
    long bytes;
    boolean damaged;

    /**
     * The number of bytes that were copied out of the region, and of entries that were not; they
     * are recorded.
     */
    private long moved;

    private int dropped;

    /** The event, null unless such events were recorded when the cleaning began. */
    private final @Nullable Recording<Clean> record = Events.clean();

    /**
     * Whether it began again at the region's first record, because of what was found at the place
     * where it had gone on.
     */
    boolean fromStart;

    /**
     * The number of bytes that eviction keeps at most; {@link #EVERYTHING} if nothing is evicted.
     */
    long mostKept;

    /**
     * @param number the region's allocation number
     */
    RegionCleaning(long number) {
        this.number = number;
    }

    void moved(long bytes) {
        moved += bytes;
    }

    void dropped(int entries) {
        dropped += entries;
    }

    /** Ends the cleaning, because the region has left the log. */
    void end(Path file, int stripe, long freed, long garbage) {
        if (record != null) {
            record.end(new Clean(file, stripe, number, moved, freed, dropped, garbage));
        }
    }

    boolean evictsNothing() {
        return mostKept == EVERYTHING;
    }
}
