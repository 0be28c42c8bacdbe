package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Versioned;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.index.Mapped;
import dev.cairn.index.Walk;
import dev.cairn.log.Marks;
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
import java.util.Deque;
import java.util.List;

/**
 * The reads. They take no lock and store nothing to shared memory, except the marks of a store that
 * evicts: see {@link Marks}. A mark is set after the confirmation, and is not confirmed itself. See
 * {@link Index} for the steps.
 *
 * <p>RULE 9: every exit passes {@link #confirmed}, for hits, misses and errors alike, before
 * anything that was read is used. RULE 34: what was read of a record is confirmed by its slot word,
 * which is loaded before and after it, and then by the table word; a miss is confirmed by the table
 * word alone. So a {@link ConfirmedEntry} has the slot word from before the record. RULE 10: if an
 * attempt fails although its words did not change, the store is corrupt; so each retry is caused by
 * a step that another operation completed. A record whose count of overwrites differs from that in
 * its slot word is corruption too, because the kernel may have read an older one back.
 *
 * <p>RULE 33: while a record is being overwritten, its slot word names the image behind the tail.
 * The image is read like any other record; its checksum is the one for the place that the
 * companions name.
 */
final class Reader {
    /** Stands for an answer that slot word and table word did not confirm. */
    private static final byte[] UNCONFIRMED = {};

    /** How many keys are looked up together: a few more than a core can have misses under way. */
    private static final int AHEAD = 32;

    private final SharedMemory shared;
    private final StoreClock clock;
    private final Records records;
    private final KeyHash hash;
    private final Index index;
    private final boolean overwritesInPlace;
    private final @Nullable Snapshot snapshot;
    private final @Nullable Marks marks;

    /** Set once, before the first read. */
    private Idleness idleness;

    /**
     * @param snapshot null unless a checkpoint is shown and not the store itself
     */
    Reader(Mapped mapped, @Nullable Snapshot snapshot) {
        this.snapshot = snapshot;
        this.marks = mapped.data().marks();
        this.shared = mapped.shared();
        this.clock = shared.clock();
        this.records = mapped.records();
        this.hash = mapped.hash();
        this.index = mapped.index();
        this.overwritesInPlace = mapped.data().header().overwritesInPlace();
        this.idleness = new Idleness(clock, 0, null);
    }

    /** From now on reads postpone the expiry of entries that nobody had read for a while. */
    void putOffBy(Idleness how) {
        idleness = how;
    }

    Idleness idleness() {
        return idleness;
    }

    byte @Nullable [] get(byte[] key) {
        return get(key, hash.of(key));
    }

    private byte @Nullable [] get(byte[] key, long hashed) {
        int stripe = index.stripe(hashed);
        while (true) {
            long table = shared.table(stripe); // R1
            long slotAt = index.candidate(table, hashed);
            long slot = slotAt == Index.ABSENT ? 0 : shared.word(slotAt);
            byte[] value = value(stripe, table, slotAt, slot, hashed, key);
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
     * A copy of a key's value. The record is read once for all that is needed of it; if it has
     * another key, or a run, the key is looked up.
     *
     * @param slotAt the result of {@link Index#candidate} for the table word
     * @param slot the slot word there, loaded since
     * @return null if the key is absent; {@link #UNCONFIRMED} if the lookup must be repeated
     */
    private byte @Nullable [] value(
            int stripe, long table, long slotAt, long slot, long hashed, byte[] key) {
        if (slotAt == Index.ABSENT) {
            return confirmed(stripe, table) ? null : UNCONFIRMED; // R5
        }
        long offset = SlotWord.offset(slot);
        boolean rests = slot != 0 && !SlotWord.isChanging(slot);
        long inline = rests ? records.inline(offset, key) : Records.NOT_INLINE; // R4
        if (inline == Records.NOT_INLINE) {
            Copy copy = copy(key, hashed, stripe);
            return copy == null ? null : copy.value();
        }
        if (!confirmed(stripe, table, slotAt, slot)) {
            return UNCONFIRMED;
        }
        byte[] image = records.image(stripe, offset, key, inline);
        if (!confirmed(stripe, table, slotAt, slot)) {
            return UNCONFIRMED; // R5
        }
        records.requireSound(image, offset);
        records.requireOverwrites(image, slot);
        long expires = RecordBytes.inlineExpires(image, inline);
        if (expires != 0) {
            if (expired(expires)) {
                return null;
            }
            if (idleness.isDue(RecordBytes.heatIn(image), expires)) {
                putOff(key);
            }
        }
        mark(offset);
        return RecordBytes.inlineValue(image, inline, key.length);
    }

    /** Marks a record that was read and confirmed. */
    private void mark(long offset) {
        if (marks != null) {
            marks.set(offset);
        }
    }

    private void putOff(byte[] key) {
        long hashed = hash.of(key);
        idleness.putOff(key, () -> copyOnly(key, hashed, index.stripe(hashed)));
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

    /** A sound copy of a key's entry, of any kind; null if the key is absent. */
    private @Nullable Copy copy(byte[] key, long hashed, int stripe) {
        Copy copy = copyOnly(key, hashed, stripe);
        if (copy == null || !idleness.isDue(copy.outline())) {
            return copy;
        }
        putOff(key);
        return copyOnly(key, hashed, stripe);
    }

    /** A sound copy of a key's entry, without a postponement of its expiry. */
    private @Nullable Copy copyOnly(byte[] key, long hashed, int stripe) {
        return copyOnly(key, hashed, stripe, true);
    }

    private @Nullable Copy copyOnly(byte[] key, long hashed, int stripe, boolean marks) {
        while (true) {
            Seen seen = find(stripe, hashed, key);
            if (seen == null) {
                return null;
            }
            Copy copy = records.copy(stripe, seen.outline, seen.place);
            if (confirmed(stripe, seen)) { // R5
                Copy sound = sound(stripe, copy, seen.slot);
                if (sound != null && marks) {
                    mark(seen.place);
                }
                return sound;
            }
        }
    }

    /** Checks a copy that was made under the lock, by its checksums. */
    @Nullable Copy sound(byte[] key, @Nullable Copy copy) {
        if (copy != null) {
            records.requireSound(index.stripe(hash.of(key)), copy);
        }
        return copy;
    }

    /** Checks a confirmed copy by its checksums and its slot word; null if it is expired. */
    private @Nullable Copy sound(int stripe, Copy copy, long slot) {
        records.requireSound(stripe, copy);
        records.requireOverwrites(copy.record(), slot);
        return expired(copy.outline().expires()) ? null : copy;
    }

    /**
     * A key's entry, with the words that tell whether it has changed since.
     *
     * @param known a version whose value need not be copied
     * @return null if the key is absent
     */
    @Nullable ConfirmedEntry look(byte[] key, long known) {
        ConfirmedEntry seen = lookOnly(key, known);
        if (seen == null || !idleness.isDue(seen.outline())) {
            return seen;
        }
        putOff(key);
        return lookOnly(key, known);
    }

    private @Nullable ConfirmedEntry lookOnly(byte[] key, long known) {
        long hashed = hash.of(key);
        int stripe = index.stripe(hashed);
        while (true) {
            Seen seen = find(stripe, hashed, key);
            if (seen == null) {
                return null;
            }
            Outline outline = seen.outline;
            boolean isKnown = outline.version() == known;
            Copy copy = isKnown ? null : records.copy(stripe, outline, seen.place);
            if (confirmed(stripe, seen)) { // R5
                if (copy != null && sound(stripe, copy, seen.slot) == null
                        || expired(outline.expires())) {
                    return null;
                }
                mark(seen.place);
                return new ConfirmedEntry(
                        outline, copy, stripe, seen.table, seen.slotAt, seen.slot);
            }
        }
    }

    /**
     * Whether a confirmed entry is still unchanged. RULE 29: the slot word, then the table word, both loaded
     * within the call. If the table word is unchanged, no place of the stripe was reused up to that
     * load. So the slot word, which was loaded earlier, named the same record, and that had not
     * been overwritten (RULE 34). The other order would be wrong: between the two loads the
     * record's region could be reused, and the key come to the same place.
     */
    boolean unchanged(int stripe, long table, long slotAt, long slot) {
        return shared.word(slotAt) == slot && confirmed(stripe, table);
    }

    /** Whether a key with that hash is certainly absent. */
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
        return sight(key, hash.of(key)) != null;
    }

    /** The version of a key's entry, 0 if it is absent; its checksums are compared. */
    long version(byte[] key) {
        long hashed = hash.of(key);
        Copy copy = copyOnly(key, hashed, index.stripe(hashed), false); // nobody read its value
        return copy == null ? 0 : copy.outline().version();
    }

    /** The entry of a key, with the words that tell whether it has changed since. */
    @Nullable ConfirmedEntry sight(byte[] key, long hashed) {
        int stripe = index.stripe(hashed);
        while (true) {
            Seen seen = find(stripe, hashed, key);
            if (seen == null) {
                return null;
            }
            Outline outline = seen.outline;
            if (confirmed(stripe, seen)) { // R5
                if (!expired(outline.expires())) {
                    return new ConfirmedEntry(
                            outline, null, stripe, seen.table, seen.slotAt, seen.slot);
                }
                if (copyOnly(key, hashed, stripe) == null) { // compares checksums
                    return null;
                }
            }
        }
    }

    int stripeOf(byte[] key) {
        return index.stripe(hash.of(key));
    }

    /**
     * What was seen of a key's entry; unconfirmed except for the lengths.
     *
     * @param table the stripe's table word, loaded before the slot word
     * @param slot its slot word, loaded before the record
     * @param place the place of the record, or its final place if this is its image behind the tail
     * @param outline its outline, with confirmed lengths, so that they may be allocated
     */
    private record Seen(long table, long slotAt, long slot, long place, Outline outline) {}

    /** Finds a key's entry, whose record must be confirmed after it was read; null if absent, which is confirmed. */
    private @Nullable Seen find(int stripe, long hashed, byte[] key) {
        while (true) {
            long table = shared.table(stripe); // R1
            Index.Found found = index.find(table, hashed, key);
            if (found == null) {
                if (confirmed(stripe, table)) { // R5
                    return null;
                }
            } else if (found.isRecord()) {
                Seen seen = see(stripe, table, found.slotAt(), found.slot());
                if (seen != null) {
                    return seen;
                }
            } else {
                requireChanged(stripe, table, hashed, found);
            }
        }
    }

    /** The record that a slot word names, which is not 0; null if something changed meanwhile. */
    private @Nullable Seen see(int stripe, long table, long slotAt, long slot) {
        Outline outline = records.outline(SlotWord.offset(slot)); // R4
        long place = SlotWord.offset(slot);
        if (SlotWord.isChanging(slot)) { // RULE 33: the companions stand as long as the slot word
            place = SlotWord.offset(shared.stripe(stripe).acquire(StripeWords.NEW_SLOT_WORD));
        }
        if (!confirmed(stripe, table, slotAt, slot)) {
            return null;
        }
        if (outline == null || outline.kind() != RecordLayout.PUT || outline.version() <= 0) {
            throw records.noRecord(SlotWord.offset(slot));
        }
        records.requireOverwrites(outline.offset(), slot, outline.overwrites());
        return new Seen(table, slotAt, slot, place, outline);
    }

    /** Throws if a slot word leads to no record and nothing changed meanwhile. */
    private void requireChanged(int stripe, long table, long hashed, Index.Found found) {
        if (!found.isChanged() && confirmed(stripe, table, found.slotAt(), found.slot())) {
            throw new CorruptStore(
                    shared.file().path(),
                    shared.stripe(stripe).at() + StripeWords.TABLE,
                    "a slot of a record, hash 0x%016x, table 0x%016x".formatted(hashed, table),
                    "one that points to a place without a record");
        }
    }

    private boolean confirmed(int stripe, long table) {
        VarHandle.acquireFence();
        requireCurrent();
        return shared.table(stripe) == table;
    }

    private boolean confirmed(int stripe, Seen seen) {
        return confirmed(stripe, seen.table, seen.slotAt, seen.slot);
    }

    /** Confirms a record that was read since its slot word was loaded. */
    private boolean confirmed(int stripe, long table, long slotAt, long slot) {
        VarHandle.acquireFence();
        return (!overwritesInPlace || shared.word(slotAt) == slot) && confirmed(stripe, table);
    }

    /**
     * @throws dev.cairn.Overtaken if this is a snapshot of a checkpoint that was overtaken
     */
    void requireCurrent() {
        if (snapshot != null) {
            snapshot.requireCurrent();
        }
    }

    /** Whether an entry with that expiry is absent (RULE 28). */
    boolean expired(long expires) {
        return clock.hasCome(expires);
    }

    StoreClock clock() {
        return clock;
    }

    /**
     * The values of many keys. For some keys at a time it fetches the buckets, then the records
     * that the slot words name, and then reads the entries, so that the cache misses of a step
     * overlap.
     */
    List<byte @Nullable []> getAll(List<byte[]> keys) {
        List<byte @Nullable []> values = new ArrayList<>(keys.size());
        BatchLookup batch =
                new BatchLookup(shared, records, hash, index, Math.min(AHEAD, keys.size()));
        for (int from = 0; from < keys.size(); from += AHEAD) {
            List<byte[]> some = keys.subList(from, Math.min(keys.size(), from + AHEAD));
            batch.fetch(some);
            for (int i = 0; i < some.size(); i++) {
                byte[] key = some.get(i);
                long hashed = batch.hash(i);
                byte[] value =
                        value(
                                index.stripe(hashed),
                                batch.table(i),
                                batch.slotAt(i),
                                batch.slot(i),
                                hashed,
                                key);
                values.add(isUnconfirmed(value) ? get(key, hashed) : value);
            }
        }
        return values;
    }

    /**
     * Copies a key's value to the target, unless it is longer than the target. The target gets only
     * a sound and confirmed copy.
     *
     * @return the length of the value in bytes, -1 if the key is absent
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
     * An entry's value in the mapping.
     *
     * @param stripe the stripe of its key
     * @param table the stripe's table word, which tells, with the slot word, whether the bytes are
     *     still the value
     */
    record View(
            int stripe,
            long table,
            long slotAt,
            long slot,
            MemorySegment value,
            int heat,
            long expires) {}

    /**
     * A key's value in the mapping, confirmed, with its checksums compared; null if it is absent.
     */
    @Nullable View view(byte[] key) {
        View view = viewOnly(key);
        if (view == null || !idleness.isDue(view.heat, view.expires)) {
            return view;
        }
        putOff(key);
        return viewOnly(key);
    }

    private @Nullable View viewOnly(byte[] key) {
        long hashed = hash.of(key);
        int stripe = index.stripe(hashed);
        while (true) {
            Seen seen = find(stripe, hashed, key);
            if (seen == null) {
                return null;
            }
            Outline outline = seen.outline;
            CorruptStore damage = records.damage(stripe, outline, seen.place, seen.slot);
            if (confirmed(stripe, seen)) { // R5
                if (damage != null) {
                    throw damage;
                }
                if (expired(outline.expires())) {
                    return null;
                }
                mark(seen.place);
                return new View(
                        stripe,
                        seen.table,
                        seen.slotAt,
                        seen.slot,
                        outline.value(),
                        outline.heat(),
                        outline.expires());
            }
        }
    }

    /** Whether the bytes of a view were those of the value until now. */
    boolean isCurrent(View view) {
        return confirmed(view.stripe, view.table, view.slotAt, view.slot);
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

        /** The next entry, null after the last. */
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
            List<Copy> copies = new ArrayList<>(slots.length);
            boolean isWhole = confirmed(stripe, walk.table());
            for (int i = 0; i < slots.length && isWhole; i++) {
                Seen seen = see(stripe, walk.table(), walk.slotAt(i), slots[i]);
                isWhole = seen != null;
                if (seen != null) {
                    Copy copy = records.copy(stripe, seen.outline, seen.place);
                    isWhole = confirmed(stripe, seen);
                    if (isWhole && sound(stripe, copy, seen.slot) != null) {
                        copies.add(copy);
                    }
                }
            }
            if (isWhole) {
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
