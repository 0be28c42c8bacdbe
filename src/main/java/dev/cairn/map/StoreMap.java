package dev.cairn.map;

import dev.cairn.CachedEntry;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.ChangeFeed;
import dev.cairn.NearCacheStats;
import dev.cairn.engine.Expected;
import dev.cairn.engine.StoreHandle;
import dev.cairn.log.Records.Copy;
import dev.cairn.near.EntryCodecs;
import dev.cairn.near.ReadPath;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.AbstractMap;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * The map over a store.
 *
 * <p>Methods that take a function are optimistic (RULE 13): they read the entry with its version,
 * run the function without any lock, and write the result if the entry still has that version;
 * otherwise they repeat all of it. Each repetition is caused by another write of the key that
 * succeeded. A version comes once, so no write in between goes unnoticed, not even one of an equal
 * value.
 */
public final class StoreMap<K, V> extends AbstractMap<K, V> implements CairnMap<K, V> {
    /** How many entries are written together. */
    private static final int PUT_TOGETHER = 1024;

    private final StoreHandle store;
    private final EntryCodecs<K, V> codecs;
    private final ReadPath<K, V> reads;
    private final long loadTimeoutNanos;
    private final Set<K> keys = new KeyView<>(this);
    private final Collection<V> values = new ValueView<>(this);
    private final Set<Map.Entry<K, V>> entries = new EntryView<>(this);

    /**
     * Creates a map.
     *
     * @param loadTimeoutNanos how long to wait for the loads of others
     */
    public StoreMap(
            StoreHandle store,
            EntryCodecs<K, V> codecs,
            ReadPath<K, V> reads,
            long loadTimeoutNanos) {
        this.store = store;
        this.codecs = codecs;
        this.reads = reads;
        this.loadTimeoutNanos = loadTimeoutNanos;
    }

    @SuppressWarnings("unchecked") // a key of another class is refused by the codec
    private K key(@Nullable Object key) {
        return (K) Objects.requireNonNull(key, "key");
    }

    private static <V> @Nullable V valueOf(@Nullable CachedEntry<V> entry) {
        return entry == null ? null : entry.value();
    }

    private @Nullable V current(K key) {
        return valueOf(reads.findCurrent(key));
    }

    @Override
    public @Nullable V get(@Nullable Object key) {
        return valueOf(reads.find(key(key)));
    }

    @Override
    public @Nullable V getOrDefault(@Nullable Object key, @Nullable V otherwise) {
        V value = get(key);
        return value == null ? otherwise : value;
    }

    @Override
    public boolean containsKey(@Nullable Object key) {
        return reads.contains(key(key));
    }

    @Override
    public boolean containsValue(@Nullable Object value) {
        return values.contains(Objects.requireNonNull(value, "value"));
    }

    @Override
    public @Nullable V put(K key, V value) {
        return exchange(
                key,
                codecs.key(key),
                codecs.value(value),
                store.defaultTimeToLive(),
                Expected.ANYTHING);
    }

    @Override
    public long set(K key, V value) {
        return set(key, value, store.defaultTimeToLive());
    }

    @Override
    public long set(K key, V value, Duration timeToLive) {
        byte[] bytes = codecs.key(key);
        byte[] encoded = codecs.value(value);
        try {
            return store.put(bytes, encoded, timeToLive);
        } finally {
            reads.overwritten(key);
        }
    }

    @Override
    public @Nullable V putIfAbsent(K key, V value) {
        return putIfAbsent(key, value, store.defaultTimeToLive());
    }

    @Override
    public @Nullable V putIfAbsent(K key, V value, Duration timeToLive) {
        byte[] encoded = codecs.value(value);
        StoreHandle.requirePositive(timeToLive);
        V present = current(key);
        return present == null
                ? exchange(key, codecs.key(key), encoded, timeToLive, Expected.NOTHING)
                : present;
    }

    /** Writes the value, or removes the entry if the value is null; returns what was there. */
    private @Nullable V exchange(
            K key, byte[] bytes, byte @Nullable [] value, Duration timeToLive, Expected expected) {
        try {
            Copy before = store.exchange(bytes, value, timeToLive, expected);
            return before == null ? null : codecs.value(before);
        } finally {
            if (value == null) {
                reads.removed(key);
            } else {
                reads.overwritten(key);
            }
        }
    }

    @Override
    public @Nullable V replace(K key, V value) {
        return exchange(
                key,
                codecs.key(key),
                codecs.value(value),
                store.defaultTimeToLive(),
                Expected.SOMETHING);
    }

    @Override
    public boolean replace(K key, V expected, V value) {
        byte[] bytes = codecs.key(key);
        byte[] encoded = codecs.value(value);
        Objects.requireNonNull(expected, "expected");
        CachedEntry<V> entry = reads.findCurrent(key);
        while (entry != null && isValue(entry, expected)) {
            if (change(key, bytes, entry.version(), encoded, store.defaultTimeToLive())) {
                return true;
            }
            entry = reads.findAnew(key);
        }
        return false;
    }

    @Override
    public @Nullable V remove(@Nullable Object key) {
        K typed = key(key);
        return exchange(typed, codecs.key(typed), null, CairnStore.FOREVER, Expected.ANYTHING);
    }

    @Override
    public boolean remove(@Nullable Object key, @Nullable Object value) {
        K typed = key(key);
        byte[] bytes = codecs.key(typed);
        CachedEntry<V> entry = reads.findCurrent(typed);
        while (entry != null && isValue(entry, value)) {
            if (remove(typed, bytes, entry.version())) {
                return true;
            }
            entry = reads.findAnew(typed);
        }
        return false;
    }

    private boolean isValue(CachedEntry<V> entry, @Nullable Object value) {
        V present = entry.value();
        return present != null && codecs.isValue(present, value);
    }

    @Override
    public @Nullable V computeIfAbsent(K key, Function<? super K, ? extends @Nullable V> loader) {
        return get(key, store.defaultTimeToLive(), loader);
    }

    @Override
    public @Nullable V get(
            K key, Duration timeToLive, Function<? super K, ? extends @Nullable V> loader) {
        Objects.requireNonNull(loader, "loader");
        StoreHandle.requirePositive(timeToLive);
        V present = valueOf(reads.readCurrent(key));
        if (present != null) {
            return present;
        }
        byte[] bytes = codecs.key(key);
        return store.loads()
                .load(
                        bytes,
                        loadTimeoutNanos,
                        () -> 0,
                        () -> current(key),
                        () -> load(key, bytes, timeToLive, loader));
    }

    private @Nullable V load(
            K key,
            byte[] bytes,
            Duration timeToLive,
            Function<? super K, ? extends @Nullable V> loader) {
        V loaded = loader.apply(key);
        if (loaded == null) {
            return null;
        }
        V present = exchange(key, bytes, codecs.value(loaded), timeToLive, Expected.NOTHING);
        return present == null ? loaded : present;
    }

    @Override
    public Map<K, V> getAll(Collection<? extends K> keys) {
        Map<K, V> found = LinkedHashMap.newLinkedHashMap(keys.size());
        if (reads.isCached()) {
            for (K key : keys) {
                V value = get(key);
                if (value != null) {
                    found.put(key, value);
                }
            }
            return found;
        }
        List<K> own = new ArrayList<>(keys);
        List<byte[]> bytes = new ArrayList<>(own.size());
        own.forEach(key -> bytes.add(codecs.key(key)));
        List<byte @Nullable []> values = store.getAll(bytes);
        for (int i = 0; i < values.size(); i++) {
            byte[] value = values.get(i);
            if (value != null) {
                found.put(own.get(i), codecs.value(bytes.get(i), value));
            }
        }
        return found;
    }

    @Override
    public @Nullable V computeIfPresent(
            K key, BiFunction<? super K, ? super V, ? extends @Nullable V> function) {
        return computeIfPresent(key, store.defaultTimeToLive(), function);
    }

    @Override
    public @Nullable V computeIfPresent(
            K key,
            Duration timeToLive,
            BiFunction<? super K, ? super V, ? extends @Nullable V> function) {
        Objects.requireNonNull(function, "function");
        return change(
                key, timeToLive, present -> present == null ? null : function.apply(key, present));
    }

    @Override
    public @Nullable V compute(
            K key, BiFunction<? super K, ? super @Nullable V, ? extends @Nullable V> function) {
        return compute(key, store.defaultTimeToLive(), function);
    }

    @Override
    public @Nullable V compute(
            K key,
            Duration timeToLive,
            BiFunction<? super K, ? super @Nullable V, ? extends @Nullable V> function) {
        Objects.requireNonNull(function, "function");
        return change(key, timeToLive, present -> function.apply(key, present));
    }

    @Override
    public @Nullable V merge(
            K key, V value, BiFunction<? super V, ? super V, ? extends @Nullable V> function) {
        return merge(key, value, store.defaultTimeToLive(), function);
    }

    @Override
    public @Nullable V merge(
            K key,
            V value,
            Duration timeToLive,
            BiFunction<? super V, ? super V, ? extends @Nullable V> function) {
        Objects.requireNonNull(value, "value");
        Objects.requireNonNull(function, "function");
        return change(
                key,
                timeToLive,
                present -> present == null ? value : function.apply(present, value));
    }

    /**
     * Replaces a key's value by the result of the function. Null, as argument or result, means that
     * there is none.
     */
    private @Nullable V change(
            K key, Duration timeToLive, Function<@Nullable V, @Nullable V> function) {
        StoreHandle.requirePositive(timeToLive);
        byte[] bytes = codecs.key(key);
        CachedEntry<V> before = reads.findCurrent(key);
        while (true) {
            V after = function.apply(valueOf(before));
            byte[] encoded = after == null ? null : codecs.value(after);
            long version = before == null ? 0 : before.version();
            if (change(key, bytes, version, encoded, timeToLive)) {
                return after;
            }
            before = reads.findAnew(key);
        }
    }

    /**
     * Writes the value, null for none, if the entry has that version, 0 for none; returns whether
     * it did.
     */
    private boolean change(
            K key, byte[] bytes, long version, byte @Nullable [] after, Duration timeToLive) {
        if (after == null) {
            return version == 0 || remove(key, bytes, version);
        }
        try {
            return 0
                    != (version == 0
                            ? store.putIfAbsent(bytes, after, timeToLive)
                            : store.replace(bytes, version, after, timeToLive));
        } finally {
            reads.overwritten(key);
        }
    }

    private boolean remove(K key, byte[] bytes, long version) {
        try {
            return store.remove(bytes, version) != 0;
        } finally {
            reads.removed(key);
        }
    }

    @Override
    public void replaceAll(BiFunction<? super K, ? super V, ? extends V> function) {
        Objects.requireNonNull(function, "function");
        for (Scan<K, V> scan = scan(); scan.advance(); ) {
            V _ =
                    change(
                            scan.key(),
                            store.defaultTimeToLive(),
                            present ->
                                    present == null
                                            ? null
                                            : Objects.requireNonNull(
                                                    function.apply(scan.key(), present), "value"));
        }
    }

    @Override
    public void putAll(Map<? extends K, ? extends V> map) {
        putAll(map, store.defaultTimeToLive());
    }

    /** Not all at once: an entry's bytes are kept only until the entries beside it are written. */
    @Override
    public void putAll(Map<? extends K, ? extends V> map, Duration timeToLive) {
        List<K> keys = new ArrayList<>();
        List<Map.Entry<byte[], byte[]>> encoded = new ArrayList<>();
        StoreHandle.requirePositive(timeToLive);
        map.forEach((key, value) -> {
            encoded.add(Map.entry(codecs.key(key), codecs.value(value)));
            keys.add(key);
            if (keys.size() == PUT_TOGETHER) {
                putAll(keys, encoded, timeToLive);
            }
        });
        putAll(keys, encoded, timeToLive);
    }

    private void putAll(
            List<K> keys, List<Map.Entry<byte[], byte[]>> encoded, Duration timeToLive) {
        try {
            store.putAll(encoded, timeToLive);
        } finally {
            keys.forEach(reads::overwritten);
        }
        keys.clear();
        encoded.clear();
    }

    @Override
    public void clear() {
        for (Scan<K, V> scan = scan(); scan.advance(); ) {
            scan.remove();
        }
    }

    @Override
    public void forEach(BiConsumer<? super K, ? super V> action) {
        forEach(scan(), action);
    }

    @Override
    public void forEachIn(int stripe, BiConsumer<? super K, ? super V> action) {
        Objects.checkIndex(stripe, store.stripes());
        forEach(new Scan<>(this, store.scan(stripe, stripe + 1)), action);
    }

    private void forEach(Scan<K, V> scan, BiConsumer<? super K, ? super V> action) {
        Objects.requireNonNull(action, "action");
        while (scan.advance()) {
            action.accept(scan.key(), scan.value());
        }
    }

    /** A scan of all entries, from the first one. */
    Scan<K, V> scan() {
        return new Scan<>(this, store.scan(0, store.stripes()));
    }

    EntryCodecs<K, V> codecs() {
        return codecs;
    }

    /** Removes an entry that was scanned, if it has not changed. */
    boolean remove(K key, Copy scanned) {
        return remove(key, scanned.key(), scanned.outline().version());
    }

    /** Removes whatever is there for the key of an entry that was scanned. */
    void removeAnyway(K key, Copy scanned) {
        boolean _ = removeKey(key, scanned.key());
    }

    /** Removes whatever is there without decoding it; returns whether there was anything. */
    boolean removeKey(@Nullable Object key) {
        K typed = key(key);
        return removeKey(typed, codecs.key(typed));
    }

    private boolean removeKey(K key, byte[] bytes) {
        try {
            return store.remove(bytes) != 0;
        } finally {
            reads.removed(key);
        }
    }

    @Override
    public Set<K> keySet() {
        return keys;
    }

    @Override
    public Collection<V> values() {
        return values;
    }

    @Override
    public Set<Map.Entry<K, V>> entrySet() {
        return entries;
    }

    @Override
    public int size() {
        return (int) Math.min(mappingCount(), Integer.MAX_VALUE);
    }

    @Override
    public boolean isEmpty() {
        return mappingCount() == 0 || store.scan(0, store.stripes()).get() == null;
    }

    /**
     * Does not compare sizes: they count expired entries, and change with the writes of others.
     */
    @Override
    public boolean equals(@Nullable Object other) {
        if (other == this) {
            return true;
        }
        if (!(other instanceof Map<?, ?> map)) {
            return false;
        }
        long count = 0;
        for (Scan<K, V> scan = scan(); scan.advance(); count++) {
            if (!codecs.isValue(scan.value(), map.get(scan.key()))) {
                return false;
            }
        }
        return count == map.size();
    }

    /** Reads all entries, as the contract of a map demands. */
    @Override
    public int hashCode() {
        return super.hashCode();
    }

    /**
     * Names the store and reads nothing, because a log line should not read, or show, all of it.
     */
    @Override
    public String toString() {
        return "CairnMap[" + store.path() + "]";
    }

    @Override
    public long mappingCount() {
        return store.size();
    }

    @Override
    public long version(K key) {
        return store.version(codecs.key(key));
    }

    @Override
    public Optional<Duration> timeLeft(K key) {
        return store.timeLeft(codecs.key(key));
    }

    @Override
    public long awaitChange(K key, long sinceVersion, Duration timeout)
            throws InterruptedException {
        return store.awaitChange(codecs.key(key), sinceVersion, timeout);
    }

    @Override
    public ChangeFeed<K> watch() {
        return new KeyFeed<>(store.watch(), codecs);
    }

    @Override
    public int stripeOf(K key) {
        return store.stripeOf(codecs.key(key));
    }

    @Override
    public long checkpoint() {
        return store.checkpoint();
    }

    @Override
    public CairnStore store() {
        return store;
    }

    @Override
    public NearCacheStats nearCacheStats() {
        return reads.stats();
    }

    @Override
    public void close() {
        store.close();
    }
}
