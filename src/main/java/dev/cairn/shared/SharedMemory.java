package dev.cairn.shared;

import static dev.cairn.format.SharedLayout.ALLOCATION_LOCK;
import static dev.cairn.format.SharedLayout.AREA_BYTES;
import static dev.cairn.format.SharedLayout.DIRECTORY;
import static dev.cairn.format.SharedLayout.DIRECTORY_ENTRIES;
import static dev.cairn.format.SharedLayout.GROW_LOCK;
import static dev.cairn.format.SharedLayout.SHARED_BYTES;

import dev.cairn.CorruptStore;
import dev.cairn.StoreFull;
import dev.cairn.events.Events;
import dev.cairn.events.Events.Grow;
import dev.cairn.events.Recording;
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
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * The shared-memory file as one process uses it.
 *
 * <p>Behind the fixed part lie areas: tables of the index and owner tables. RULE 14: there is no
 * free list. An area is in use iff a table word, a {@code building} word or the directory names it,
 * so a kill at any point leaks nothing and frees nothing twice. Areas are never unmapped: a reader
 * of an old table finds by the table word that it must read again.
 */
public final class SharedMemory {
    /** The file grows by a quarter of its size, so that its mappings stay few. */
    private static final int GROWTH_DIVISOR = 4;

    private final MappedFile file;
    private final MemorySegment base;
    private final int stripes;
    private final long areasAt;
    private final StripeWords[] stripeWords;
    private final StoreClock clock;

    /** Takes the mapping of a store that does not evict. */
    public SharedMemory(MappedFile file, int stripes) {
        this(file, stripes, SharedLayout.areasAt(stripes));
    }

    /**
     * Takes a mapping that covers everything before the areas.
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

    /** The locks of a process that may write. */
    public static final class Locks {
        private final Path store;
        private final SharedLock grow;
        private final SharedLock allocation;
        private volatile long timeoutNanos;

        public Locks(
                MemorySegment base,
                ProcessTable processes,
                Contention contention,
                long timeoutNanos) {
            this.store = processes.store();
            this.grow =
                    new SharedLock(
                            base, GROW_LOCK, "the lock of file growth", processes, contention);
            this.allocation =
                    new SharedLock(
                            base, ALLOCATION_LOCK, "the lock of areas", processes, contention);
            this.timeoutNanos = timeoutNanos;
        }

        /** The data file of the store. */
        public Path store() {
            return store;
        }

        public void lengthenTimeout(long nanos) {
            timeoutNanos = nanos;
        }

        /** Stops all growth and allocation in this process from now on. */
        public void retire() {
            grow.retire();
            allocation.retire();
        }

        /**
         * Runs an action with the lock under which both files grow. The caller holds no stripe's
         * lock (RULE 13).
         */
        public void whileGrowing(Runnable action) {
            long _ =
                    grow.longHolding(
                            timeoutNanos,
                            () -> {
                                action.run();
                                return 0;
                            });
        }

        /** As {@link #whileGrowing}, unless somebody else holds the lock; tells whether it ran. */
        public boolean unlessGrowing(Runnable action) {
            return grow.tryHolding(action);
        }

        /** Repairs what errors left in this process. */
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

    /** The table word of a stripe, the only word of the descriptor that a reader needs. */
    public long table(int stripe) {
        return Words.acquire(base, SharedLayout.stripeAt(stripe) + StripeWords.TABLE);
    }

    /** A word of an area that this process has mapped before. */
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
     * Notes that the holder of the open lock has processed this many bytes, which those who wait
     * for it see.
     */
    public void advanced(long bytes) {
        Steps.at("O progress");
        Words.add(base, SharedLayout.OPENING_DONE, bytes);
    }

    /**
     * A mapping that covers these bytes of the file.
     *
     * @throws CorruptStore if the file does not have them
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
                    bytes + " bytes of an area within the file",
                    "a file of " + published + " bytes");
        }
        return file.segment(published);
    }

    /**
     * Finds an area that nothing names and lets the caller name it, as one step that no other
     * allocation interrupts.
     *
     * @param naming stores the word that names the area, given its offset
     * @return the offset, or -1 if the file has no such gap. The caller must then call {@link
     *     #makeRoom}, and try again.
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

    /**
     * The used areas, sorted: each {offset in units: 32 bits, units: 32 bits}. A zero means
     * nothing.
     */
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
     * Makes sure that there is a gap of that size. It extends the file unless another thread just
     * did. The caller holds no stripe's lock (RULE 13).
     *
     * @throws StoreFull if there is no space for it
     */
    public void makeRoom(Locks locks, long bytes) {
        locks.whileGrowing(() -> {
            if (allocate(locks, bytes, _ -> {}) < 0) {
                growHolding(locks, bytes);
            }
        });
    }

    private void growHolding(Locks locks, long bytes) {
        Recording<Grow> growth = Events.grow();
        long from = acquire(SHARED_BYTES);
        long least = from + Math.max(bytes, from / GROWTH_DIVISOR);
        boolean small = least <= Pages.LARGE.bytes();
        long most = Words.roundUp(least, small ? AREA_BYTES : Pages.LARGE.bytes()) - from;
        if (from + most > TableWord.END) {
            throw new StoreFull(
                    file.path(),
                    "the index has reached its greatest size of %d bytes".formatted(TableWord.END),
                    most,
                    0,
                    null);
        }
        try {
            file.reserve(from, from + most);
        } catch (IOException e) {
            throw OpenFile.growthFailure(
                    file.path(),
                    "no space for " + most + " more bytes of the index; free space on the disk",
                    most,
                    0,
                    e);
        }
        release(SHARED_BYTES, from + most);
        if (growth != null) {
            growth.end(
                    new Grow(
                            locks.store,
                            Events.SHARED_MEMORY,
                            Events.NO_STRIPE,
                            from,
                            from + most));
        }
    }

    /**
     * Makes sure that a region has an owner entry. The caller holds the grow lock.
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
                growHolding(locks, bytes);
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
     * The offset of a region's owner entry in the file.
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
