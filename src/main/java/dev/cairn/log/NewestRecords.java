package dev.cairn.log;

import dev.cairn.format.Place;
import dev.cairn.format.Words;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The newest record that was entered for each key of a stripe. It lies outside the heap, with four
 * words per slot and at most six in ten slots taken, so 53 to 107 bytes per key.
 */
public final class NewestRecords implements AutoCloseable {
    /** The result of {@link #find} for a key that was never entered. */
    public static final long NONE = -1;

    private static final int LEAST_SLOTS = 1 << 8;
    private static final int FULL_TENTHS = 6;
    private static final int HASH = 0;
    private static final int PLACE = 8;
    private static final int VERSION = 16;
    private static final int SIZES = 24;
    private static final int SLOT_BYTES = 32;

    /** A flag in a place, in the low bits that no offset of a record uses. */
    private static final long TOMBSTONE = 1;

    private final Keys keys;
    private Arena arena = Arena.ofShared();
    private MemorySegment slots = arena.allocate((long) LEAST_SLOTS * SLOT_BYTES, Long.BYTES);
    private long mask = LEAST_SLOTS - 1;
    private long size;
    private long puts;
    private long putBytes;
    private long putRunRegions;

    /** Distinguishes keys with the same hash. */
    public interface Keys {
        /** Whether the record that was entered with that offset has this key. */
        boolean has(long offset, byte[] key);
    }

    public NewestRecords(Keys keys) {
        this.keys = keys;
    }

    /** Gets the newest record of each key. */
    public interface Visitor {
        void newest(long hash, long offset, boolean tombstone, long version);
    }

    /**
     * Enters a record, unless one of its key with a greater version was entered before.
     *
     * @param bytes the bytes of the record in the chain
     * @param runRegions the number of regions of its run, 0 if it has none
     */
    public void enter(
            long hash,
            byte[] key,
            long offset,
            boolean tombstone,
            long version,
            int bytes,
            int runRegions) {
        long slot = locate(hash, key);
        long place = Words.plain(slots, at(slot) + PLACE);
        if (place != 0 && Words.plain(slots, at(slot) + VERSION) > version) {
            return;
        }
        if (place != 0 && !isTombstone(place)) {
            sum(-1, Words.plain(slots, at(slot) + SIZES));
        }
        long sizes = Place.word(bytes >>> Place.UNIT_SHIFT, runRegions);
        if (!tombstone) {
            sum(1, sizes);
        }
        Words.setPlain(slots, at(slot) + HASH, hash);
        Words.setPlain(slots, at(slot) + PLACE, tombstone ? offset | TOMBSTONE : offset);
        Words.setPlain(slots, at(slot) + VERSION, version);
        Words.setPlain(slots, at(slot) + SIZES, sizes);
        if (place == 0 && ++size * 10 > (mask + 1) * FULL_TENTHS) {
            grow();
        }
    }

    private void sum(int sign, long sizes) {
        puts += sign;
        putBytes += sign * (Place.high(sizes) << Place.UNIT_SHIFT);
        putRunRegions += sign * Place.low(sizes);
    }

    /**
     * A number for the record that was entered for a key, which is valid until the next entry;
     * {@link #NONE} if there is none.
     */
    public long find(long hash, byte[] key) {
        long slot = locate(hash, key);
        return Words.plain(slots, at(slot) + PLACE) == 0 ? NONE : slot;
    }

    public long offset(long found) {
        return Words.plain(slots, at(found) + PLACE) & -2;
    }

    public boolean tombstone(long found) {
        return isTombstone(Words.plain(slots, at(found) + PLACE));
    }

    public long version(long found) {
        return Words.plain(slots, at(found) + VERSION);
    }

    /** The number of keys whose newest record is not a tombstone. */
    public long puts() {
        return puts;
    }

    /** The bytes of those records, without their runs. */
    public long putBytes() {
        return putBytes;
    }

    /** The number of regions of their runs. */
    public long putRunRegions() {
        return putRunRegions;
    }

    /**
     * Calls the visitor for every key, in no particular order. Nothing may be entered meanwhile.
     */
    public void forEach(Visitor visitor) {
        for (long slot = 0; slot <= mask; slot++) {
            long place = Words.plain(slots, at(slot) + PLACE);
            if (place != 0) {
                visitor.newest(
                        Words.plain(slots, at(slot) + HASH),
                        place & -2,
                        isTombstone(place),
                        Words.plain(slots, at(slot) + VERSION));
            }
        }
    }

    private static boolean isTombstone(long place) {
        return (place & TOMBSTONE) != 0;
    }

    private static long at(long slot) {
        return slot * SLOT_BYTES;
    }

    /** The slot of a key, or the free slot where it goes. */
    private long locate(long hash, byte[] key) {
        for (long slot = hash & mask; ; slot = slot + 1 & mask) {
            long place = Words.plain(slots, at(slot) + PLACE);
            if (place == 0
                    || Words.plain(slots, at(slot) + HASH) == hash && keys.has(place & -2, key)) {
                return slot;
            }
        }
    }

    @SuppressWarnings("MustBeClosed") // closed with this object, or by the next growth
    private void grow() {
        Arena larger = Arena.ofShared();
        MemorySegment to;
        try {
            to = larger.allocate(2 * slots.byteSize(), Long.BYTES);
        } catch (OutOfMemoryError e) {
            larger.close();
            throw e;
        }
        long wider = 2 * mask + 1;
        for (long slot = 0; slot <= mask; slot++) {
            if (Words.plain(slots, at(slot) + PLACE) != 0) {
                long free = Words.plain(slots, at(slot) + HASH) & wider;
                while (Words.plain(to, at(free) + PLACE) != 0) {
                    free = free + 1 & wider;
                }
                MemorySegment.copy(slots, at(slot), to, at(free), SLOT_BYTES);
            }
        }
        arena.close();
        arena = larger;
        slots = to;
        mask = wider;
    }

    @Override
    public void close() {
        arena.close();
    }
}
