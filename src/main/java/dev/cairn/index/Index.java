package dev.cairn.index;

import dev.cairn.CorruptStore;
import dev.cairn.format.BucketWords;
import dev.cairn.format.HashBits;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.log.Records;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/*
 * Actors    any number of readers, anywhere, without a lock; one writer a stripe, with its lock.
 * Words     the table word; in each bucket the meta word (tags, overflow count) and 7 slot words.
 * Steps     R1 table word          R2 meta word, tags compared      R3 slot word, hash bits compared
 *           R4 record: lengths, key      R5 fence, slot word again, then table word again
 * Why it is safe
 *           The slot word alone decides (RULE 7): non-zero is there, zero is not. An entry never
 *           changes its slot within a table (RULE 11), so one that is there throughout is in one
 *           slot throughout, and is seen when that slot is read; its tag was stored before the slot
 *           word, and the buckets it passed were counted before the intent, so neither filter can
 *           hide it. R5 proves that the table is the same and that no place of this stripe went
 *           elsewhere since R1 (RULE 8), and by the slot word that the record was not overwritten in
 *           place since R3: that word changes before the first byte does (X4 before X5), and never
 *           comes back in one life of its place. In this order (RULE 34): with the table word first,
 *           the place might be used again between the two loads, by the same key and count.
 *           A mismatch of keys stands by the table word alone, since in one life a place never changes
 *           its key. While the count is odd, the slot word names the record's image behind the tail
 *           (RULE 33), where another key's may come; then the slot word is loaded again, too.
 * What is benign
 *           A tag of a removed entry and a count that a killed writer left too high: a slot or a
 *           bucket looked at in vain.
 * If a process dies here
 *           Readers leave nothing behind.
 */
/** The lookup of a key in its stripe's table. */
public final class Index {
    /** What {@link #candidate} returns for a key that is not there. */
    public static final long ABSENT = 0;

    /** Buckets that an entry may be away from home; a longer walk grows the table instead. */
    public static final int MAX_WALK = 8;

    private final SharedMemory shared;
    private final Records records;
    private final KeyHash hash;
    private final int stripesLog2;

    public Index(SharedMemory shared, Records records, KeyHash hash) {
        this.shared = shared;
        this.records = records;
        this.hash = hash;
        this.stripesLog2 = Integer.numberOfTrailingZeros(shared.stripes());
    }

    public int stripe(long hash) {
        return HashBits.stripe(hash, stripesLog2);
    }

    /**
     * A slot word that names the record of a key, as it seems, and where it stands.
     *
     * @param slot loaded before the record
     * @param isRecord whether there is a record of the key; else the bytes can be no record's
     */
    public record Found(long slotAt, long slot, boolean isRecord) {
        /** Whether it is {@link #CHANGED}. */
        public boolean isChanged() {
            return slotAt == 0;
        }
    }

    /** What {@link #find} returns if an entry was overwritten meanwhile: look again. */
    public static final Found CHANGED = new Found(0, 0, false);

    /**
     * Where a key's slot word stands; null if it is not there; {@link #CHANGED}. Unconfirmed (RULES 9,
     * 34).
     *
     * @param table the stripe's table word, loaded before the call (R1)
     */
    public @Nullable Found find(long table, long hash, byte[] key) {
        int log2 = TableWord.log2(table);
        long tableAt = TableWord.offset(table);
        MemorySegment memory = table(table);
        long rest = HashBits.rest(hash, stripesLog2);
        long prefix = HashBits.prefix(rest);
        long tag = HashBits.tag(hash);
        long mask = (1L << log2) - 1;
        long bucket = HashBits.home(rest, log2);
        for (int walk = maxWalk(log2); ; bucket = bucket + HashBits.stride(tag) & mask) {
            long bucketAt = tableAt + bucket * BucketWords.BYTES;
            long meta = Words.acquire(memory, bucketAt); // R2
            for (long match = BucketWords.match(meta, tag); match != 0; match &= match - 1) {
                long at = slotAt(bucketAt, match);
                long slot = Words.acquire(memory, at); // R3
                if (slot == 0 || SlotWord.hashBits(slot) != prefix) {
                    continue;
                }
                Records.Match found = records.match(SlotWord.offset(slot), key); // R4
                if (found != Records.Match.OTHER) {
                    return new Found(at, slot, found == Records.Match.SAME);
                }
                if (SlotWord.isChanging(slot)) { // another record's bytes may have come there
                    boolean ofSlot = mayHaveHash(SlotWord.offset(slot), prefix, tag);
                    VarHandle.acquireFence();
                    if (Words.acquire(memory, at) != slot) {
                        return CHANGED;
                    }
                    if (!ofSlot) { // or a page that was lost is back, with an image of before
                        return new Found(at, slot, false);
                    }
                }
            }
            if (BucketWords.overflow(meta) == 0 || --walk == 0) {
                return null;
            }
        }
    }

    /** Whether the key of the record at a place may be that of a slot; unconfirmed. */
    private boolean mayHaveHash(long offset, long prefix, long tag) {
        Records.Outline outline = records.outline(offset);
        if (outline == null) {
            return false;
        }
        long hashed = hash.of(outline.key());
        return HashBits.prefix(HashBits.rest(hashed, stripesLog2)) == prefix
                && HashBits.tag(hashed) == tag;
    }

    /**
     * Where a slot word stands, that of an entry with this hash; 0 if it is not there. No record is
     * read: a place and the hash are one entry's only, whatever the count. Unconfirmed, unless under the
     * stripe's lock.
     */
    public long addressOf(long table, long hash, long slot) {
        int log2 = TableWord.log2(table);
        MemorySegment memory = table(table);
        long tag = HashBits.tag(hash);
        long mask = (1L << log2) - 1;
        long bucket = HashBits.home(HashBits.rest(hash, stripesLog2), log2);
        for (int pass = 0; pass < maxWalk(log2); pass++) {
            long bucketAt = TableWord.offset(table) + bucket * BucketWords.BYTES;
            long meta = Words.acquire(memory, bucketAt);
            for (long match = BucketWords.match(meta, tag); match != 0; match &= match - 1) {
                long at = slotAt(bucketAt, match);
                if (SlotWord.samePlace(Words.acquire(memory, at), slot)) {
                    return at;
                }
            }
            if (BucketWords.overflow(meta) == 0) {
                return 0;
            }
            bucket = bucket + HashBits.stride(tag) & mask;
        }
        return 0;
    }

    /**
     * Where the first slot word stands that may be that of an entry with that hash, or {@link #ABSENT};
     * no record is read and no key compared, so it may be another entry's. Unconfirmed (RULE 9).
     *
     * @param table the stripe's table word, loaded before the call (R1)
     */
    public long candidate(long table, long hash) {
        int log2 = TableWord.log2(table);
        MemorySegment memory = table(table);
        long rest = HashBits.rest(hash, stripesLog2);
        long tag = HashBits.tag(hash);
        long mask = (1L << log2) - 1;
        long bucket = HashBits.home(rest, log2);
        for (int pass = 0; pass < maxWalk(log2); pass++) {
            long bucketAt = TableWord.offset(table) + bucket * BucketWords.BYTES;
            long meta = Words.acquire(memory, bucketAt); // R2
            for (long match = BucketWords.match(meta, tag); match != 0; match &= match - 1) {
                long at = slotAt(bucketAt, match);
                long slot = Words.acquire(memory, at); // R3
                if (slot != 0 && SlotWord.hashBits(slot) == HashBits.prefix(rest)) {
                    return at;
                }
            }
            if (BucketWords.overflow(meta) == 0) {
                return ABSENT;
            }
            bucket = bucket + HashBits.stride(tag) & mask;
        }
        return ABSENT;
    }

    static int maxWalk(int log2) {
        return log2 >= 3 ? MAX_WALK : 1 << log2;
    }

    private static long slotAt(long bucketAt, long match) {
        return bucketAt + BucketWords.FIRST_SLOT + (long) Long.BYTES * BucketWords.slot(match);
    }

    private MemorySegment table(long table) {
        if (table == 0) {
            throw new CorruptStore(
                    shared.file().path(),
                    0,
                    "a table word",
                    "0: the shared-memory file was replaced under this process");
        }
        return shared.covering(TableWord.offset(table), TableWord.bytes(TableWord.log2(table)));
    }

    /** Starts to fetch the bucket that {@link #find} reads first; the result only keeps the load alive. */
    public long touch(long table, long hash) {
        long rest = HashBits.rest(hash, stripesLog2);
        long bucket = HashBits.home(rest, TableWord.log2(table));
        MemorySegment memory = table(table);
        long bucketAt = TableWord.offset(table) + bucket * BucketWords.BYTES;
        return Words.acquire(memory, bucketAt);
    }

    /**
     * Where a key's entry is, or could go.
     *
     * @param slotAt of the slot word in the shared-memory file; 0 if no slot is free near home
     * @param slot the slot word, 0 if the key is not there
     * @param passed buckets between home and the slot's
     * @param walked buckets that had to be looked at to know
     */
    public record Lookup(long slotAt, long slot, int passed, int walked) {}

    /** Finds a key's slot, or a free one for it; under the stripe's lock. */
    public Lookup locate(StripeWords stripe, long hash, byte[] key) {
        long table = stripe.acquire(StripeWords.TABLE);
        int log2 = TableWord.log2(table);
        MemorySegment memory = table(table);
        long rest = HashBits.rest(hash, stripesLog2);
        long prefix = HashBits.prefix(rest);
        long tag = HashBits.tag(hash);
        long mask = (1L << log2) - 1;
        long bucket = HashBits.home(rest, log2);
        long freeAt = 0;
        int freePassed = 0;
        int walked = 0;
        for (int pass = 0; pass < maxWalk(log2); pass++) {
            long bucketAt = TableWord.offset(table) + bucket * BucketWords.BYTES;
            long meta = Words.acquire(memory, bucketAt);
            if (walked == 0) {
                for (long match = BucketWords.match(meta, tag); match != 0; match &= match - 1) {
                    long at = slotAt(bucketAt, match);
                    long slot = Words.acquire(memory, at);
                    if (slot != 0 && SlotWord.hashBits(slot) == prefix && isKey(slot, key)) {
                        return new Lookup(at, slot, pass, pass + 1);
                    }
                }
                if (BucketWords.overflow(meta) == 0) {
                    walked = pass + 1;
                }
            }
            if (freeAt == 0) {
                freeAt = freeSlot(memory, bucketAt);
                freePassed = pass;
            }
            if (freeAt != 0 && walked != 0) {
                break;
            }
            bucket = bucket + HashBits.stride(tag) & mask;
        }
        return new Lookup(freeAt, 0, freePassed, walked == 0 ? maxWalk(log2) : walked);
    }

    /**
     * Whether a table points to a record at that byte of the data file, by its slot words alone: tags
     * and overflow counts are not asked, nor is the record.
     *
     * @param hash of the record's key
     */
    public static boolean pointsTo(SharedMemory shared, long table, long hash, long offset) {
        int log2 = TableWord.log2(table);
        MemorySegment memory = shared.covering(TableWord.offset(table), TableWord.bytes(log2));
        long rest = HashBits.rest(hash, Integer.numberOfTrailingZeros(shared.stripes()));
        long wanted = SlotWord.of(offset, HashBits.prefix(rest));
        long stride = HashBits.stride(HashBits.tag(hash));
        long bucket = HashBits.home(rest, log2);
        for (int walk = maxWalk(log2); walk > 0; walk--) {
            long bucketAt = TableWord.offset(table) + bucket * BucketWords.BYTES;
            for (int slot = 0; slot < BucketWords.SLOTS; slot++) {
                long at = bucketAt + BucketWords.FIRST_SLOT + (long) slot * Long.BYTES;
                if (SlotWord.samePlace(Words.acquire(memory, at), wanted)) {
                    return true;
                }
            }
            bucket = bucket + stride & (1L << log2) - 1;
        }
        return false;
    }

    /** Gets the slot words of a table. */
    public interface SlotVisitor {
        /**
         * A slot word that is not 0.
         *
         * @param slotAt where it stands in the shared-memory file
         */
        void slot(long slotAt, long slot);
    }

    /** Tells of every slot word of a table that is not free. */
    public void forEachSlot(long table, SlotVisitor visitor) {
        int log2 = TableWord.log2(table);
        MemorySegment memory = table(table);
        long end = TableWord.offset(table) + ((long) BucketWords.BYTES << log2);
        for (long at = TableWord.offset(table); at < end; at += Long.BYTES) {
            boolean meta = BucketWords.bucketAt(at) == at;
            long slot = meta ? 0 : Words.acquire(memory, at);
            if (slot != 0) {
                visitor.slot(at, slot);
            }
        }
    }

    /** Whether a stripe still has that table, and in it that slot word; under the stripe's lock. */
    public boolean isUnchanged(StripeWords stripe, long table, long slotAt, long slot) {
        long now = stripe.acquire(StripeWords.TABLE);
        return TableWord.offset(now) == TableWord.offset(table)
                && TableWord.log2(now) == TableWord.log2(table)
                && Words.acquire(table(now), slotAt) == slot;
    }

    /**
     * Whether the entry with that hash is the record at that byte of the data file; under the lock. The
     * slot word tells: no other entry has that place.
     */
    public boolean pointsTo(StripeWords stripe, long hash, long offset) {
        return slotOf(stripe, hash, offset) != 0;
    }

    /** The slot word of the record at that byte, 0 if none points to it; under the lock. */
    public long slotOf(StripeWords stripe, long hash, long offset) {
        long at = addressOf(stripe.acquire(StripeWords.TABLE), hash, slotWord(offset, hash));
        return at == 0 ? 0 : slot(at);
    }

    private boolean isKey(long slot, byte[] key) {
        return switch (records.match(SlotWord.offset(slot), key)) {
            case SAME -> true;
            case OTHER -> false;
            case NO_RECORD -> throw records.noRecord(SlotWord.offset(slot));
        };
    }

    static long freeSlot(MemorySegment memory, long bucketAt) {
        for (int slot = 0; slot < BucketWords.SLOTS; slot++) {
            long at = bucketAt + BucketWords.FIRST_SLOT + (long) slot * Long.BYTES;
            if (Words.acquire(memory, at) == 0) {
                return at;
            }
        }
        return 0;
    }

    /** Counts an entry that passes buckets on its way from home; before the intent (RULE 11). */
    public void raiseOverflow(StripeWords stripe, long hash, int passed) {
        changeOverflow(stripe, hash, passed, 1);
    }

    /** Uncounts it; after its slot word is 0, and never by a redo. */
    public void lowerOverflow(StripeWords stripe, long hash, int passed) {
        changeOverflow(stripe, hash, passed, -1);
    }

    /** Buckets that an entry passes on its way from home to its slot; under the lock. */
    public int passed(StripeWords stripe, long hash, long slotAt) {
        long table = stripe.acquire(StripeWords.TABLE);
        int log2 = TableWord.log2(table);
        long bucketAt = BucketWords.bucketAt(slotAt);
        long bucket = HashBits.home(HashBits.rest(hash, stripesLog2), log2);
        int passed = 0;
        while (TableWord.offset(table) + bucket * BucketWords.BYTES != bucketAt
                && passed < maxWalk(log2)) {
            bucket = bucket + HashBits.stride(HashBits.tag(hash)) & (1L << log2) - 1;
            passed++;
        }
        return passed;
    }

    private void changeOverflow(StripeWords stripe, long hash, int passed, int change) {
        if (passed == 0) {
            return;
        }
        long table = stripe.acquire(StripeWords.TABLE);
        int log2 = TableWord.log2(table);
        MemorySegment memory = table(table);
        long tag = HashBits.tag(hash);
        long bucket = HashBits.home(HashBits.rest(hash, stripesLog2), log2);
        for (int pass = 0; pass < passed; pass++) {
            long bucketAt = TableWord.offset(table) + bucket * BucketWords.BYTES;
            changeOverflow(memory, bucketAt, change);
            bucket = bucket + HashBits.stride(tag) & (1L << log2) - 1;
        }
    }

    static void changeOverflow(MemorySegment memory, long bucketAt, int change) {
        long meta = Words.acquire(memory, bucketAt);
        int count = BucketWords.overflow(meta);
        if (count != BucketWords.MAX_OVERFLOW) { // sticky: how many more there were is not known
            Words.release(memory, bucketAt, BucketWords.withOverflow(meta, count + change));
        }
    }

    /**
     * Stores a slot word with its tag: tag first (RULE 7).
     *
     * @param slot 0 removes; the tag then stays as a hint that is looked at in vain
     */
    public void swing(long slotAt, long slot, long tag) {
        MemorySegment memory = shared.covering(slotAt, Long.BYTES);
        if (slot != 0) {
            long bucketAt = BucketWords.bucketAt(slotAt);
            long meta = Words.acquire(memory, bucketAt);
            int at = BucketWords.slotOf(slotAt);
            if (BucketWords.tag(meta, at) != tag) {
                Words.release(memory, bucketAt, BucketWords.withTag(meta, at, tag));
            }
        }
        Words.release(memory, slotAt, slot);
    }

    /**
     * Stores the slot word of a record, or 0, in a table that nobody else sees yet.
     *
     * @param overwrites how often the record was overwritten, as it says
     */
    public void restore(Lookup found, long offset, long hash, int overwrites) {
        long slot = offset == 0 ? 0 : SlotWord.withCount(slotWord(offset, hash), 2 * overwrites);
        swing(found.slotAt(), slot, HashBits.tag(hash));
    }

    /** Stores a slot word whose tag is there, and nothing that is stored later before it (RULE 32). */
    public void change(long slotAt, long slot) {
        Words.release(shared.covering(slotAt, Long.BYTES), slotAt, slot);
        VarHandle.storeStoreFence();
    }

    /** A slot word; under the stripe's lock. */
    public long slot(long slotAt) {
        return Words.acquire(shared.covering(slotAt, Long.BYTES), slotAt);
    }

    /** The slot word of a record at that byte of the data file, which was never overwritten there. */
    public long slotWord(long offset, long hash) {
        return SlotWord.of(offset, HashBits.prefix(HashBits.rest(hash, stripesLog2)));
    }

    int stripesLog2() {
        return stripesLog2;
    }
}
