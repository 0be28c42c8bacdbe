package dev.cairn;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.codec.Codec;
import dev.cairn.engine.OpenStores;
import dev.cairn.engine.StoreHandle;
import dev.cairn.map.StoreMap;
import dev.cairn.near.Coding;
import dev.cairn.near.ReadPath;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * How to open a {@link CairnMap}. Immutable, but for Caffeine's builder: each method returns another.
 *
 * @param <K> keys
 * @param <V> values
 */
public final class MapBuilder<K, V> {
    private static final Duration LOAD_TIMEOUT = Duration.ofMinutes(1);

    private final Codec<K> keys;
    private final Codec<V> values;
    private final Options options;
    private final @Nullable Caffeine<Object, ? super CachedEntry<V>> nearCache;
    private final Duration staleness;
    private final boolean cachesAbsence;
    private final Duration loadTimeout;

    MapBuilder(Codec<K> keys, Codec<V> values) {
        this(
                Objects.requireNonNull(keys, "keys"),
                Objects.requireNonNull(values, "values"),
                Options.defaults(),
                null,
                Duration.ZERO,
                false,
                LOAD_TIMEOUT);
    }

    private MapBuilder(
            Codec<K> keys,
            Codec<V> values,
            Options options,
            @Nullable Caffeine<Object, ? super CachedEntry<V>> nearCache,
            Duration staleness,
            boolean cachesAbsence,
            Duration loadTimeout) {
        this.keys = keys;
        this.values = values;
        this.options = options;
        this.nearCache = nearCache;
        this.staleness = staleness;
        this.cachesAbsence = cachesAbsence;
        this.loadTimeout = loadTimeout;
    }

    /** How to open the store. */
    public MapBuilder<K, V> options(Options how) {
        return new MapBuilder<>(
                keys,
                values,
                Objects.requireNonNull(how, "how"),
                nearCache,
                staleness,
                cachesAbsence,
                loadTimeout);
    }

    /** See {@link Options#withCheckpointEvery}. */
    public MapBuilder<K, V> checkpointEvery(Duration atMost) {
        return options(options.withCheckpointEvery(atMost));
    }

    /**
     * Keeps decoded values in this process. Each is handed out only after shared memory confirmed that
     * its entry is what it was, at the cost of two loads.
     *
     * @param builder sizes, weighs, expires and counts; what it sees as a key is {@link
     *     Codec#identity}, as a value {@link CachedEntry}. It must not refresh.
     */
    public MapBuilder<K, V> nearCache(Caffeine<Object, ? super CachedEntry<V>> builder) {
        return new MapBuilder<>(
                keys,
                values,
                options,
                Objects.requireNonNull(builder, "builder"),
                staleness,
                cachesAbsence,
                loadTimeout);
    }

    /**
     * Relaxed: what was confirmed is handed out by {@code get} again for so long, unconfirmed, though
     * it was written or removed or has expired since; by this process, too. Methods that write, those
     * that load, and {@code containsKey} go by what is current. For entries that are written so often
     * that reads which accept no staleness would decode at every turn.
     */
    public MapBuilder<K, V> boundedStaleness(Duration atMost) {
        if (atMost.isNegative() || atMost.compareTo(Options.LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "atMost is negative or longer than a century: " + atMost);
        }
        return new MapBuilder<>(
                keys, values, options, nearCache, atMost, cachesAbsence, loadTimeout);
    }

    /**
     * Remembers of keys that were looked up in vain that they are absent; confirmed by looking where
     * they would be. A lookup in vain is cheap by itself: worth it where keys are long or staleness is
     * borne.
     */
    public MapBuilder<K, V> cacheAbsence() {
        return new MapBuilder<>(keys, values, options, nearCache, staleness, true, loadTimeout);
    }

    /**
     * How long a thread waits for a value that another thread or process loads (a minute), before it
     * gets a {@link LockTimeout}: the loader may be slow, its process stopped, or two loaders may want
     * each other's keys.
     */
    public MapBuilder<K, V> loadTimeout(Duration timeout) {
        if (!timeout.isPositive() || timeout.compareTo(Options.LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "timeout is not positive or longer than a century: " + timeout);
        }
        return new MapBuilder<>(
                keys, values, options, nearCache, staleness, cachesAbsence, timeout);
    }

    /**
     * Opens the map, creating its store if it is absent; see {@link Cairn#open(Path, Options)}, whose
     * errors it throws.
     *
     * @throws IllegalStateException if absence or staleness was asked for without a near cache, or if
     *     Caffeine refuses its builder
     */
    public CairnMap<K, V> open(Path path) {
        if (nearCache == null && (cachesAbsence || !staleness.isZero())) {
            throw new IllegalStateException(
                    "cacheAbsence and boundedStaleness are about a near cache: call nearCache");
        }
        Cache<Object, CachedEntry<V>> cache = nearCache == null ? null : nearCache.build();
        StoreHandle store = OpenStores.open(path, options);
        Coding<K, V> coding = new Coding<>(keys, values, store.path());
        ReadPath<K, V> reads =
                new ReadPath<>(store, coding, cache, staleness.toNanos(), cachesAbsence);
        return new StoreMap<>(store, coding, reads, loadTimeout.toNanos());
    }
}
