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
 * Actors    any number of readers in any process, without a lock; one writer per stripe, with its lock.
 * Words     the table word; in each bucket the meta word (tags, overflow count) and 7 slot words.
 * Steps     R1 table word          R2 meta word, tags compared      R3 slot word, hash bits compared
 *           R4 record: lengths, key      R5 fence, slot word again, then table word again
 * Why it is safe
 *           The slot word alone decides (RULE 7): if it is not zero, the entry is there; if it is zero,
 *           it is not. An entry never changes its slot within a table (RULE 11). So an entry that is
 *           there throughout is in one slot throughout, and is seen when that slot is read. Its tag was
 *           stored before the slot word, and the buckets that it passed were counted before the intent,
 *           so neither filter can hide it. R5 proves that the table is still the same and that no place
 *           of this stripe was freed since R1 (RULE 8). The slot word in R5 proves that the record was
 *           not overwritten in place since R3: that word changes before the first byte does (X4 before
 *           X5), and never returns to a former value in one life of its place. The order matters
 *           (RULE 34): if the table word came first, the place might be reused between the two loads,
 *           by the same key and count.
 *           If the keys differ, the table word alone confirms it, since in one life a place never
 *           changes its key. While the count is odd, the slot word names the record's image behind the
 *           tail (RULE 33), where the image of another key may follow; then the slot word is loaded
 *           again, too.
 * What is benign
 *           A tag of a removed entry, and a count that a killed writer left too high: a slot or a
 *           bucket is looked at in vain.
 * If a process dies here
 *           Readers leave nothing behind.
 */
/** The lookup of a key in its stripe's table. */
public final class Index {
    /** The result of {@link #candidate} for a key that is absent. */
    public static final long ABSENT = 0;

    /**
     * The greatest number of buckets between an entry and its home bucket; a longer walk makes the
     * table grow instead.
     */
    public static final int MAX_WALK = 8;

    /**
     * The longest key that is copied before anything confirms that the bytes are a key, in bytes.
     */
    private static final int LONGEST_UNCONFIRMED = 1 << 16;

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
     * A slot word that seems to name the record of a key, and its position.
     *
     * @param slot the slot word, loaded before the record
     * @param isRecord whether the bytes are a record of the key; if not, they can be no record at
     *     all
     */
    public record Found(long slotAt, long slot, boolean isRecord) {
        /** Whether this is {@link #CHANGED}. */
        public boolean isChanged() {
            return slotAt == 0;
        }
    }

    /**
     * The result of {@link #find} if an entry was overwritten meanwhile, and the caller must look
     * again.
     */
    public static final Found CHANGED = new Found(0, 0, false);

    /**
     * Finds the position of a key's slot word; null if the key is absent; {@link #CHANGED} if the
     * caller must look again. The result is unconfirmed (RULES 9, 34).
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
                boolean ofSlot = mayBeOfSlot(SlotWord.offset(slot), hash, prefix);
                if (SlotWord.isChanging(slot)) { // another key's record may have come there
                    VarHandle.acquireFence();
                    if (Words.acquire(memory, at) != slot) {
                        return CHANGED;
                    }
                }
                if (!ofSlot) { // a record with a damaged key does not stand for another key
                    return new Found(at, slot, false);
                }
            }
            if (BucketWords.overflow(meta) == 0 || --walk == 0) {
                return null;
            }
        }
    }

    /**
     * Whether the key of the record at a place can be that of the slot word that names the place;
     * unconfirmed. If it cannot, the record is damaged. Without this check a damaged key would be
     * taken for another key, and its entry for absent. The tag is not compared: it stands in
     * another word, and may be an earlier one.
     *
     * @param hash a hash of the slot's stripe
     * @param prefix the hash bits of the slot word
     */
    private boolean mayBeOfSlot(long offset, long hash, long prefix) {
        Records.Outline outline = records.outline(offset);
        if (outline == null) {
            return false;
        }
        if (outline.keyLength() > LONGEST_UNCONFIRMED) {
            return true; // the length may be damaged too
        }
        long hashed = this.hash.of(outline.key());
        return HashBits.prefix(HashBits.rest(hashed, stripesLog2)) == prefix
                && stripe(hashed) == stripe(hash);
    }

    /**
     * Finds where this slot word, of an entry with this hash, is in the table; 0 if it is not
     * there. No record is read: a place and the hash belong to one entry only, whatever the count
     * is. The result is unconfirmed, unless the caller holds the stripe's lock.
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
     * Finds the position of the first slot word that may be that of an entry with this hash; {@link
     * #ABSENT} if there is none. No record is read and no key compared, so the slot word may be
     * that of another entry. The result is unconfirmed (RULE 9).
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
                    "0, since the shared-memory file was replaced while this process used it");
        }
        return shared.covering(TableWord.offset(table), TableWord.bytes(TableWord.log2(table)));
    }

    /**
     * Starts to fetch the bucket that {@link #find} reads first. The result only keeps the load
     * alive.
     */
    public long touch(long table, long hash) {
        long rest = HashBits.rest(hash, stripesLog2);
        long bucket = HashBits.home(rest, TableWord.log2(table));
        MemorySegment memory = table(table);
        long bucketAt = TableWord.offset(table) + bucket * BucketWords.BYTES;
        return Words.acquire(memory, bucketAt);
    }

    /**
     * The position of a key's entry, or of a free slot for it.
     *
     * @param slotAt the position of the slot word in the shared-memory file; 0 if no slot is free
     *     near home
     * @param slot the slot word, 0 if the key is absent
     * @param passed the number of buckets between home and the slot's bucket
     * @param walked the number of buckets that were looked at
     */
    public record Lookup(long slotAt, long slot, int passed, int walked) {}

    /** Finds a key's slot, or a free one for it. The caller holds the stripe's lock. */
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
                    if (slot != 0 && SlotWord.hashBits(slot) == prefix && isKey(slot, hash, key)) {
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
     * Whether a slot word of the table names a record at that byte of the data file. Tags, overflow
     * counts and the record are not read.
     *
     * @param hash the hash of the record's key
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
         * Is called for a slot word that is not 0.
         *
         * @param slotAt its position in the shared-memory file
         */
        void slot(long slotAt, long slot);
    }

    /** Calls the visitor for every slot word of a table that is not free. */
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

    /**
     * Whether a stripe still has this table, and the table this slot word. The caller holds the
     * stripe's lock.
     */
    public boolean isUnchanged(StripeWords stripe, long table, long slotAt, long slot) {
        long now = stripe.acquire(StripeWords.TABLE);
        return TableWord.offset(now) == TableWord.offset(table)
                && TableWord.log2(now) == TableWord.log2(table)
                && Words.acquire(table(now), slotAt) == slot;
    }

    /**
     * Whether the entry with that hash is the record at that byte of the data file. The caller
     * holds the lock. The slot word is enough to tell: no other entry has that place.
     */
    public boolean pointsTo(StripeWords stripe, long hash, long offset) {
        return slotOf(stripe, hash, offset) != 0;
    }

    /** The slot word of the record at that byte, 0 if none names it. The caller holds the lock. */
    public long slotOf(StripeWords stripe, long hash, long offset) {
        long at = addressOf(stripe.acquire(StripeWords.TABLE), hash, slotWord(offset, hash));
        return at == 0 ? 0 : slot(at);
    }

    private boolean isKey(long slot, long hash, byte[] key) {
        long offset = SlotWord.offset(slot);
        Records.Match found = records.match(offset, key);
        if (found == Records.Match.NO_RECORD
                || found == Records.Match.OTHER
                        && !mayBeOfSlot(offset, hash, SlotWord.hashBits(slot))) {
            throw records.noRecord(offset);
        }
        return found == Records.Match.SAME;
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

    /**
     * Counts an entry in the buckets that it passes on its way from home. This happens before the
     * intent (RULE 11).
     */
    public void raiseOverflow(StripeWords stripe, long hash, int passed) {
        changeOverflow(stripe, hash, passed, 1);
    }

    /** Takes the count back, after the slot word is 0, and never in a redo. */
    public void lowerOverflow(StripeWords stripe, long hash, int passed) {
        changeOverflow(stripe, hash, passed, -1);
    }

    /**
     * The number of buckets that an entry passes on its way from home to its slot. The caller holds
     * the lock.
     */
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
        if (count != BucketWords.MAX_OVERFLOW) { // sticky: nobody knows how many more there were
            Words.release(memory, bucketAt, BucketWords.withOverflow(meta, count + change));
        }
    }

    /**
     * Stores a slot word and its tag, the tag first (RULE 7).
     *
     * @param slot the slot word; 0 removes the entry, and its tag stays as a hint that is followed
     *     in vain
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
     * Stores the slot word of a record, or 0, in a table that no other process sees yet.
     *
     * @param overwrites how many times the record was overwritten, as the record says
     */
    public void restore(Lookup found, long offset, long hash, int overwrites) {
        long slot = offset == 0 ? 0 : SlotWord.withCount(slotWord(offset, hash), 2 * overwrites);
        swing(found.slotAt(), slot, HashBits.tag(hash));
    }

    /**
     * Stores a slot word whose tag is there already. No later store is visible before it (RULE 32).
     */
    public void change(long slotAt, long slot) {
        Words.release(shared.covering(slotAt, Long.BYTES), slotAt, slot);
        VarHandle.storeStoreFence();
    }

    /** Loads a slot word. The caller holds the stripe's lock. */
    public long slot(long slotAt) {
        return Words.acquire(shared.covering(slotAt, Long.BYTES), slotAt);
    }

    /**
     * The slot word of a record at that byte of the data file which was never overwritten in place.
     */
    public long slotWord(long offset, long hash) {
        return SlotWord.of(offset, HashBits.prefix(HashBits.rest(hash, stripesLog2)));
    }

    int stripesLog2() {
        return stripesLog2;
    }
}
