package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Versioned;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.index.Mapped;
import dev.cairn.index.Walk;
import dev.cairn.log.RecordBytes;
import dev.cairn.log.Records;
import dev.cairn.log.Records.Copy;
import dev.cairn.log.Records.Outline;
import dev.cairn.shared.SharedMemory;
import dev.cairn.shared.StoreClock;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * The reads: lock-free, and storing nothing to shared memory.
 *
 * <p>RULE 9: every exit passes {@link #confirmed}, hits, misses and errors alike, before anything
 * that was read is used. RULE 10: a failed attempt whose table word did not change is corruption, so
 * each retry is owed to a step that another operation completed.
 */
final class Reader {
    /** Stands for an answer that the table word did not confirm. */
    private static final byte[] UNCONFIRMED = {};

    /** Keys that are looked up together: as many misses as a core can have under way, and some. */
    private static final int AHEAD = 32;

    private final SharedMemory shared;
    private final StoreClock clock;
    private final Records records;
    private final KeyHash hash;
    private final Index index;
    private final @Nullable Snapshot snapshot;

    /**
     * @param snapshot null unless a checkpoint is shown rather than the store itself
     */
    Reader(Mapped mapped, @Nullable Snapshot snapshot) {
        this.snapshot = snapshot;
        this.shared = mapped.shared();
        this.clock = shared.clock();
        this.records = mapped.records();
        this.hash = mapped.hash();
        this.index = mapped.index();
    }

    byte @Nullable [] get(byte[] key) {
        return get(key, hash.of(key));
    }

    private byte @Nullable [] get(byte[] key, long hashed) {
        int stripe = index.stripe(hashed);
        while (true) {
            long table = shared.table(stripe); // R1
            long slot = index.candidate(table, hashed);
            byte[] value = value(stripe, table, slot, hashed, key);
            if (!isUnconfirmed(value)) {
                return value;
            }
        }
    }

    @SuppressWarnings("ReferenceEquality") // an empty value is another array
    private static boolean isUnconfirmed(byte @Nullable [] value) {
        return value == UNCONFIRMED;
    }

    /**
     * A copy of a key's value. The record is asked once for all that is needed of it; where it is
     * another key's, or has a run, the key is looked up.
     *
     * @param slot what {@link Index#candidate} gave for the table word
     * @return null if the key is absent, {@link #UNCONFIRMED} if the lookup is to be made again
     */
    private byte @Nullable [] value(int stripe, long table, long slot, long hashed, byte[] key) {
        if (slot == Index.ABSENT) {
            return confirmed(stripe, table) ? null : UNCONFIRMED; // R5
        }
        long offset = Place.offset(slot);
        long inline = records.inline(offset, key); // R4
        if (!confirmed(stripe, table)) {
            return UNCONFIRMED;
        }
        if (inline == Records.NOT_INLINE) {
            Copy copy = copy(key, hashed, stripe);
            return copy == null ? null : copy.value();
        }
        byte[] image = records.image(stripe, offset, key, inline);
        if (!confirmed(stripe, table)) {
            return UNCONFIRMED; // R5
        }
        records.requireSound(image, offset);
        return expired(RecordBytes.inlineExpires(image, inline))
                ? null
                : RecordBytes.inlineValue(image, inline, key.length);
    }

    @Nullable Versioned getVersioned(byte[] key) {
        long hashed = hash.of(key);
        Copy copy = copy(key, hashed, index.stripe(hashed));
        return copy == null ? null : versioned(copy);
    }

    Versioned versioned(Copy entry) {
        long expires = entry.outline().expires();
        return new Versioned(
                entry.value(),
                entry.outline().version(),
                expires == 0 ? null : Instant.ofEpochMilli(clock.byWall(expires)));
    }

    /** A sound copy of a key's entry, of whatever kind; null if it is absent. */
    private @Nullable Copy copy(byte[] key, long hashed, int stripe) {
        while (true) {
            long table = shared.table(stripe); // R1
            Outline outline = outline(stripe, table, hashed, key);
            Copy copy = outline == null ? null : records.copy(stripe, outline);
            if (confirmed(stripe, table)) { // R5
                return sound(stripe, copy);
            }
        }
    }

    /** A copy that was made under the lock, its checksums compared. */
    @Nullable Copy sound(byte[] key, @Nullable Copy copy) {
        if (copy != null) {
            records.requireSound(index.stripe(hash.of(key)), copy);
        }
        return copy;
    }

    /** The confirmed copy, its checksums compared; null if it is expired. */
    private @Nullable Copy sound(int stripe, @Nullable Copy copy) {
        if (copy == null) {
            return null;
        }
        records.requireSound(stripe, copy);
        return expired(copy.outline().expires()) ? null : copy;
    }

    /**
     * A key's entry with the words that tell whether it still is what it was.
     *
     * @param known a version whose value need not be copied
     * @return null if the key is absent
     */
    @Nullable Sighting look(byte[] key, long known) {
        long hashed = hash.of(key);
        int stripe = index.stripe(hashed);
        while (true) {
            long table = shared.table(stripe); // R1
            Outline outline = outline(stripe, table, hashed, key);
            long slot = outline == null ? 0 : index.slotWord(outline.offset(), hashed);
            long slotAt = outline == null ? 0 : index.addressOf(table, hashed, slot);
            boolean isKnown = outline != null && outline.version() == known;
            Copy copy = outline == null || isKnown ? null : records.copy(stripe, outline);
            if (!confirmed(stripe, table)) { // R5
                continue;
            }
            if (outline == null || copy != null && sound(stripe, copy) == null) {
                return null;
            }
            if (expired(outline.expires())) {
                return null;
            }
            if (slotAt != 0) { // else overtaken by another write of this key
                return new Sighting(outline, copy, stripe, table, slotAt, slot);
            }
        }
    }

    /**
     * Whether a sighting still counts. RULE 29: the slot word, then the table word, both loaded
     * within the call. That the table word is unchanged proves that nothing of the stripe lies where
     * something else lay before, up to that load; so the slot word, loaded earlier, named the same
     * record. The other order would not do: between the two the record's region could be used again,
     * and the key come to the same place.
     */
    boolean unchanged(int stripe, long table, long slotAt, long slot) {
        return shared.word(slotAt) == slot && confirmed(stripe, table);
    }

    /** Whether a key with that hash is absent for certain; if not, it may be there. */
    boolean absent(long hashed) {
        int stripe = index.stripe(hashed);
        while (true) {
            long table = shared.table(stripe); // R1
            long candidate = index.candidate(table, hashed);
            if (confirmed(stripe, table)) { // R5
                return candidate == Index.ABSENT;
            }
        }
    }

    int stripes() {
        return shared.stripes();
    }

    long hash(byte[] key) {
        return hash.of(key);
    }

    boolean containsKey(byte[] key) {
        return present(key) != null;
    }

    /** The version of a key's entry, 0 if it is absent. */
    long version(byte[] key) {
        Outline present = present(key);
        return present == null ? 0 : present.version();
    }

    /** The confirmed outline of a key's record, its checksums not compared; null if it is absent. */
    @Nullable Outline present(byte[] key) {
        long hashed = hash.of(key);
        int stripe = index.stripe(hashed);
        while (true) {
            long table = shared.table(stripe); // R1
            Outline outline = outline(stripe, table, hashed, key);
            if (confirmed(stripe, table)) { // R5
                return outline == null || expired(outline.expires()) ? null : outline;
            }
        }
    }

    int stripeOf(byte[] key) {
        return index.stripe(hash.of(key));
    }

    /**
     * The outline of a key's record, its lengths confirmed so that they may be allocated; null if
     * the key is absent, or if the table word moved: unconfirmed.
     */
    private @Nullable Outline outline(int stripe, long table, long hashed, byte[] key) {
        long slot = index.find(table, hashed, key);
        if (slot == Index.ABSENT) {
            return null;
        }
        Outline outline = slot == Index.NO_RECORD ? null : records.outline(Place.offset(slot));
        if (!confirmed(stripe, table)) {
            return null;
        }
        if (outline == null || outline.kind() != RecordLayout.PUT || outline.version() <= 0) {
            throw damaged(stripe, table, hashed, slot);
        }
        return outline;
    }

    private CorruptStore damaged(int stripe, long table, long hashed, long slot) {
        if (slot != Index.NO_RECORD) {
            return records.noRecord(Place.offset(slot));
        }
        return new CorruptStore(
                shared.file().path(),
                shared.stripe(stripe).at() + StripeWords.TABLE,
                "slots of records, for hash 0x%016x in table 0x%016x".formatted(hashed, table),
                "one of a place that holds none");
    }

    private boolean confirmed(int stripe, long table) {
        VarHandle.acquireFence();
        requireCurrent();
        return shared.table(stripe) == table;
    }

    /**
     * @throws dev.cairn.Overtaken if this is a snapshot, and of a checkpoint that was overtaken
     */
    void requireCurrent() {
        if (snapshot != null) {
            snapshot.requireCurrent();
        }
    }

    /** Whether an entry with that time of expiry is absent (RULE 28). */
    boolean expired(long expires) {
        return clock.hasCome(expires);
    }

    StoreClock clock() {
        return clock;
    }

    /**
     * The values of many keys. Of some keys at a time the buckets are fetched, then the records that
     * the slot words name, then the entries are read: so the cache misses of a step overlap.
     */
    List<byte @Nullable []> getAll(List<byte[]> keys) {
        List<byte @Nullable []> values = new ArrayList<>(keys.size());
        Ahead ahead = new Ahead(Math.min(AHEAD, keys.size()));
        for (int from = 0; from < keys.size(); from += AHEAD) {
            ahead.read(keys.subList(from, Math.min(keys.size(), from + AHEAD)), values);
        }
        return values;
    }

    /** Of keys that are looked up together: the hash, the table word and the slot word. */
    private final class Ahead {
        private final long[] hashes;
        private final long[] tables;
        private final long[] slots;

        private Ahead(int most) {
            this.hashes = new long[most];
            this.tables = new long[most];
            this.slots = new long[most];
        }

        void read(List<byte[]> keys, List<byte @Nullable []> values) {
            Words.keepAlive(fetch(keys));
            for (int i = 0; i < keys.size(); i++) {
                byte[] key = keys.get(i);
                byte[] value = value(index.stripe(hashes[i]), tables[i], slots[i], hashes[i], key);
                values.add(isUnconfirmed(value) ? get(key, hashes[i]) : value);
            }
        }

        private long fetch(List<byte[]> keys) {
            long sum = 0;
            for (int i = 0; i < keys.size(); i++) {
                hashes[i] = hash.of(keys.get(i));
                tables[i] = shared.table(index.stripe(hashes[i])); // R1
                sum += index.touch(tables[i], hashes[i]);
            }
            for (int i = 0; i < keys.size(); i++) {
                slots[i] = index.candidate(tables[i], hashes[i]);
                sum += slots[i] == Index.ABSENT ? 0 : records.touch(Place.offset(slots[i]));
            }
            return sum;
        }
    }

    /**
     * Copies a key's value, unless it is longer than the room for it. Only a sound and confirmed copy is
     * copied on.
     *
     * @return the value's length in bytes, -1 if the key is absent
     */
    long get(byte[] key, MemorySegment target) {
        long hashed = hash.of(key);
        Copy copy = copy(key, hashed, index.stripe(hashed));
        if (copy == null) {
            return -1;
        }
        int length = copy.outline().valueLength();
        if (length <= target.byteSize()) {
            MemorySegment value = MemorySegment.ofArray(copy.valueArray());
            MemorySegment.copy(value, copy.valueAt(), target, 0, length);
        }
        return length;
    }

    /**
     * An entry's value where it lies.
     *
     * @param stripe of its key
     * @param table the stripe's table word, which tells whether the bytes are still the value
     */
    record View(int stripe, long table, MemorySegment value) {}

    /** A key's value where it lies, confirmed and its checksums compared; null if it is absent. */
    @Nullable View view(byte[] key) {
        long hashed = hash.of(key);
        int stripe = index.stripe(hashed);
        while (true) {
            long table = shared.table(stripe); // R1
            Outline outline = outline(stripe, table, hashed, key);
            CorruptStore damage = outline == null ? null : records.damage(stripe, outline);
            if (confirmed(stripe, table)) { // R5
                if (damage != null) {
                    throw damage;
                }
                return outline == null || expired(outline.expires())
                        ? null
                        : new View(stripe, table, outline.value());
            }
        }
    }

    /** Whether the bytes of a view were the value's until now. */
    boolean isCurrent(View view) {
        return confirmed(view.stripe, view.table);
    }

    /** A scan of the entries of some stripes. */
    Scan scan(int firstStripe, int endStripe) {
        return new Scan(firstStripe, endStripe);
    }

    /** Goes through the entries of some stripes, one by one. */
    final class Scan {
        private final Deque<Copy> entries = new ArrayDeque<>();
        private final int endStripe;
        private int stripe;
        private Walk walk;

        private Scan(int firstStripe, int endStripe) {
            this.stripe = firstStripe;
            this.endStripe = endStripe;
            this.walk = new Walk(shared, firstStripe);
        }

        /** The next entry, null behind the last. */
        @Nullable Copy next() {
            while (entries.isEmpty()) {
                if (walk.hasNext()) {
                    entries.addAll(Reader.this.next(walk, stripe));
                    walk.advance();
                } else if (stripe + 1 < endStripe) {
                    walk = new Walk(shared, ++stripe);
                } else {
                    return null;
                }
            }
            return entries.remove();
        }
    }

    /** The entries of a walk's next prefix, all confirmed. */
    private List<Copy> next(Walk walk, int stripe) {
        while (true) {
            long[] slots = walk.slots();
            Outline[] outlines = new Outline[slots.length];
            Arrays.setAll(outlines, i -> records.outline(Place.offset(slots[i])));
            if (!confirmed(stripe, walk.table())) {
                continue;
            }
            List<Copy> copies = new ArrayList<>(slots.length);
            for (int i = 0; i < slots.length; i++) {
                Outline outline = outlines[i];
                if (outline == null || outline.kind() != RecordLayout.PUT) {
                    throw records.noRecord(Place.offset(slots[i]));
                }
                copies.add(records.copy(stripe, outline));
            }
            if (confirmed(stripe, walk.table())) {
                copies.removeIf(copy -> sound(stripe, copy) == null);
                return copies;
            }
        }
    }

    long size() {
        long size = 0;
        for (int stripe = 0; stripe < shared.stripes(); stripe++) {
            size += shared.stripe(stripe).acquire(StripeWords.LIVE_COUNT);
        }
        return size;
    }
}
