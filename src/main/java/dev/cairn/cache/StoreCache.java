package dev.cairn.cache;

import dev.cairn.CacheStats;
import dev.cairn.CachedEntry;
import dev.cairn.CairnCache;
import dev.cairn.CairnStore;
import dev.cairn.NearCacheStats;
import dev.cairn.engine.StoreHandle;
import dev.cairn.near.Coding;
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

/** The cache over a store: what it reads; what is absent or old, {@link Loads} loads. */
public final class StoreCache<K, V> implements CairnCache<K, V> {
    /** Entries whose bytes are written together. */
    private static final int PUT_TOGETHER = 1024;

    private final StoreHandle store;
    private final Coding<K, Envelope<V>> coding;
    private final ReadPath<K, V> reads;
    private final Loads<K, V> loads;

    public StoreCache(
            StoreHandle store, Coding<K, Envelope<V>> coding, ReadPath<K, V> reads, Terms terms) {
        this.store = store;
        this.coding = coding;
        this.reads = reads;
        this.loads = new Loads<>(store, terms);
    }

    /** What is known of a key, counted as a read; null if nothing is. */
    private @Nullable HeldEnvelope<V> read(K key) {
        CachedEntry<V> found = reads.findCurrent(Objects.requireNonNull(key, "key"));
        HeldEnvelope<V> known =
                found instanceof HeldEnvelope<V> held && held.isKnown() ? held : null;
        store.counters().read(known == null ? 0 : 1, known == null ? 1 : 0);
        return known;
    }

    private Sought<K, V> sought(K key) {
        return new Sought<>(store, coding, reads, Objects.requireNonNull(key, "key"));
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
            return loads.load(sought(key), Loader.ofOne(loader));
        }
        if (loads.isOld(known.writtenMillis())) {
            loads.refresh(List.of(sought(key)), Loader.ofOne(loader));
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
        Collection<Sought<K, V>> all = readAll(keys);
        List<Sought<K, V>> absent = new ArrayList<>();
        List<Sought<K, V>> old = new ArrayList<>();
        for (Sought<K, V> sought : all) {
            if (sought.answer() == null) {
                absent.add(sought);
            } else if (loads.isOld(sought.writtenMillis())) {
                old.add(sought);
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

    /** Each key once, looked up and counted as a read. */
    private Collection<Sought<K, V>> readAll(Collection<? extends K> keys) {
        Map<Object, Sought<K, V>> all = LinkedHashMap.newLinkedHashMap(keys.size());
        for (K key : keys) {
            Sought<K, V> sought = sought(key);
            Sought<K, V> _ = all.putIfAbsent(coding.identity(key), sought);
        }
        if (reads.isCached()) {
            all.values().forEach(Sought::look);
        } else {
            List<byte @Nullable []> found =
                    store.values(all.values().stream().map(Sought::bytes).toList());
            int i = 0;
            for (Sought<K, V> sought : all.values()) {
                sought.found(found.get(i++));
            }
        }
        long hits = all.values().stream().filter(sought -> sought.answer() != null).count();
        store.counters().read(hits, all.size() - hits);
        return all.values();
    }

    private static <K, V> Map<K, V> values(Collection<Sought<K, V>> all) {
        Map<K, V> values = LinkedHashMap.newLinkedHashMap(all.size());
        for (Sought<K, V> sought : all) {
            Answer<V> answer = sought.answer();
            if (answer != null && answer.value() != null) {
                values.put(sought.key(), answer.value());
            }
        }
        return values;
    }

    private byte[] envelope(V value) {
        Objects.requireNonNull(value, "value");
        return coding.value(new Envelope<>(Envelope.Kind.VALUE, store.now(), value));
    }

    @Override
    public void put(K key, V value) {
        put(key, value, loads.timeToLive());
    }

    @Override
    public void put(K key, V value, Duration timeToLive) {
        long _ = store.put(coding.key(key), envelope(value), timeToLive);
    }

    /** Not all at once: an entry's bytes are kept only until those beside it are written. */
    @Override
    public void putAll(Map<? extends K, ? extends V> map) {
        List<Map.Entry<byte[], byte[]>> encoded = new ArrayList<>();
        map.forEach((key, value) -> {
            encoded.add(Map.entry(coding.key(key), envelope(value)));
            if (encoded.size() == PUT_TOGETHER) {
                store.putAll(encoded, loads.timeToLive());
                encoded.clear();
            }
        });
        store.putAll(encoded, loads.timeToLive());
    }

    @Override
    public void invalidate(K key) {
        byte[] bytes = coding.key(key);
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
