package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.Versioned;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.index.Index;
import dev.cairn.index.KeyHash;
import dev.cairn.index.Walk;
import dev.cairn.log.Records;
import dev.cairn.log.Records.Copy;
import dev.cairn.log.Records.Outline;
import dev.cairn.shared.SharedMemory;
import dev.cairn.shared.StoreClock;

import org.jspecify.annotations.Nullable;

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
    private final SharedMemory shared;
    private final StoreClock clock;
    private final Records records;
    private final KeyHash hash;
    private final Index index;
    private final @Nullable Snapshot snapshot;

    /** Takes the results of loads that are made ahead, so that they are made. */
    @SuppressWarnings("UnusedVariable")
    private long touched;

    /**
     * @param snapshot null unless the parts show a checkpoint rather than the store itself
     */
    Reader(Parts parts, @Nullable Snapshot snapshot) {
        this.snapshot = snapshot;
        this.shared = parts.shared();
        this.clock = shared.clock();
        this.records = parts.records();
        this.hash = parts.hash();
        this.index = parts.index();
    }

    byte @Nullable [] get(byte[] key) {
        long hashed = hash.of(key);
        int stripe = index.stripe(hashed);
        while (true) {
            long table = shared.table(stripe); // R1
            long slot = index.find(table, hashed, key);
            if (slot == Index.ABSENT) {
                if (confirmed(stripe, table)) { // R5
                    return null;
                }
                continue;
            }
            long offset = Place.offset(slot);
            int length =
                    slot == Index.NO_RECORD
                            ? Records.NOT_INLINE
                            : records.inlineLength(offset, key.length);
            if (!confirmed(stripe, table)) {
                continue;
            }
            if (length == Records.NOT_INLINE) {
                Copy copy = copy(key, hashed, stripe);
                return copy == null ? null : copy.value();
            }
            byte[] image = records.image(stripe, offset, key.length, length);
            if (confirmed(stripe, table)) { // R5
                return records.value(image, offset, key.length, length);
            }
        }
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
            boolean mayBeThere = index.mayHave(table, hashed);
            if (confirmed(stripe, table)) { // R5
                return !mayBeThere;
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

    /** RULE 28: by the store's clock, which is the same for all and never steps back. */
    boolean expired(long expires) {
        return expires != 0 && expires <= clock.now();
    }

    StoreClock clock() {
        return clock;
    }

    /** Looks at all buckets, then at all records, so that their cache misses overlap. */
    List<byte @Nullable []> getAll(List<byte[]> keys) {
        long[] hashes = new long[keys.size()];
        long sum = 0;
        for (int i = 0; i < hashes.length; i++) {
            hashes[i] = hash.of(keys.get(i));
            sum += index.touch(shared.table(index.stripe(hashes[i])), hashes[i]);
        }
        for (int i = 0; i < hashes.length; i++) {
            long table = shared.table(index.stripe(hashes[i]));
            sum += index.find(table, hashes[i], keys.get(i));
        }
        touched = sum;
        List<byte @Nullable []> values = new ArrayList<>(hashes.length);
        for (byte[] key : keys) {
            values.add(get(key));
        }
        return values;
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
