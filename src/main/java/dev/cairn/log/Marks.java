package dev.cairn.log;

import dev.cairn.format.CacheLayout;
import dev.cairn.format.DataHeader;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/*
 * Actors    readers of any process, without a lock; the holder of the lock of the stripe that has the
 *           region, who clears.
 * Words     a bit for each place where a record may begin; eight in a byte.
 * Why it is safe
 *           Marks are hints: only the choice of what is evicted depends on them. They lie in an array of
 *           their own, by place, and never become something else. So if a reader was stopped between
 *           its lookup and its store, for any time, it sets the mark of whatever record lies there by
 *           then, and destroys nothing, as a store into a slot of the index could.
 *           A record that is moved gets another place, whose marks were cleared when its region was
 *           claimed: so its old mark need not be cleared in time.
 * What is benign
 *           If two readers store to one byte at the same time, one mark may be lost; the next read sets
 *           it. A mark that was cleared may come back, or stand for another record: then a record is
 *           kept once without reason.
 */
/** The records of a store with eviction that were read since they were written or moved. */
public final class Marks {
    private final MemorySegment memory;
    private final long marksAt;
    private final long regionsAt;
    private final long places;
    private final int regionBytes;

    /** The approximate number of stores of this process. */
    private long stores;

    private Marks(MemorySegment memory, DataHeader header) {
        this.memory = memory;
        this.marksAt = CacheLayout.marksAt(header);
        this.regionsAt = header.regionsAt();
        this.regionBytes = header.regionBytes();
        this.places = CacheLayout.places(header);
    }

    /**
     * The marks; null if the store does not evict, or this process may not store to its shared
     * memory.
     */
    static @Nullable Marks of(DataHeader header, SharedMemory shared) {
        return header.cache().evicts() && !shared.base().isReadOnly()
                ? new Marks(shared.base(), header)
                : null;
    }

    /** Marks a record. It stores nothing if the record is marked already. */
    public void set(long offset) {
        long place = (offset - regionsAt) / CacheLayout.MARKED_BYTES;
        if (place < 0 || place >= places) {
            return; // no record lies there: the file would be longer than its bound
        }
        long at = at(place);
        byte found = memory.get(ValueLayout.JAVA_BYTE, at);
        if ((found & bit(place)) == 0) {
            memory.set(ValueLayout.JAVA_BYTE, at, (byte) (found | bit(place)));
            stores++;
        }
    }

    /** Whether a record of the chain is marked. */
    public boolean isSet(long offset) {
        long place = (offset - regionsAt) / CacheLayout.MARKED_BYTES;
        return place >= 0
                && place < places
                && (memory.get(ValueLayout.JAVA_BYTE, at(place)) & bit(place)) != 0;
    }

    /** Removes the mark of a record of the chain. */
    public void clear(long offset) {
        if (!isSet(offset)) {
            return;
        }
        long place = (offset - regionsAt) / CacheLayout.MARKED_BYTES;
        byte found = memory.get(ValueLayout.JAVA_BYTE, at(place));
        memory.set(ValueLayout.JAVA_BYTE, at(place), (byte) (found & ~bit(place)));
    }

    /** Removes the marks of all places of a region that was claimed and is in no chain yet. */
    void clearRegion(long region) {
        long bytes = CacheLayout.markBytes(regionBytes);
        if ((region + 1) * bytes > places / Byte.SIZE) {
            return; // as above
        }
        memory.asSlice(marksAt + region * bytes, bytes).fill((byte) 0);
    }

    private long at(long place) {
        return marksAt + place / Byte.SIZE;
    }

    private static int bit(long place) {
        return 1 << (int) (place % Byte.SIZE);
    }

    /** The approximate number of marks that this process stored. */
    public long stores() {
        return stores;
    }
}
