package dev.cairn.near;

import dev.cairn.CachedEntry;
import dev.cairn.engine.ConfirmedEntry;

import org.jspecify.annotations.Nullable;

/**
 * A cached entry, decoded, or the fact that there is none, with the {@link Witnesses} that tell
 * whether it has changed. Value, version and expiry never change; the place of the entry, and with
 * it the witnesses, changes when its region dies.
 */
class NearEntry<V> extends Witnesses<V> implements CachedEntry<V> {
    private final int encodedBytes;
    private final long version;
    private final int heat;

    /** When the entry was last confirmed; used only if staleness is bounded. */
    private volatile long confirmedAtNanos;

    /** Creates an entry as it was seen; that of a cache may have no value. */
    NearEntry(@Nullable V value, ConfirmedEntry seen, long confirmedAtNanos) {
        super(value, seen);
        this.encodedBytes = seen.outline().valueLength();
        this.version = seen.version();
        this.heat = seen.outline().heat();
        this.confirmedAtNanos = confirmedAtNanos;
    }

    /** Creates the fact that there is no entry. */
    NearEntry(long hash, long confirmedAtNanos) {
        super(hash);
        this.encodedBytes = 0;
        this.version = 0;
        this.heat = 0;
        this.confirmedAtNanos = confirmedAtNanos;
    }

    @Override
    public long version() {
        return version;
    }

    @Override
    public int encodedBytes() {
        return encodedBytes;
    }

    /** The heat in the entry's record. */
    int heat() {
        return heat;
    }

    long confirmedAtNanos() {
        return confirmedAtNanos;
    }

    void confirmedAt(long nanos) {
        confirmedAtNanos = nanos;
    }
}
