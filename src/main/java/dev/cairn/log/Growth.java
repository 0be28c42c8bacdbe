package dev.cairn.log;

import dev.cairn.format.Words;
import dev.cairn.os.Pages;

/** How long the data file becomes when it grows. */
final class Growth {
    /** A small file grows by a quarter; the mappings of a large one sum up to 17 times its size. */
    private static final long SMALL_BYTES = 8L << 20;

    private static final int SMALL_DIVISOR = 4;
    private static final int DIVISOR = 16;

    /** What the file is a multiple of: a large page, or as many small regions as make one usually. */
    private static final int WHOLE_REGIONS = 32;

    /** Of the regions, about so many are there before anybody needs them. */
    private static final int AHEAD_DIVISOR = 8;

    private final DataFile data;

    Growth(DataFile data) {
        this.data = data;
    }

    /**
     * Regions of the file when it is lengthened.
     *
     * @param least by so many, unless {@code most} is less
     */
    long grown(long count, long least, long most) {
        long small = Math.min(count / SMALL_DIVISOR, SMALL_BYTES / data.regionBytes());
        long step = Math.max(Math.max(count / DIVISOR, small), least);
        return Math.min(inWhole(count + step), most);
    }

    /** The regions of a file that ends with a whole page and has so many at least. */
    private long inWhole(long regions) {
        return data.regionOf(whole(regions));
    }

    private long whole(long regions) {
        long usual = (long) WHOLE_REGIONS * data.regionBytes();
        return Words.roundUp(data.regionAt(regions), Math.min(usual, Pages.LARGE.bytes()));
    }

    /** Bytes of the file with so many regions: what follows the last of them is no region. */
    long length(long regions, long most) {
        boolean whole = regions < most && inWhole(regions) == regions;
        return whole ? whole(regions) : data.regionAt(regions);
    }

    /** Regions of the file when it is lengthened before anybody needs it. */
    long grownAhead(long count, long most) {
        return Math.min(inWhole(count + ahead(count) / 2), most);
    }

    /** Regions that may be there before anybody needs them: none in a file that they would swell. */
    static long ahead(long count) {
        long ahead = count / AHEAD_DIVISOR;
        return ahead < WHOLE_REGIONS ? 0 : ahead;
    }
}
