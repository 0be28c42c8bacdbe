package dev.cairn.near;

import com.github.benmanes.caffeine.cache.Cache;

import dev.cairn.CachedEntry;
import dev.cairn.NearCacheStats;
import dev.cairn.engine.ConfirmedEntry;
import dev.cairn.engine.StoreHandle;
import dev.cairn.log.Records.Copy;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.LongAdder;

/*
 * Actors    threads that read; writers of any process, who know nothing of this.
 * Words     slot word and table word in shared memory; the cache's entries, in this process.
 * Steps     H1 the cached entry      H2 slot word unchanged, then table word unchanged: return the value
 *           H3 else: look the key up; if the version is the same, keep the value and take the new
 *           witnesses      H4 if the version is another: decode the value, and cache it
 * Why it is safe
 *           Nobody tells a cache that an entry changed; each read finds out (RULE 29). Before a record
 *           is overwritten in place, its slot word is changed, for good as long as the place lives.
 *           Before its place is reused, the table word is changed. So if both words are unchanged, and
 *           the slot word was loaded first, then the key's entry was this record when the slot word was
 *           loaded, which was within the call.
 *           The slot word of a witness was loaded before the record's first byte (RULE 34), at H3 as
 *           well: a word that is loaded after it might be that of a later overwrite.
 *           A version is given once in a stripe, so a key with the same version has the same value,
 *           wherever a fold or the cleaner moved it.
 *           An absent entry has no slot word: the buckets where the key could be are scanned. The hash
 *           of the key is enough to confirm the absence; otherwise the key is looked up.
 * What is benign
 *           A reader puts an overtaken entry into the cache: the next read finds out.
 */
/** Finds the entries of a map: through its near cache, if it has one. */
public final class ReadPath<K, V> {
    private static final long NO_VERSION = 0;

    private final StoreHandle store;
    private final EntryCodecs<K, ?> codecs;
    private final Decoding<V> decoding;
    private final @Nullable Cache<Object, CachedEntry<V>> cache;
    private final long stalenessNanos;
    private final boolean cachesAbsence;
    private final boolean counts;
    private final boolean countsReads;

    /** The cache of a map whose hits are not counted and which never returns stale values. */
    private final @Nullable Cache<Object, CachedEntry<V>> plain;

    private final LongAdder confirmed = new LongAdder();
    private final LongAdder refreshed = new LongAdder();
    private final LongAdder stale = new LongAdder();
    private final LongAdder unconfirmed = new LongAdder();

    /** Makes the cached object of an entry. */
    private interface Decoding<V> {
        NearEntry<V> held(Copy entry, ConfirmedEntry seen, long now);
    }

    /**
     * Creates the read path of a map.
     *
     * @param cache the near cache, null for none
     * @param stalenessNanos for how long an entry counts after it was confirmed; 0 for no staleness
     * @param cachesAbsence whether to remember that a key was absent
     */
    public ReadPath(
            StoreHandle store,
            EntryCodecs<K, V> codecs,
            @Nullable Cache<Object, CachedEntry<V>> cache,
            long stalenessNanos,
            boolean cachesAbsence) {
        this(
                store,
                codecs,
                (entry, seen, now) -> new NearEntry<>(codecs.value(entry), seen, now),
                cache,
                stalenessNanos,
                cachesAbsence);
    }

    private ReadPath(
            StoreHandle store,
            EntryCodecs<K, ?> codecs,
            Decoding<V> decoding,
            @Nullable Cache<Object, CachedEntry<V>> cache,
            long stalenessNanos,
            boolean cachesAbsence) {
        this.store = store;
        this.codecs = codecs;
        this.decoding = decoding;
        this.cache = cache;
        this.stalenessNanos = stalenessNanos;
        this.cachesAbsence = cachesAbsence;
        this.counts = cache != null && cache.policy().isRecordingStats();
        this.countsReads = store.countsReads();
        this.plain = counts || countsReads || stalenessNanos != 0 ? null : cache;
    }

    /**
     * Creates the read path of a cache, which finds {@link HeldEnvelope}s.
     *
     * @param cache the near cache, null for none
     */
    public static <K, V> ReadPath<K, V> ofEnvelopes(
            StoreHandle store,
            EntryCodecs<K, Envelope<V>> codecs,
            @Nullable Cache<Object, CachedEntry<V>> cache) {
        return new ReadPath<>(
                store,
                codecs,
                (entry, seen, _) -> new HeldEnvelope<>(codecs.value(entry), seen),
                cache,
                0,
                false);
    }

    /** Whether entries are kept in this process. */
    public boolean isCached() {
        return cache != null;
    }

    /**
     * The key's entry, as stale as the bound allows; null if the key is absent. It counts as a
     * read, if those are counted. Most hits of most caches only need to know whether the entry is
     * unchanged.
     */
    public @Nullable CachedEntry<V> find(K key) {
        if (plain == null) {
            return counted(findStale(key));
        }
        Object identity = codecs.identity(key);
        NearEntry<V> held = (NearEntry<V>) plain.getIfPresent(identity); // H1
        if (held != null && held.expires() == 0 && !held.isAbsent() && isUnchanged(held)) { // H2
            return held;
        }
        return current(plain, identity, key, held);
    }

    private boolean isUnchanged(NearEntry<V> held) {
        long table = held.table(); // before the others
        return store.unchanged(held.stripe(), table, held.slotAt(), held.slot());
    }

    /** Finds an entry as {@link #findCurrent} does; it counts as a read, if those are counted. */
    public @Nullable CachedEntry<V> readCurrent(K key) {
        return counted(findCurrent(key));
    }

    private @Nullable CachedEntry<V> counted(@Nullable CachedEntry<V> found) {
        if (countsReads) {
            store.counters().read(found == null ? 0 : 1, found == null ? 1 : 0);
        }
        return found;
    }

    private @Nullable CachedEntry<V> findStale(K key) {
        if (stalenessNanos == 0 || cache == null) {
            return findCurrent(key);
        }
        store.requireOpen();
        NearEntry<V> held = (NearEntry<V>) cache.getIfPresent(codecs.identity(key)); // H1
        if (held != null && System.nanoTime() - held.confirmedAtNanos() < stalenessNanos) {
            count(unconfirmed);
            return held.isAbsent() ? null : held;
        }
        return findCurrent(key);
    }

    /** The key's entry at some moment within the call. A write that depends on it uses this. */
    public @Nullable CachedEntry<V> findCurrent(K key) {
        if (cache == null) {
            return decoded(store.look(codecs.key(key), NO_VERSION), 0);
        }
        Object identity = codecs.identity(key);
        return current(cache, identity, key, (NearEntry<V>) cache.getIfPresent(identity)); // H1
    }

    private @Nullable CachedEntry<V> current(
            Cache<Object, CachedEntry<V>> cache,
            Object identity,
            K key,
            @Nullable NearEntry<V> held) {
        if (held == null || !isCurrent(held)) { // H2
            return lookUp(cache, identity, key, held);
        }
        count(confirmed);
        return held.isAbsent() ? null : held;
    }

    /**
     * Finds an entry as {@link #findCurrent} does, but always from the store. It is for a caller
     * whose write was refused because of the entry that it had seen, so that it does not use an
     * outdated one twice.
     */
    public @Nullable CachedEntry<V> findAnew(K key) {
        return cache == null ? findCurrent(key) : lookUp(cache, codecs.identity(key), key, null);
    }

    /** Whether shared memory confirms an entry, or its absence. */
    private boolean isCurrent(NearEntry<V> held) {
        long now = now();
        boolean current;
        if (held.isAbsent()) {
            current = store.absent(held.hash());
        } else {
            current = isUnchanged(held) && !store.expiresSoon(held.expires(), held.heat());
        }
        if (current) {
            noteConfirmed(held, now);
        }
        return current;
    }

    /** The time before a look at shared memory; 0 if it is not needed. */
    private long now() {
        return stalenessNanos == 0 ? 0 : System.nanoTime();
    }

    /**
     * Notes the confirmation only if it matters, since it stores to memory that other readers load.
     */
    private void noteConfirmed(NearEntry<V> held, long now) {
        if (stalenessNanos != 0) {
            held.confirmedAt(now);
        }
    }

    private @Nullable NearEntry<V> lookUp(
            Cache<Object, CachedEntry<V>> cache,
            Object identity,
            K key,
            @Nullable NearEntry<V> held) {
        byte[] bytes = codecs.key(key);
        long now = now();
        ConfirmedEntry seen = store.look(bytes, held == null ? NO_VERSION : held.version()); // H3
        if (held != null && seen != null && seen.version() == held.version()) {
            held.seenAgain(seen);
            noteConfirmed(held, now);
            count(refreshed);
            return held;
        }
        if (held != null && (seen != null || !held.isAbsent())) {
            count(stale);
        }
        NearEntry<V> found = decoded(seen, now); // H4
        if (found != null) {
            cache.put(identity, found);
        } else if (cachesAbsence) {
            cache.put(identity, new NearEntry<>(store.hash(bytes), now));
        } else if (held != null) {
            cache.invalidate(identity);
        }
        return found;
    }

    private @Nullable NearEntry<V> decoded(@Nullable ConfirmedEntry seen, long now) {
        if (seen == null || seen.copy() == null) {
            return null;
        }
        return decoding.held(seen.copy(), seen, now);
    }

    /** Whether the key is present; nothing is decoded. */
    public boolean contains(K key) {
        if (cache != null) {
            NearEntry<V> held = (NearEntry<V>) cache.getIfPresent(codecs.identity(key)); // H1
            if (held != null && isCurrent(held)) { // H2
                count(confirmed);
                return !held.isAbsent();
            }
        }
        return store.containsKey(codecs.key(key));
    }

    /**
     * Notes that this map wrote the key, or tried to. If staleness is allowed, it drops what is
     * stale because of that.
     */
    public void overwritten(K key) {
        if (cache != null && stalenessNanos != 0) {
            cache.invalidate(codecs.identity(key));
        }
    }

    /** Notes that this map removed the key, so that its entry is not kept. */
    public void removed(K key) {
        if (cache != null) {
            cache.invalidate(codecs.identity(key));
        }
    }

    /** Notes that all keys were removed, so that no entry is kept. */
    public void allRemoved() {
        if (cache != null) {
            cache.invalidateAll();
        }
    }

    private void count(LongAdder adder) {
        if (counts) {
            adder.increment();
        }
    }

    public NearCacheStats stats() {
        return new ReadCounts(
                confirmed.sum(),
                refreshed.sum(),
                stale.sum(),
                unconfirmed.sum(),
                cache == null ? 0 : cache.estimatedSize(),
                counts,
                cache == null ? null : cache.stats());
    }
}
