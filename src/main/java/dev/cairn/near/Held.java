package dev.cairn.near;

import dev.cairn.CachedEntry;
import dev.cairn.engine.Sighting;
import dev.cairn.format.TableWord;

import org.jspecify.annotations.Nullable;

/**
 * An entry, decoded, or that there is none; and the witnesses, which tell whether that still is so:
 * the words of RULE 29. Value, version and expiry belong together for ever; where the entry lies, and
 * with it the witnesses, changes when its region dies.
 *
 * <p>The witnesses stand here rather than in an object of their own, since each read loads them. So
 * they change one by one, under this object's monitor, the table word last; a reader loads it first.
 * They never go back to an older generation of the table, so a reader that loads a table word loads
 * the others of its generation, or of a later one. The latter are of no use to it: whoever stored
 * them had seen the table word change, and so will the reader, which loads it after them. What never
 * happens is an old place under a new table word: it might be in use again.
 */
class Held<V> implements CachedEntry<V> {
    /** The stripe of an entry that is absent; its slot word is the hash of the key. */
    private static final int ABSENT = -1;

    private final @Nullable V value;
    private final int stripe;
    private final int encodedBytes;
    private final long version;
    private final long expires;
    private final int heat;
    private volatile long table;
    private long slotAt;
    private long slot;

    /** When the entry was known to be what it was; only where staleness is bounded. */
    private volatile long confirmedAtNanos;

    /** An entry as it was seen; a cache may have one without a value. */
    Held(@Nullable V value, Sighting seen, long confirmedAtNanos) {
        this.value = value;
        this.stripe = seen.stripe();
        this.encodedBytes = seen.outline().valueLength();
        this.version = seen.version();
        this.expires = seen.expires();
        this.heat = seen.outline().heat();
        this.table = seen.table();
        this.slotAt = seen.slotAt();
        this.slot = seen.slot();
        this.confirmedAtNanos = confirmedAtNanos;
    }

    /** No entry. */
    Held(long hash, long confirmedAtNanos) {
        this.value = null;
        this.stripe = ABSENT;
        this.encodedBytes = 0;
        this.version = 0;
        this.expires = 0;
        this.heat = 0;
        this.table = 0;
        this.slotAt = 0;
        this.slot = hash;
        this.confirmedAtNanos = confirmedAtNanos;
    }

    @Override
    public @Nullable V value() {
        return value;
    }

    @Override
    public long version() {
        return version;
    }

    @Override
    public int encodedBytes() {
        return encodedBytes;
    }

    /** Milliseconds since 1970, 0 never. */
    long expires() {
        return expires;
    }

    /** What the entry's record says of its use. */
    int heat() {
        return heat;
    }

    boolean isAbsent() {
        return stripe == ABSENT;
    }

    /** Of an absent key. */
    long hash() {
        return slot;
    }

    int stripe() {
        return stripe;
    }

    /** The table word; loaded before {@link #slotAt} and {@link #slot}. */
    long table() {
        return table;
    }

    long slotAt() {
        return slotAt;
    }

    long slot() {
        return slot;
    }

    /** Takes the witnesses of another look at the same entry, unless it was an earlier one. */
    synchronized void seenAgain(Sighting seen) {
        if (TableWord.isOlder(seen.table(), table)) {
            return;
        }
        slotAt = seen.slotAt();
        slot = seen.slot();
        table = seen.table();
    }

    long confirmedAtNanos() {
        return confirmedAtNanos;
    }

    void confirmedAt(long nanos) {
        confirmedAtNanos = nanos;
    }
}
