package dev.cairn;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.codec.Codec;
import dev.cairn.engine.OpenStores;
import dev.cairn.engine.StoreHandle;
import dev.cairn.map.StoreMap;
import dev.cairn.near.EntryCodecs;
import dev.cairn.near.NearCacheBuilder;
import dev.cairn.near.ReadPath;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * Describes how to open a {@link CairnMap}. A builder is immutable, except for the Caffeine builder
 * that it may hold: each method returns a new one.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="map"}
 *
 * @param <K> the type of the keys
 * @param <V> the type of the values
 */
@SuppressWarnings("exports") // see module-info.java
public final class MapBuilder<K, V> {
    private static final Duration LOAD_TIMEOUT = Duration.ofMinutes(1);

    private final Codec<K> keys;
    private final Codec<V> values;
    private final Options options;

    private final @Nullable NearCacheBuilder<V> nearCache;

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
            @Nullable NearCacheBuilder<V> nearCache,
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

    /**
     * Sets the options with which the store is opened. The default is {@link Options#defaults()}.
     * They replace the time that {@link #checkpointEvery} set before.
     *
     * @param how the options
     * @return a builder with this setting
     */
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

    /**
     * Sets the option of that name; see {@link Options#withCheckpointEvery}.
     *
     * @param atMost about how long a write waits at most
     * @return a builder with this setting
     */
    public MapBuilder<K, V> checkpointEvery(Duration atMost) {
        return options(options.withCheckpointEvery(atMost));
    }

    /**
     * Keeps decoded values in this process. Before a value is returned, two loads from shared
     * memory confirm that its entry has not changed.
     *
     * <p>Caffeine is an optional dependency of Cairn. A program that calls this method needs {@code
     * com.github.ben-manes.caffeine:caffeine} among its own dependencies, and {@code requires
     * com.github.benmanes.caffeine} in its module descriptor if it has one.
     *
     * @param builder sets size, weight, expiry and statistics. Its keys are what {@link
     *     Codec#identity} returns, its values are of type {@link CachedEntry}. It must not refresh.
     * @return a builder with this setting
     */
    public MapBuilder<K, V> nearCache(Caffeine<Object, ? super CachedEntry<V>> builder) {
        return new MapBuilder<>(
                keys,
                values,
                options,
                new NearCacheBuilder<>(Objects.requireNonNull(builder, "builder")),
                staleness,
                cachesAbsence,
                loadTimeout);
    }

    /**
     * Lets {@code get} return stale values from the near cache. For this time after a value was
     * confirmed, {@code get} returns it again without a new confirmation, although any process,
     * this one included, may have overwritten or removed it, or it may have expired. Methods that
     * write, methods that load, and {@code containsKey} still use the current state. It suits
     * entries that are written so often that a strictly coherent read would have to decode nearly
     * every time.
     *
     * @param atMost the greatest time since the confirmation; zero, the default, allows no
     *     staleness
     * @return a builder with this setting
     * @throws IllegalArgumentException if the time is negative, or longer than 36,500 days
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
     * Lets the near cache remember that a key is absent. Such an answer is confirmed by a look at
     * the place where the key would be. A lookup of an absent key is cheap by itself, so this pays
     * only if keys are long or {@link #boundedStaleness} is set.
     *
     * @return a builder with this setting
     */
    public MapBuilder<K, V> cacheAbsence() {
        return new MapBuilder<>(keys, values, options, nearCache, staleness, true, loadTimeout);
    }

    /**
     * Sets how long a thread waits for a value that another thread or process is loading, before it
     * throws {@link LockTimeout}. The default is one minute. A wait can be long because the loader
     * is slow, because its process is stopped, or because two loaders wait for each other's keys.
     *
     * @param timeout how long to wait at most
     * @return a builder with this setting
     * @throws IllegalArgumentException if the timeout is not positive, or longer than 36,500 days
     */
    public MapBuilder<K, V> loadTimeout(Duration timeout) {
        if (!timeout.isPositive() || timeout.compareTo(Options.LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "timeout must be positive and not longer than a century: " + timeout);
        }
        return new MapBuilder<>(
                keys, values, options, nearCache, staleness, cachesAbsence, timeout);
    }

    /**
     * Opens the map, and creates its store if it is absent. It throws the exceptions of {@link
     * Cairn#open(Path, Options)}.
     *
     * @param path the data file, or {@code shm:NAME}
     * @return the open map, which the caller must close
     * @throws IllegalStateException if {@link #cacheAbsence} or {@link #boundedStaleness} was
     *     called without {@link #nearCache}, or if Caffeine refuses its builder
     */
    public CairnMap<K, V> open(Path path) {
        if (nearCache == null && (cachesAbsence || !staleness.isZero())) {
            throw new IllegalStateException(
                    "cacheAbsence and boundedStaleness need a near cache; call nearCache too");
        }
        Cache<Object, CachedEntry<V>> cache = nearCache == null ? null : nearCache.build();
        StoreHandle store = OpenStores.open(path, options);
        EntryCodecs<K, V> codecs = new EntryCodecs<>(keys, values, store.path());
        ReadPath<K, V> reads =
                new ReadPath<>(store, codecs, cache, staleness.toNanos(), cachesAbsence);
        return new StoreMap<>(store, codecs, reads, loadTimeout.toNanos());
    }
}
