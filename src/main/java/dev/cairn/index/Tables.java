package dev.cairn.index;

import static dev.cairn.format.StripeWords.BUILDING;
import static dev.cairn.format.StripeWords.LIVE_COUNT;
import static dev.cairn.format.StripeWords.STRAIN;
import static dev.cairn.format.StripeWords.SWINGS;
import static dev.cairn.format.StripeWords.TABLE;

import dev.cairn.CorruptStore;
import dev.cairn.events.Events;
import dev.cairn.events.Events.Grow;
import dev.cairn.events.Recording;
import dev.cairn.format.BucketWords;
import dev.cairn.format.HashBits;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.log.Records;
import dev.cairn.os.Steps;
import dev.cairn.shared.SharedMemory;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/*
 * Actors    the holder of the stripe's lock; readers of the old table, who never wait.
 * Words     building, the table word.
 * Steps     G1 building := {place, size}, under the allocation lock; nothing else names that area
 *           G2 zeros, then every slot word of the old table   G3 table word := {new, generation + 1}
 *           G4 building := 0
 * Why it is safe
 *           Nobody sees the new area before G3, which is one store. A reader that began in the old
 *           table finds the table word changed and looks again (RULE 9). So the old area may be taken
 *           at once: such a reader only reads it, and discards what it read. G3 comes before G4, and
 *           the allocator reads building before the table word, so it always sees one of them (RULE 14).
 * If a process dies here
 *           Before G3 only building names the area: the repairer clears it, and the area is free.
 *           After G3 both name it: the repairer clears building, and the table stays.
 */
/** The tables of the index: when a stripe gets a new one, and how. */
public final class Tables {
    /** The number of entries in ten slots above which a table is doubled. */
    private static final int FULL_TENTHS = 7;

    /**
     * The number of entries in ten slots above which a crowded table is doubled and not only
     * rebuilt.
     */
    private static final int HALF_TENTHS = 4;

    /** The mean number of buckets that a miss reads, times 256, above which a table is rebuilt. */
    private static final long STRAINED = 3 << 8;

    /**
     * How many times a table is doubled at once. If its entries need more, they are taken for
     * damage.
     */
    private static final int MOST_DOUBLINGS = 8;

    private static final int STRAIN_WEIGHT_LOG2 = 8;

    private final SharedMemory shared;
    private final SharedMemory.Locks locks;
    private final Index index;
    private final Records records;
    private final KeyHash hash;

    public Tables(
            SharedMemory shared,
            SharedMemory.Locks locks,
            Index index,
            Records records,
            KeyHash hash) {
        this.shared = shared;
        this.locks = locks;
        this.index = index;
        this.records = records;
        this.hash = hash;
    }

    /** The least log2 of the number of buckets that has room for that many entries. */
    public static int log2For(long entries, int least) {
        int log2 = least;
        while (log2 < TableWord.MAX_LOG2 && tooMany(entries, log2)) {
            log2++;
        }
        return log2;
    }

    private static boolean tooMany(long entries, int log2) {
        return entries * 10 > (FULL_TENTHS * (long) BucketWords.SLOTS << log2);
    }

    /** Whether a stripe needs a new table before one more entry is added. */
    public boolean crowded(StripeWords words, Index.Lookup found) {
        long before = words.acquire(STRAIN);
        long strain = before + (((long) found.walked() << 8) - before >> STRAIN_WEIGHT_LOG2);
        if (strain != before) { // most inserts do not walk, and do not dirty this line
            words.release(STRAIN, strain);
        }
        return found.slotAt() == 0
                || strain > STRAINED
                || tooMany(words.acquire(LIVE_COUNT) + 1, TableWord.log2(words.acquire(TABLE)));
    }

    /** Gives a stripe its first table; returns false if the file has no room for it. */
    public boolean create(StripeWords words, int log2) {
        return swing(words, log2, TableWord.of(0, 0, 0));
    }

    /**
     * Gives a crowded stripe a new table of the same or of double size. The caller holds the
     * stripe's lock.
     *
     * @param again whether the entry found no place in the table that this method built just
     *     before; the new table is larger then
     * @return 0, or the bytes for which the file has no room. In that case the caller must release
     *     the lock, call {@link SharedMemory#makeRoom}, and start again.
     */
    public long rebuild(StripeWords words, boolean again) {
        long old = words.acquire(TABLE);
        long entries = words.acquire(LIVE_COUNT) + 1;
        if (entries < 1 || entries > ((long) BucketWords.SLOTS << TableWord.log2(old)) + 1) {
            throw new CorruptStore(
                    shared.file().path(),
                    words.at() + LIVE_COUNT,
                    "at most as many entries as the table has slots",
                    Long.toString(entries - 1));
        }
        int log2 = log2For(entries, TableWord.log2(old));
        if (log2 == TableWord.log2(old)
                && (again || entries * 10 > (HALF_TENTHS * (long) BucketWords.SLOTS << log2))) {
            log2++;
        }
        requireSpread(old, log2);
        Recording<Grow> growth = Events.grow();
        while (!swing(words, log2, old)) {
            if (words.acquire(BUILDING) == 0) {
                return TableWord.bytes(log2);
            }
            words.release(BUILDING, 0); // no place near home for an entry: take a larger table
            log2++;
            requireSpread(old, log2);
        }
        if (growth != null) {
            growth.end(
                    new Grow(
                            locks.store(),
                            Events.INDEX,
                            SharedLayout.stripe(words.at()),
                            TableWord.bytes(TableWord.log2(old)),
                            TableWord.bytes(log2)));
        }
        return 0;
    }

    /**
     * Requires that a larger table can spread the entries. If it cannot, they are no entries: one
     * slot word stands in many slots.
     */
    private void requireSpread(long old, int log2) {
        if (log2 > Math.min(TableWord.MAX_LOG2, TableWord.log2(old) + MOST_DOUBLINGS)) {
            throw new CorruptStore(
                    shared.file().path(),
                    TableWord.offset(old),
                    "a table whose entries fit one %d times as large"
                            .formatted(1 << MOST_DOUBLINGS),
                    "more entries with one hash than there are slots near their home");
        }
    }

    private boolean swing(StripeWords words, int log2, long old) {
        long bytes = TableWord.bytes(log2);
        long at =
                shared.allocate(
                        locks,
                        bytes,
                        offset -> words.release(BUILDING, TableWord.of(offset, log2, 0))); // G1
        if (at < 0) {
            return false;
        }
        VarHandle.fullFence();
        Steps.at("G2");
        MemorySegment memory = shared.covering(at, bytes);
        memory.asSlice(at, bytes).fill((byte) 0);
        if (old != 0 && !copy(old, memory, at, log2)) {
            return false;
        }
        Steps.at("G3");
        words.release(SWINGS, words.acquire(SWINGS) + 1);
        words.release(TABLE, TableWord.of(at, log2, TableWord.generation(old) + 1)); // G3
        words.release(STRAIN, 1 << 8);
        Steps.at("G4");
        words.release(BUILDING, 0); // G4
        return true;
    }

    private boolean copy(long old, MemorySegment to, long toAt, int log2) {
        long oldAt = TableWord.offset(old);
        long oldBytes = (long) BucketWords.BYTES << TableWord.log2(old);
        MemorySegment from = shared.covering(oldAt, oldBytes);
        for (long bucketAt = oldAt; bucketAt < oldAt + oldBytes; bucketAt += BucketWords.BYTES) {
            long meta = Words.acquire(from, bucketAt);
            for (int i = 0; i < BucketWords.SLOTS; i++) {
                long slot =
                        Words.acquire(
                                from, bucketAt + BucketWords.FIRST_SLOT + (long) i * Long.BYTES);
                if (slot != 0
                        && !insert(
                                to, toAt, log2, rest(slot, log2), BucketWords.tag(meta, i), slot)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** As many bits of an entry's hash as a table of that size needs (RULE 14). */
    private long rest(long slot, int log2) {
        if (log2 <= HashBits.PREFIX_BITS) {
            return SlotWord.hashBits(slot) << Long.SIZE - HashBits.PREFIX_BITS;
        }
        byte[] key = records.keyLocked(SlotWord.offset(slot));
        return HashBits.rest(hash.of(key), index.stripesLog2());
    }

    private static boolean insert(
            MemorySegment memory, long tableAt, int log2, long rest, long tag, long slot) {
        long mask = (1L << log2) - 1;
        long home = HashBits.home(rest, log2);
        long bucket = home;
        for (int pass = 0; pass < Index.maxWalk(log2); pass++) {
            long bucketAt = tableAt + bucket * BucketWords.BYTES;
            long at = Index.freeSlot(memory, bucketAt);
            if (at != 0) {
                long meta = Words.acquire(memory, bucketAt);
                Words.release(
                        memory, bucketAt, BucketWords.withTag(meta, BucketWords.slotOf(at), tag));
                Words.release(memory, at, slot);
                for (long passed = home; passed != bucket; ) {
                    Index.changeOverflow(memory, tableAt + passed * BucketWords.BYTES, 1);
                    passed = passed + HashBits.stride(tag) & mask;
                }
                return true;
            }
            bucket = bucket + HashBits.stride(tag) & mask;
        }
        return false;
    }
}
