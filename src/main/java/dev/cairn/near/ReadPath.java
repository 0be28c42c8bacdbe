package dev.cairn.near;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.stats.CacheStats;

import dev.cairn.CachedEntry;
import dev.cairn.NearCacheStats;
import dev.cairn.engine.Sighting;
import dev.cairn.engine.StoreHandle;
import dev.cairn.log.Records.Copy;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.LongAdder;

/*
 * Actors    threads that read; writers of any process, who know nothing of this.
 * Words     slot word and table word in shared memory; the cache's entries, in this process.
 * Steps     H1 the cached entry      H2 slot word as it was, then table word as it was: handed out
 *           H3 another: the key is looked up; the same version keeps the value and takes the new
 *           witnesses      H4 another version: decoded anew, and cached
 * Why it is safe
 *           Nobody tells a cache that an entry changed; each read finds out (RULE 29). A record is
 *           not overwritten where it lies before its slot word was changed, for good as long as the
 *           place lives, and its place is not used again before the table word was changed. So both
 *           words unchanged, the slot word loaded first, mean that the key's entry was this record
 *           when the slot word was loaded, which was within the call.
 *           The slot word of a witness was loaded before the record's first byte (RULE 34), at H3 as
 *           well: one from behind it might be that of a later overwrite.
 *           A version is given once in a stripe, so a key with the same version has the same value,
 *           wherever a fold or the cleaner moved it.
 *           An absent entry has no slot word: the buckets where the key could be are scanned. Of the
 *           key its hash is enough to say no; what may be there is looked up.
 * What is benign
 *           A reader that puts an overtaken entry into the cache: the next read finds out.
 */
/** How a map finds an entry: through its near cache, if it has one. */
public final class ReadPath<K, V> {
    private static final long NO_VERSION = 0;

    private final StoreHandle store;
    private final Coding<K, ?> coding;
    private final Decoding<V> decoding;
    private final @Nullable Cache<Object, CachedEntry<V>> cache;
    private final long stalenessNanos;
    private final boolean cachesAbsence;
    private final boolean counts;
    private final boolean countsReads;

    /** The cache of a map whose hits nobody counts and which never hands out what is stale. */
    private final @Nullable Cache<Object, CachedEntry<V>> plain;

    private final LongAdder confirmed = new LongAdder();
    private final LongAdder refreshed = new LongAdder();
    private final LongAdder stale = new LongAdder();
    private final LongAdder unconfirmed = new LongAdder();

    /** Makes of an entry what is kept of it. */
    private interface Decoding<V> {
        Held<V> held(Copy entry, Sighting seen, long now);
    }

    /**
     * Of a map.
     *
     * @param cache null for none
     * @param stalenessNanos for how long an entry counts that was confirmed once; 0 for not at all
     * @param cachesAbsence whether it is remembered that a key was absent
     */
    public ReadPath(
            StoreHandle store,
            Coding<K, V> coding,
            @Nullable Cache<Object, CachedEntry<V>> cache,
            long stalenessNanos,
            boolean cachesAbsence) {
        this(
                store,
                coding,
                (entry, seen, now) -> new Held<>(coding.value(entry), seen, now),
                cache,
                stalenessNanos,
                cachesAbsence);
    }

    private ReadPath(
            StoreHandle store,
            Coding<K, ?> coding,
            Decoding<V> decoding,
            @Nullable Cache<Object, CachedEntry<V>> cache,
            long stalenessNanos,
            boolean cachesAbsence) {
        this.store = store;
        this.coding = coding;
        this.decoding = decoding;
        this.cache = cache;
        this.stalenessNanos = stalenessNanos;
        this.cachesAbsence = cachesAbsence;
        this.counts = cache != null && cache.policy().isRecordingStats();
        this.countsReads = store.countsReads();
        this.plain = counts || countsReads || stalenessNanos != 0 ? null : cache;
    }

    /**
     * Of a cache: what it finds are {@link HeldEnvelope}s.
     *
     * @param cache null for none
     */
    public static <K, V> ReadPath<K, V> ofEnvelopes(
            StoreHandle store,
            Coding<K, Envelope<V>> coding,
            @Nullable Cache<Object, CachedEntry<V>> cache) {
        return new ReadPath<>(
                store,
                coding,
                (entry, seen, _) -> new HeldEnvelope<>(coding.value(entry), seen),
                cache,
                0,
                false);
    }

    /** Whether entries are kept in this process. */
    public boolean isCached() {
        return cache != null;
    }

    /**
     * The key's entry, as stale as the bound allows; null if it is absent. A read, if those count. Most
     * hits of most caches have nothing to ask but whether the entry is unchanged.
     */
    public @Nullable CachedEntry<V> find(K key) {
        if (plain == null) {
            return counted(findStale(key));
        }
        Object identity = coding.identity(key);
        Held<V> held = (Held<V>) plain.getIfPresent(identity); // H1
        if (held != null && held.expires() == 0 && !held.isAbsent() && isUnchanged(held)) { // H2
            return held;
        }
        return current(plain, identity, key, held);
    }

    private boolean isUnchanged(Held<V> held) {
        long table = held.table(); // before the others
        return store.unchanged(held.stripe(), table, held.slotAt(), held.slot());
    }

    /** As {@link #findCurrent}; a read, if those count. */
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
        Held<V> held = (Held<V>) cache.getIfPresent(coding.identity(key)); // H1
        if (held != null && System.nanoTime() - held.confirmedAtNanos() < stalenessNanos) {
            count(unconfirmed);
            return held.isAbsent() ? null : held;
        }
        return findCurrent(key);
    }

    /** The key's entry at some moment within the call; what is written on its account goes by it. */
    public @Nullable CachedEntry<V> findCurrent(K key) {
        if (cache == null) {
            return decoded(store.look(coding.key(key), NO_VERSION), 0);
        }
        Object identity = coding.identity(key);
        return current(cache, identity, key, (Held<V>) cache.getIfPresent(identity)); // H1
    }

    private @Nullable CachedEntry<V> current(
            Cache<Object, CachedEntry<V>> cache, Object identity, K key, @Nullable Held<V> held) {
        if (held == null || !isCurrent(held)) { // H2
            return lookUp(cache, identity, key, held);
        }
        count(confirmed);
        return held.isAbsent() ? null : held;
    }

    /**
     * As {@link #findCurrent}, from the store in any case: for whoever went by an entry and was
     * refused, so that none is gone by twice which is not what the store has.
     */
    public @Nullable CachedEntry<V> findAnew(K key) {
        return cache == null ? findCurrent(key) : lookUp(cache, coding.identity(key), key, null);
    }

    /** Whether shared memory confirms an entry, or its absence. */
    private boolean isCurrent(Held<V> held) {
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

    /** Before a look at shared memory; 0 where nobody asks when it was. */
    private long now() {
        return stalenessNanos == 0 ? 0 : System.nanoTime();
    }

    /** Only where it counts, since it is a store to what other readers load. */
    private void noteConfirmed(Held<V> held, long now) {
        if (stalenessNanos != 0) {
            held.confirmedAt(now);
        }
    }

    private @Nullable Held<V> lookUp(
            Cache<Object, CachedEntry<V>> cache, Object identity, K key, @Nullable Held<V> held) {
        byte[] bytes = coding.key(key);
        long now = now();
        Sighting seen = store.look(bytes, held == null ? NO_VERSION : held.version()); // H3
        if (held != null && seen != null && seen.version() == held.version()) {
            held.seenAgain(seen);
            noteConfirmed(held, now);
            count(refreshed);
            return held;
        }
        if (held != null && (seen != null || !held.isAbsent())) {
            count(stale);
        }
        Held<V> found = decoded(seen, now); // H4
        if (found != null) {
            cache.put(identity, found);
        } else if (cachesAbsence) {
            cache.put(identity, new Held<>(store.hash(bytes), now));
        } else if (held != null) {
            cache.invalidate(identity);
        }
        return found;
    }

    private @Nullable Held<V> decoded(@Nullable Sighting seen, long now) {
        if (seen == null || seen.copy() == null) {
            return null;
        }
        return decoding.held(seen.copy(), seen, now);
    }

    /** Whether the key is there; nothing is decoded. */
    public boolean contains(K key) {
        if (cache != null) {
            Held<V> held = (Held<V>) cache.getIfPresent(coding.identity(key)); // H1
            if (held != null && isCurrent(held)) { // H2
                count(confirmed);
                return !held.isAbsent();
            }
        }
        return store.containsKey(coding.key(key));
    }

    /** This map wrote the key, or tried: what is stale by that is dropped, if staleness is borne. */
    public void overwritten(K key) {
        if (cache != null && stalenessNanos != 0) {
            cache.invalidate(coding.identity(key));
        }
    }

    /** This map removed the key: what it had is not kept. */
    public void removed(K key) {
        if (cache != null) {
            cache.invalidate(coding.identity(key));
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
                cache == null ? CacheStats.empty() : cache.stats());
    }
}
