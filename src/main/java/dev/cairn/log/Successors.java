package dev.cairn.log;

import dev.cairn.format.Place;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.StripeWords;

import java.util.Arrays;

/**
 * The successors of regions in a stripe's chain. A header names only the predecessor. A walk from
 * the tail finds all successors, and its result is kept. It belongs to one process, under the
 * stripe's lock; another process may clean the stripe meanwhile.
 *
 * <p>A kept result is compared with the header: if a region names the given one as its predecessor,
 * and is alive with the number that it had, it is the successor. There is no other one, because a
 * fold buries the region that it replaces.
 */
public final class Successors {
    private static final long[] NONE = {};

    private final DataFile data;
    private final int stripe;

    /** The regions that a walk met, from the oldest on, without the tail. */
    private long[] regions = NONE;

    private long[] numbers = NONE;
    private int next;

    public Successors(DataFile data, int stripe) {
        this.data = data;
        this.stripe = stripe;
    }

    /**
     * The region behind the oldest.
     *
     * @param oldest the oldest region, which is not the tail region
     * @param number its allocation number
     * @throws dev.cairn.CorruptStore if the chain is damaged
     */
    public RegionHeader of(long oldest, long number, StripeWords words) {
        while (next < regions.length && numbers[next] <= number) {
            next++;
        }
        if (next < regions.length) {
            RegionHeader kept = Chain.aliveHeader(data, stripe, regions[next], numbers[next]);
            if (kept != null
                    && kept.predecessor() == oldest + 1
                    && kept.predecessorNumber() == number) {
                return kept;
            }
        }
        return walk(oldest, number, words);
    }

    private RegionHeader walk(long oldest, long number, StripeWords words) {
        long region = Place.region(words.acquire(StripeWords.TAIL));
        long own = words.acquire(StripeWords.TAIL_NUMBER);
        RegionHeader header = Chain.header(data, stripe, region, own);
        long[] walkedRegions = new long[16];
        long[] walkedNumbers = new long[16];
        int count = 0;
        while (header.predecessor() != oldest + 1 || header.predecessorNumber() != number) {
            region = header.predecessor() - 1;
            if (header.predecessorNumber() >= header.number()) {
                throw Chain.noChain(data, stripe, header);
            }
            header = Chain.header(data, stripe, region, header.predecessorNumber());
            if (count == walkedRegions.length) {
                walkedRegions = Arrays.copyOf(walkedRegions, 2 * count);
                walkedNumbers = Arrays.copyOf(walkedNumbers, 2 * count);
            }
            walkedRegions[count] = header.region();
            walkedNumbers[count++] = header.number();
        }
        long[] inOrder = new long[count];
        long[] numbersInOrder = new long[count];
        for (int i = 0; i < count; i++) {
            inOrder[i] = walkedRegions[count - 1 - i];
            numbersInOrder[i] = walkedNumbers[count - 1 - i];
        }
        regions = inOrder; // these belong together: no error comes between
        numbers = numbersInOrder;
        next = 0;
        return header;
    }
}
