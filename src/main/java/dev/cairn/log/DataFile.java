package dev.cairn.log;

import dev.cairn.Durability;
import dev.cairn.format.DataHeader;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.PinWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.MappedFile;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * The data file as one process uses it: its header, its mapping, and the number of its regions.
 */
public final class DataFile {
    private final MappedFile file;
    private final DataHeader header;
    private final SharedMemory shared;
    private final RecordBytes recordBytes;
    private final long regionsAt;
    private final int regionShift;
    private final @Nullable Marks marks;

    public DataFile(MappedFile file, DataHeader header, SharedMemory shared) {
        this.file = file;
        this.header = header;
        this.shared = shared;
        this.recordBytes = new RecordBytes(header);
        this.regionsAt = header.regionsAt();
        this.regionShift = Integer.numberOfTrailingZeros(header.regionBytes());
        this.marks = Marks.of(header, shared);
    }

    /**
     * The marks of records that were read; null if the store does not evict, or this process only
     * reads.
     */
    public @Nullable Marks marks() {
        return marks;
    }

    public Path path() {
        return file.path();
    }

    public DataHeader header() {
        return header;
    }

    public MappedFile file() {
        return file;
    }

    RecordBytes recordBytes() {
        return recordBytes;
    }

    /** The number of regions of the file, all of which have real blocks. */
    public long regions() {
        return shared.acquire(SharedLayout.REGIONS);
    }

    /** The size of the file in bytes. */
    public long bytes() {
        return regionAt(regions());
    }

    public long regionAt(long region) {
        return regionsAt + (region << regionShift);
    }

    public long regionOf(long offset) {
        return offset - regionsAt >> regionShift;
    }

    public int regionBytes() {
        return 1 << regionShift;
    }

    /** The offset of a place within its region. */
    public int bytesIntoRegion(long offset) {
        return (int) (offset - regionsAt) & regionBytes() - 1;
    }

    /** The longest mapping so far. It covers most places, and costs one field read. */
    public MemorySegment memory() {
        return file.segment();
    }

    /** A mapping of all regions that the file has by now. */
    public MemorySegment remapped() {
        return file.segment(regionAt(regions()));
    }

    /** Whether the bytes lie in regions of the file. */
    public boolean has(long from, long bytes) {
        return from >= regionsAt && bytes >= 0 && from <= regionAt(regions()) - bytes;
    }

    /** A mapping of these bytes, which the file must have. */
    public MemorySegment covering(long from, long bytes) {
        MemorySegment memory = file.segment();
        return from <= memory.byteSize() - bytes ? memory : remapped();
    }

    /**
     * A region's allocation number by its owner entry. Owner entries lie close together. The
     * headers that hold the same number lie a region apart, and so share few sets of every cache.
     */
    public long number(long region) {
        return OwnerWords.number(owner(region, OwnerWords.OWNER));
    }

    /** A word of a region's owner entry. */
    long owner(long region, int field) {
        long at = shared.ownerAt(region);
        return Words.acquire(shared.covering(at, OwnerWords.BYTES), at + field);
    }

    /** The stripe that owns a region; -1 if none does. */
    public int stripeOf(long region) {
        long owner = owner(region, OwnerWords.OWNER);
        return OwnerWords.isAlive(owner) && !OwnerWords.isPunching(owner)
                ? OwnerWords.stripe(owner)
                : -1;
    }

    /**
     * Whether a writer may claim a region (RULE 25). It loads the durable epoch before the pins. A
     * pinner loads the epoch again after it stored its pin, so one of the two sees the other.
     */
    boolean free(long region) {
        return state(region) == State.FREE;
    }

    /** The epoch in which a region was claimed; 0 if a recovery found it. */
    public long birth(long region) {
        return owner(region, OwnerWords.BIRTH);
    }

    /** The possible states of a region. */
    enum State {
        ALIVE,
        FREE,
        /** The region is free, but must get blocks first. */
        HOLE,
        /** The region is dead, but the durable checkpoint may need it. */
        WAITING,
        /** The region is dead, but a backup reads it. */
        PINNED,
        /** The region gives up its blocks. Unless the grow lock is held for it, the process died. */
        PUNCHING
    }

    State state(long region) {
        long at = shared.ownerAt(region);
        MemorySegment memory = shared.covering(at, OwnerWords.BYTES);
        long owner = Words.acquire(memory, at + OwnerWords.OWNER);
        if (OwnerWords.isAlive(owner)) {
            return OwnerWords.isPunching(owner) ? State.PUNCHING : State.ALIVE;
        }
        long birth = Words.acquire(memory, at + OwnerWords.BIRTH);
        long death = Words.acquire(memory, at + OwnerWords.DEATH);
        if (header.durability() != Durability.NONE && birth != death) {
            if (death > shared.acquire(SharedLayout.DURABLE)) {
                return State.WAITING;
            }
            if (pinned(birth, death)) {
                return State.PINNED;
            }
        }
        return Words.acquire(memory, at + OwnerWords.HOLE) == 0 ? State.FREE : State.HOLE;
    }

    private boolean pinned(long birth, long death) {
        for (int pin = 0; pin < SharedLayout.PIN_SLOTS; pin++) {
            long epoch = shared.acquire(SharedLayout.pinAt(pin) + PinWords.EPOCH);
            if (epoch != 0 && birth <= epoch && epoch < death) {
                return true;
            }
        }
        return false;
    }
}
