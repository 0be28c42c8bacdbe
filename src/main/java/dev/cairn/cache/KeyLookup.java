package dev.cairn.cache;

import dev.cairn.CachedEntry;
import dev.cairn.engine.StoreHandle;
import dev.cairn.near.EntryCodecs;
import dev.cairn.near.Envelope;
import dev.cairn.near.HeldEnvelope;
import dev.cairn.near.ReadPath;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/** A key that one thread looks for, and what that thread saw of it last. */
final class KeyLookup<K, V> {
    /** How long a mark lives if its loader never comes back. */
    private static final Duration MARK_TIME = Duration.ofDays(1);

    private final StoreHandle store;
    private final EntryCodecs<K, Envelope<V>> codecs;
    private final ReadPath<K, V> reads;
    private final K key;
    private final byte[] bytes;
    private @Nullable KnownValue<V> answer;
    private long version;
    private long mark;
    private long writtenMillis;

    KeyLookup(StoreHandle store, EntryCodecs<K, Envelope<V>> codecs, ReadPath<K, V> reads, K key) {
        this.store = store;
        this.codecs = codecs;
        this.reads = reads;
        this.key = key;
        this.bytes = codecs.key(key);
    }

    K key() {
        return key;
    }

    byte[] bytes() {
        return bytes;
    }

    /** What was seen last, null if nothing is known. */
    @Nullable KnownValue<V> answer() {
        return answer;
    }

    /** The version of the entry that was seen last, 0 if there was none. */
    long version() {
        return version;
    }

    /** When the answer was written, in milliseconds since 1970 by the store's clock. */
    long writtenMillis() {
        return writtenMillis;
    }

    /** Looks the key up; null if nothing is known about it. */
    @Nullable KnownValue<V> look() {
        CachedEntry<V> found = reads.findCurrent(key);
        version = found == null ? 0 : found.version();
        answer = null;
        if (found instanceof HeldEnvelope<V> held && held.isKnown()) {
            writtenMillis = held.writtenMillis();
            answer = new KnownValue<>(held.value());
        }
        return answer;
    }

    /** Takes the result of a look at many keys, whose version is not known. */
    void found(byte @Nullable [] value) {
        version = 0;
        answer = null;
        if (value != null) {
            Envelope<V> envelope = codecs.value(bytes, value);
            if (envelope.isKnown()) {
                writtenMillis = envelope.writtenMillis();
                answer = new KnownValue<>(envelope.value());
            }
        }
    }

    /**
     * Marks the key as being loaded, if nothing is known about it: so the load notices every write
     * and removal of the key.
     *
     * @return what is known by now; if it is not null, there is no mark
     */
    @Nullable KnownValue<V> mark() {
        byte[] loading = envelope(Envelope.Kind.LOADING, null);
        while (true) {
            mark =
                    version == 0
                            ? store.putIfAbsent(bytes, loading, MARK_TIME)
                            : store.replace(bytes, version, loading, MARK_TIME);
            if (mark != 0) {
                version = mark;
                return null;
            }
            if (look() != null) {
                return answer;
            }
        }
    }

    /** Removes the mark, if it was made and nothing was written in its place. */
    void unmark() {
        if (mark != 0) {
            long _ = store.remove(bytes, mark);
        }
    }

    /**
     * Writes what was loaded in place of the entry that was seen, unless there is another one now.
     *
     * @param loaded the value, null if there is none
     */
    void settle(@Nullable V loaded, Duration timeToLive, @Nullable Duration negativeTimeToLive) {
        answer = new KnownValue<>(loaded);
        long settled;
        if (loaded != null) {
            byte[] value = envelope(Envelope.Kind.VALUE, loaded);
            settled = store.replace(bytes, version, value, timeToLive);
        } else if (negativeTimeToLive != null) {
            byte[] absence = envelope(Envelope.Kind.ABSENT, null);
            settled = store.replace(bytes, version, absence, negativeTimeToLive);
        } else {
            settled = store.remove(bytes, version);
        }
        if (settled == 0 && look() == null) { // removed meanwhile: only the caller gets the value
            answer = new KnownValue<>(loaded);
        }
    }

    private byte[] envelope(Envelope.Kind kind, @Nullable V value) {
        return codecs.value(new Envelope<>(kind, store.now(), value));
    }
}
