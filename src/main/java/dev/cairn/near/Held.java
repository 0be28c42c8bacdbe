package dev.cairn.near;

import dev.cairn.CachedEntry;
import dev.cairn.engine.Sighting;

import org.jspecify.annotations.Nullable;

/**
 * An entry, decoded, or that there is none, with the {@link Witnesses} that tell whether that still is
 * so. Value, version and expiry belong together for ever; where the entry lies, and with it the
 * witnesses, changes when its region dies.
 */
class Held<V> extends Witnesses<V> implements CachedEntry<V> {
    private final int encodedBytes;
    private final long version;
    private final int heat;

    /** When the entry was known to be what it was; only where staleness is bounded. */
    private volatile long confirmedAtNanos;

    /** An entry as it was seen; a cache may have one without a value. */
    Held(@Nullable V value, Sighting seen, long confirmedAtNanos) {
        super(value, seen);
        this.encodedBytes = seen.outline().valueLength();
        this.version = seen.version();
        this.heat = seen.outline().heat();
        this.confirmedAtNanos = confirmedAtNanos;
    }

    /** No entry. */
    Held(long hash, long confirmedAtNanos) {
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

    /** What the entry's record says of its use. */
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
