package dev.cairn.cache;

import dev.cairn.CachedEntry;
import dev.cairn.engine.StoreHandle;
import dev.cairn.near.Coding;
import dev.cairn.near.Envelope;
import dev.cairn.near.HeldEnvelope;
import dev.cairn.near.ReadPath;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/** A key that is looked for by one thread, and what that last saw of it. */
final class Sought<K, V> {
    /** How long the mark of a loader lives that never comes back. */
    private static final Duration MARK_TIME = Duration.ofDays(1);

    private final StoreHandle store;
    private final Coding<K, Envelope<V>> coding;
    private final ReadPath<K, V> reads;
    private final K key;
    private final byte[] bytes;
    private @Nullable Answer<V> answer;
    private long version;
    private long mark;
    private long writtenMillis;

    Sought(StoreHandle store, Coding<K, Envelope<V>> coding, ReadPath<K, V> reads, K key) {
        this.store = store;
        this.coding = coding;
        this.reads = reads;
        this.key = key;
        this.bytes = coding.key(key);
    }

    K key() {
        return key;
    }

    byte[] bytes() {
        return bytes;
    }

    /** What was seen last, null if nothing is known. */
    @Nullable Answer<V> answer() {
        return answer;
    }

    /** Of the entry that was seen last, 0 if there was none. */
    long version() {
        return version;
    }

    /** When the answer was written, by the store's clock. */
    long writtenMillis() {
        return writtenMillis;
    }

    /** Looks the key up; null if nothing is known of it. */
    @Nullable Answer<V> look() {
        CachedEntry<V> found = reads.findCurrent(key);
        version = found == null ? 0 : found.version();
        answer = null;
        if (found instanceof HeldEnvelope<V> held && held.isKnown()) {
            writtenMillis = held.writtenMillis();
            answer = new Answer<>(held.value());
        }
        return answer;
    }

    /** Takes what a look at many keys found, whose version is not known. */
    void found(byte @Nullable [] value) {
        version = 0;
        answer = null;
        if (value != null) {
            Envelope<V> envelope = coding.value(bytes, value);
            if (envelope.isKnown()) {
                writtenMillis = envelope.writtenMillis();
                answer = new Answer<>(envelope.value());
            }
        }
    }

    /**
     * Marks the key as being loaded, as far as nothing is known of it: so nobody can write or remove it
     * without the load's noticing.
     *
     * @return what is known by now, and then there is no mark
     */
    @Nullable Answer<V> mark() {
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

    /** Takes the mark away, if it was made and nothing is written in its place. */
    void unmark() {
        if (mark != 0) {
            long _ = store.remove(bytes, mark);
        }
    }

    /**
     * Writes what was loaded in the place of the entry that was seen, unless there is another now.
     *
     * @param loaded null if there is no value
     */
    void settle(@Nullable V loaded, Duration timeToLive, @Nullable Duration negativeTimeToLive) {
        answer = new Answer<>(loaded);
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
            answer = new Answer<>(loaded);
        }
    }

    private byte[] envelope(Envelope.Kind kind, @Nullable V value) {
        return coding.value(new Envelope<>(kind, store.now(), value));
    }
}
