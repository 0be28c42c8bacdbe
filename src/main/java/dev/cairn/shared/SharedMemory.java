package dev.cairn.shared;

import static dev.cairn.format.SharedLayout.ALLOCATION_LOCK;
import static dev.cairn.format.SharedLayout.AREA_BYTES;
import static dev.cairn.format.SharedLayout.DIRECTORY;
import static dev.cairn.format.SharedLayout.DIRECTORY_ENTRIES;
import static dev.cairn.format.SharedLayout.GROW_LOCK;
import static dev.cairn.format.SharedLayout.SHARED_BYTES;

import dev.cairn.CorruptStore;
import dev.cairn.StoreFull;
import dev.cairn.format.OwnerWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.lock.Contention;
import dev.cairn.lock.ProcessTable;
import dev.cairn.lock.SharedLock;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;
import dev.cairn.os.Pages;
import dev.cairn.os.Steps;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * The shared-memory file as one process uses it.
 *
 * <p>Behind the fixed part lie areas: tables of the index and owner tables. RULE 14: there is no free
 * list. An area is in use iff a table word, a {@code building} word or the directory names it, so a
 * kill at any point leaks nothing and frees nothing twice. Areas are never unmapped: a reader of an
 * old table finds by the table word that it read in vain.
 */
public final class SharedMemory {
    /** The file grows by a quarter of itself, so that its mappings stay few. */
    private static final int GROWTH_DIVISOR = 4;

    private final MappedFile file;
    private final MemorySegment base;
    private final int stripes;
    private final long areasAt;
    private final StripeWords[] stripeWords;
    private final StoreClock clock;

    /** As one of a store that does not evict. */
    public SharedMemory(MappedFile file, int stripes) {
        this(file, stripes, SharedLayout.areasAt(stripes));
    }

    /**
     * Takes a mapping that has all that stands before the areas.
     *
     * @param areasAt {@link SharedLayout#areasAt}
     */
    public SharedMemory(MappedFile file, int stripes, long areasAt) {
        this.areasAt = areasAt;
        this.file = file;
        this.base = file.first();
        this.stripes = stripes;
        this.clock = new StoreClock(base);
        this.stripeWords = new StripeWords[stripes];
        Arrays.setAll(stripeWords, stripe -> new StripeWords(base, SharedLayout.stripeAt(stripe)));
    }

    /** The locks of whoever may write. */
    public static final class Locks {
        private final SharedLock grow;
        private final SharedLock allocation;
        private volatile long timeoutNanos;

        public Locks(
                MemorySegment base,
                ProcessTable processes,
                Contention contention,
                long timeoutNanos) {
            this.grow =
                    new SharedLock(
                            base, GROW_LOCK, "the lock of file growth", processes, contention);
            this.allocation =
                    new SharedLock(
                            base, ALLOCATION_LOCK, "the lock of areas", processes, contention);
            this.timeoutNanos = timeoutNanos;
        }

        public void lengthenTimeout(long nanos) {
            timeoutNanos = nanos;
        }

        /** From now on nobody in this process grows or allocates. */
        public void retire() {
            grow.retire();
            allocation.retire();
        }

        /** Runs with the lock under which both files grow; never with a stripe's lock (RULE 13). */
        public void whileGrowing(Runnable action) {
            long _ =
                    grow.longHolding(
                            timeoutNanos,
                            () -> {
                                action.run();
                                return 0;
                            });
        }

        /** Repairs what errors left of this process. */
        public void mend() {
            grow.mend();
            allocation.mend();
        }
    }

    public MemorySegment base() {
        return base;
    }

    public StoreClock clock() {
        return clock;
    }

    public int stripes() {
        return stripes;
    }

    public StripeWords stripe(int stripe) {
        return stripeWords[stripe];
    }

    /** The table word of a stripe; the only word of the descriptor that a reader needs. */
    public long table(int stripe) {
        return Words.acquire(base, SharedLayout.stripeAt(stripe) + StripeWords.TABLE);
    }

    /** A word of an area that this process has mapped, as it has all that it ever looked at. */
    public long word(long at) {
        return Words.acquire(file.segment(), at);
    }

    public long acquire(int field) {
        return Words.acquire(base, field);
    }

    public void release(int field, long value) {
        Words.release(base, field, value);
    }

    /**
     * The holder of the open lock has gone over so many bytes more, which those who wait for it see.
     */
    public void advanced(long bytes) {
        Steps.at("O progress");
        Words.add(base, SharedLayout.OPENING_DONE, bytes);
    }

    /**
     * A mapping that has these bytes of the file.
     *
     * @throws CorruptStore if the file does not
     */
    public MemorySegment covering(long from, long bytes) {
        MemorySegment memory = file.segment();
        return (from & 7) == 0 && from >= 0 && from <= memory.byteSize() - bytes
                ? memory
                : remapped(from, bytes);
    }

    private MemorySegment remapped(long from, long bytes) {
        long published = acquire(SHARED_BYTES);
        if ((from & 7) != 0 || from < 0 || bytes < 0 || from > published - bytes) {
            throw new CorruptStore(
                    file.path(),
                    from,
                    bytes + " bytes of an area",
                    "a file of " + published + " bytes");
        }
        return file.segment(published);
    }

    /**
     * Finds an area that nothing names and has it named, as one step that no other allocation
     * interrupts.
     *
     * @param naming stores the word that names the area, given its offset
     * @return the offset, or -1 if the file has no such gap: {@link #makeRoom}, then try again
     */
    public long allocate(Locks locks, long bytes, LongConsumer naming) {
        return locks.allocation.longHolding(
                locks.timeoutNanos,
                () -> {
                    long offset = gap(bytes);
                    if (offset >= 0) {
                        naming.accept(offset);
                    }
                    return offset;
                });
    }

    private long gap(long bytes) {
        long[] used = usedAreas();
        long end = acquire(SHARED_BYTES);
        long candidate = areasAt;
        for (long area : used) {
            long from = (area >>> Integer.SIZE) * AREA_BYTES;
            long to = from + (area & 0xFFFF_FFFFL) * AREA_BYTES;
            if (to > end) {
                throw new CorruptStore(
                        file.path(), from, "areas within a file of " + end + " bytes", "to " + to);
            }
            if (area != 0 && from - candidate >= bytes) {
                return candidate;
            }
            candidate = Math.max(candidate, to);
        }
        return end - candidate >= bytes ? candidate : -1;
    }

    /** Sorted; each {offset in units: 32 bits, units: 32 bits}, zeros among them mean nothing. */
    private long[] usedAreas() {
        long[] used = new long[2 * stripes + DIRECTORY_ENTRIES];
        for (int i = 0; i < stripes; i++) {
            used[2 * i] = tableArea(stripeWords[i].acquire(StripeWords.BUILDING)); // RULE 14: first
            used[2 * i + 1] = tableArea(stripeWords[i].acquire(StripeWords.TABLE));
        }
        for (int table = 0; table < DIRECTORY_ENTRIES; table++) {
            long offset = acquire(DIRECTORY + table * Long.BYTES);
            used[2 * stripes + table] = offset == 0 ? 0 : area(offset, ownerTableBytes(table));
        }
        Arrays.sort(used);
        return used;
    }

    private static long tableArea(long tableWord) {
        return tableWord == 0
                ? 0
                : area(TableWord.offset(tableWord), TableWord.bytes(TableWord.log2(tableWord)));
    }

    private static long area(long offset, long bytes) {
        return offset / AREA_BYTES << Integer.SIZE | bytes / AREA_BYTES;
    }

    /**
     * Sees to it that there is a gap of that size, by lengthening the file unless somebody just did;
     * without a stripe's lock (RULE 13).
     *
     * @throws StoreFull if there is no space for it
     */
    public void makeRoom(Locks locks, long bytes) {
        locks.whileGrowing(() -> {
            if (allocate(locks, bytes, _ -> {}) < 0) {
                growHolding(bytes);
            }
        });
    }

    private void growHolding(long bytes) {
        long from = acquire(SHARED_BYTES);
        long least = from + Math.max(bytes, from / GROWTH_DIVISOR);
        boolean small = least <= Pages.LARGE.bytes();
        long most = Words.roundUp(least, small ? AREA_BYTES : Pages.LARGE.bytes()) - from;
        if (from + most > TableWord.END) {
            throw new StoreFull(
                    file.path(),
                    "the index has reached its bound of %d bytes".formatted(TableWord.END),
                    most,
                    0,
                    null);
        }
        try {
            file.reserve(from, from + most);
        } catch (IOException e) {
            throw OpenFile.growthFailure(
                    file.path(),
                    "no space for " + most + " more bytes of index: free some",
                    most,
                    0,
                    e);
        }
        release(SHARED_BYTES, from + most);
    }

    /**
     * Makes sure that a region has an owner entry; under the grow lock.
     *
     * @throws StoreFull if there is no space for its table
     */
    public void ensureOwnerEntry(Locks locks, long region) {
        int table = OwnerWords.table(region);
        for (int each = 0; each <= table; each++) {
            int entry = DIRECTORY + each * Long.BYTES;
            long bytes = ownerTableBytes(each);
            while (acquire(entry) == 0
                    && allocate(locks, bytes, offset -> nameZeroed(entry, offset, bytes)) < 0) {
                growHolding(bytes);
            }
        }
    }

    private void nameZeroed(int entry, long offset, long bytes) {
        covering(offset, bytes).asSlice(offset, bytes).fill((byte) 0);
        release(entry, offset);
    }

    private static long ownerTableBytes(int table) {
        return OwnerWords.regionsOf(table) * OwnerWords.BYTES;
    }

    /**
     * Where a region's owner entry stands in the file.
     *
     * @throws CorruptStore if there is no table for it
     */
    public long ownerAt(long region) {
        int table = OwnerWords.table(region);
        long offset = table < DIRECTORY_ENTRIES ? acquire(DIRECTORY + table * Long.BYTES) : 0;
        if (offset == 0) {
            throw new CorruptStore(
                    file.path(), DIRECTORY + table * 8L, "owner table of region " + region, "none");
        }
        return offset + (region - OwnerWords.firstOf(table)) * OwnerWords.BYTES;
    }

    public MappedFile file() {
        return file;
    }
}
