package dev.cairn.cache;

import dev.cairn.CacheStats;
import dev.cairn.CachedEntry;
import dev.cairn.CairnCache;
import dev.cairn.CairnStore;
import dev.cairn.NearCacheStats;
import dev.cairn.engine.StoreHandle;
import dev.cairn.near.EntryCodecs;
import dev.cairn.near.Envelope;
import dev.cairn.near.HeldEnvelope;
import dev.cairn.near.ReadPath;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;

/** The cache over a store. It reads entries; {@link Loads} loads those that are absent or old. */
public final class StoreCache<K, V> implements CairnCache<K, V> {
    /** How many entries are written together. */
    private static final int PUT_TOGETHER = 1024;

    private final StoreHandle store;
    private final EntryCodecs<K, Envelope<V>> codecs;
    private final ReadPath<K, V> reads;
    private final Loads<K, V> loads;

    public StoreCache(
            StoreHandle store,
            EntryCodecs<K, Envelope<V>> codecs,
            ReadPath<K, V> reads,
            CacheSettings settings) {
        this.store = store;
        this.codecs = codecs;
        this.reads = reads;
        this.loads = new Loads<>(store, settings);
    }

    /** What is known about a key, counted as a read; null if nothing is. */
    private @Nullable HeldEnvelope<V> read(K key) {
        CachedEntry<V> found = reads.findCurrent(Objects.requireNonNull(key, "key"));
        HeldEnvelope<V> known =
                found instanceof HeldEnvelope<V> held && held.isKnown() ? held : null;
        store.counters().read(known == null ? 0 : 1, known == null ? 1 : 0);
        return known;
    }

    private KeyLookup<K, V> lookup(K key) {
        return new KeyLookup<>(store, codecs, reads, Objects.requireNonNull(key, "key"));
    }

    @Override
    public @Nullable V getIfPresent(K key) {
        HeldEnvelope<V> known = read(key);
        return known == null ? null : known.value();
    }

    @Override
    public @Nullable V get(K key, Function<? super K, ? extends @Nullable V> loader) {
        Objects.requireNonNull(loader, "loader");
        HeldEnvelope<V> known = read(key);
        if (known == null) {
            return loads.load(lookup(key), Loader.ofOne(loader));
        }
        if (loads.isOld(known.writtenMillis())) {
            loads.refresh(List.of(lookup(key)), Loader.ofOne(loader));
        }
        return known.value();
    }

    @Override
    public Map<K, V> getAllPresent(Collection<? extends K> keys) {
        return values(readAll(keys));
    }

    @Override
    public Map<K, V> getAll(
            Collection<? extends K> keys, Function<? super Set<K>, ? extends Map<K, V>> loader) {
        Loader<K, V> ofMany = Loader.ofMany(loader);
        Collection<KeyLookup<K, V>> all = readAll(keys);
        List<KeyLookup<K, V>> absent = new ArrayList<>();
        List<KeyLookup<K, V>> old = new ArrayList<>();
        for (KeyLookup<K, V> lookup : all) {
            if (lookup.answer() == null) {
                absent.add(lookup);
            } else if (loads.isOld(lookup.writtenMillis())) {
                old.add(lookup);
            }
        }
        Map<K, V> values = values(all);
        if (!old.isEmpty()) {
            loads.refresh(old, ofMany);
        }
        if (absent.isEmpty()) {
            return values;
        }
        loads.loadAll(absent, ofMany);
        return values(all);
    }

    /** Looks each key up once, and counts it as a read. */
    private Collection<KeyLookup<K, V>> readAll(Collection<? extends K> keys) {
        Map<Object, KeyLookup<K, V>> all = LinkedHashMap.newLinkedHashMap(keys.size());
        for (K key : keys) {
            KeyLookup<K, V> lookup = lookup(key);
            KeyLookup<K, V> _ = all.putIfAbsent(codecs.identity(key), lookup);
        }
        if (reads.isCached()) {
            all.values().forEach(KeyLookup::look);
        } else {
            List<byte @Nullable []> found =
                    store.values(all.values().stream().map(KeyLookup::bytes).toList());
            int i = 0;
            for (KeyLookup<K, V> lookup : all.values()) {
                lookup.found(found.get(i++));
            }
        }
        long hits = all.values().stream().filter(lookup -> lookup.answer() != null).count();
        store.counters().read(hits, all.size() - hits);
        return all.values();
    }

    private static <K, V> Map<K, V> values(Collection<KeyLookup<K, V>> all) {
        Map<K, V> values = LinkedHashMap.newLinkedHashMap(all.size());
        for (KeyLookup<K, V> lookup : all) {
            KnownValue<V> answer = lookup.answer();
            if (answer != null && answer.value() != null) {
                values.put(lookup.key(), answer.value());
            }
        }
        return values;
    }

    private byte[] envelope(V value) {
        Objects.requireNonNull(value, "value");
        return codecs.value(new Envelope<>(Envelope.Kind.VALUE, store.now(), value));
    }

    @Override
    public void put(K key, V value) {
        put(key, value, loads.timeToLive());
    }

    @Override
    public void put(K key, V value, Duration timeToLive) {
        long _ = store.put(codecs.key(key), envelope(value), timeToLive);
    }

    /** Not all at once: an entry's bytes are kept only until the entries beside it are written. */
    @Override
    public void putAll(Map<? extends K, ? extends V> map) {
        List<Map.Entry<byte[], byte[]>> encoded = new ArrayList<>();
        map.forEach((key, value) -> {
            encoded.add(Map.entry(codecs.key(key), envelope(value)));
            if (encoded.size() == PUT_TOGETHER) {
                store.putAll(encoded, loads.timeToLive());
                encoded.clear();
            }
        });
        store.putAll(encoded, loads.timeToLive());
    }

    @Override
    public void invalidate(K key) {
        byte[] bytes = codecs.key(key);
        try {
            long _ = store.remove(bytes);
        } finally {
            reads.removed(key);
        }
    }

    @Override
    public void invalidateAll(Collection<? extends K> keys) {
        keys.forEach(this::invalidate);
    }

    /**
     * A key that is being loaded has an entry, too: its mark. So the scan shows every key that has
     * a value or a load from before.
     */
    @Override
    public void invalidateAll() {
        try {
            store.forEach((key, _) -> {
                long _ = store.remove(key);
            });
        } finally {
            reads.allRemoved();
        }
    }

    @Override
    public CairnStore store() {
        return store;
    }

    @Override
    public CacheStats stats() {
        return new CacheFigures(store.stats());
    }

    @Override
    public NearCacheStats nearCacheStats() {
        return reads.stats();
    }

    @Override
    public void close() {
        store.close();
    }

    @Override
    public String toString() {
        return "CairnCache[" + store.path() + "]";
    }
}
