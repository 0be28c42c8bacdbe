package dev.cairn.log;

import dev.cairn.events.Events;
import dev.cairn.events.Events.Grow;
import dev.cairn.events.Recording;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Pages;
import dev.cairn.shared.SharedMemory;

import java.io.IOException;

/** Decides how long the data file becomes when it grows, and makes it longer. */
final class Growth {
    /**
     * A file smaller than this grows by a quarter. The mappings of a large file sum up to 17 times
     * its size.
     */
    private static final long SMALL_BYTES = 8L << 20;

    private static final int SMALL_DIVISOR = 4;
    private static final int DIVISOR = 16;

    /**
     * The length of the file is a multiple of this many regions: a large page, or as many small
     * regions as usually fill one.
     */
    private static final int WHOLE_REGIONS = 32;

    /** About this fraction of the regions is there before a writer needs them. */
    private static final int AHEAD_DIVISOR = 8;

    private final DataFile data;
    private final SharedMemory shared;
    private final SharedMemory.Locks locks;
    private final RegionCounts counts;

    Growth(DataFile data, SharedMemory shared, SharedMemory.Locks locks, RegionCounts counts) {
        this.data = data;
        this.shared = shared;
        this.locks = locks;
        this.counts = counts;
    }

    /**
     * Extends the file by regions with blocks, which any process may claim then. The caller holds
     * the grow lock.
     *
     * @param most the greatest number of regions of the file
     * @throws IOException if there is no space for the regions, or for another reason; they are not
     *     there then
     */
    void lengthen(long from, long to, long most) throws IOException {
        Recording<Grow> growth = Events.grow();
        shared.ensureOwnerEntry(locks, to - 1);
        data.file().reserve(data.regionAt(from), length(to, most));
        long generation = counts.generation();
        shared.release(SharedLayout.REGIONS, to);
        counts.freed(to - from, generation);
        if (growth != null) {
            growth.end(
                    new Grow(
                            data.path(),
                            Events.DATA,
                            Events.NO_STRIPE,
                            data.regionAt(from),
                            data.regionAt(to)));
        }
    }

    /**
     * The number of regions after the file is extended.
     *
     * @param least by how many regions at least, unless {@code most} allows fewer
     */
    long grown(long count, long least, long most) {
        long small = Math.min(count / SMALL_DIVISOR, SMALL_BYTES / data.regionBytes());
        long step = Math.max(Math.max(count / DIVISOR, small), least);
        return Math.min(inWhole(count + step), most);
    }

    /** The number of regions of a file that ends with a whole page and has at least this many. */
    private long inWhole(long regions) {
        return data.regionOf(whole(regions));
    }

    private long whole(long regions) {
        long usual = (long) WHOLE_REGIONS * data.regionBytes();
        return Words.roundUp(data.regionAt(regions), Math.min(usual, Pages.LARGE.bytes()));
    }

    /**
     * The length in bytes of a file with this many regions. What follows the last of them is no
     * region.
     */
    private long length(long regions, long most) {
        boolean whole = regions < most && inWhole(regions) == regions;
        return whole ? whole(regions) : data.regionAt(regions);
    }

    /** The number of regions after the file is extended before a writer needs it. */
    long grownAhead(long count, long most) {
        return Math.min(inWhole(count + ahead(count) / 2), most);
    }

    /**
     * The number of regions that may be there before a writer needs them; 0 for a small file, which
     * they would enlarge too much.
     */
    static long ahead(long count) {
        long ahead = count / AHEAD_DIVISOR;
        return ahead < WHOLE_REGIONS ? 0 : ahead;
    }
}
