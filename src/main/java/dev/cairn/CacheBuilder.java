package dev.cairn;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.cache.CacheSettings;
import dev.cairn.cache.StoreCache;
import dev.cairn.codec.Codec;
import dev.cairn.engine.OpenStores;
import dev.cairn.engine.StoreHandle;
import dev.cairn.near.EntryCodecs;
import dev.cairn.near.Envelope;
import dev.cairn.near.NearCacheBuilder;
import dev.cairn.near.ReadPath;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;

/**
 * Describes how to open a {@link CairnCache}. A builder is immutable, except for the Caffeine
 * builder that it may hold: each method returns a new one.
 *
 * <p>The settings apply to what this cache does. Another process may use other settings, and write
 * entries that live longer. A cache refreshes only entries that its own callers read.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="cache"}
 *
 * @param <K> the type of the keys
 * @param <V> the type of the values
 */
@SuppressWarnings("exports") // see module-info.java
public final class CacheBuilder<K, V> {
    private final Codec<K> keys;
    private final Codec<V> values;
    private final Options options;

    /** The bound that {@link #maxBytes} set; null if it was not called. */
    private final @Nullable Long bound;

    private final @Nullable NearCacheBuilder<V> nearCache;

    private final CacheSettings settings;

    CacheBuilder(Codec<K> keys, Codec<V> values) {
        this(
                Objects.requireNonNull(keys, "keys"),
                Objects.requireNonNull(values, "values"),
                Options.defaults(),
                null,
                null,
                CacheSettings.DEFAULTS);
    }

    private CacheBuilder(
            Codec<K> keys,
            Codec<V> values,
            Options options,
            @Nullable Long bound,
            @Nullable NearCacheBuilder<V> nearCache,
            CacheSettings settings) {
        this.keys = keys;
        this.values = values;
        this.options = options;
        this.bound = bound;
        this.nearCache = nearCache;
        this.settings = settings;
    }

    /**
     * Sets the options with which the store is opened. The default is {@link Options#defaults()}.
     * If {@link #maxBytes} is called too, before or after this method, its bound counts.
     *
     * @param how the options
     * @return a builder with this setting
     */
    public CacheBuilder<K, V> options(Options how) {
        Objects.requireNonNull(how, "how");
        Options all = bound == null ? how : bounded(how, bound);
        return new CacheBuilder<>(keys, values, all, bound, nearCache, settings);
    }

    /**
     * Bounds the data file, and evicts the entries that are least likely to be used again; see
     * {@link Options#withEviction}. Unless this method is called, or the options ask for eviction,
     * the cache grows without bound.
     *
     * @param bytes the largest size of the data file
     * @return a builder with this setting
     * @throws IllegalArgumentException if {@code bytes} is negative
     */
    public CacheBuilder<K, V> maxBytes(long bytes) {
        return new CacheBuilder<>(
                keys, values, bounded(options, bytes), bytes, nearCache, settings);
    }

    private static Options bounded(Options options, long bytes) {
        return options.withMaxBytes(bytes).withEviction(true);
    }

    /**
     * Sets how long an entry lives if the write does not name a time to live. The default is the
     * store's {@link Options#defaultTimeToLive}, or no expiry if that is not set.
     *
     * @param timeToLive the time to live
     * @return a builder with this setting
     * @throws IllegalArgumentException if the time is not positive, or longer than 36,500 days
     */
    public CacheBuilder<K, V> expireAfterWrite(Duration timeToLive) {
        return with(settings.expiringAfter(positive(timeToLive)));
    }

    /**
     * Sets the age after which an entry is loaded again when it is read with a loader. The reader
     * gets the old value at once, and one thread of all processes calls the loader in the
     * background.
     *
     * <p>The loaded value replaces the entry only if the entry is still the one that was seen: a
     * newer entry stays, and an invalidated entry does not come back. If the loader returns null,
     * the entry is removed, or its absence is remembered ({@link #negativeTimeToLive}). If the
     * loader throws, the entry stays, and this process tries again after one second at the
     * earliest.
     *
     * @param age the age since the entry was written
     * @return a builder with this setting
     * @throws IllegalArgumentException if the age is not positive, or longer than 36,500 days
     */
    public CacheBuilder<K, V> refreshAfterWrite(Duration age) {
        return with(settings.refreshingAfter(positive(age)));
    }

    /**
     * Sets for how long all processes remember that a loader returned null. Unless this method is
     * called, they do not remember it, and the next read calls a loader again.
     *
     * @param timeToLive how long to remember it
     * @return a builder with this setting
     * @throws IllegalArgumentException if the time is not positive, or longer than 36,500 days
     */
    public CacheBuilder<K, V> negativeTimeToLive(Duration timeToLive) {
        return with(settings.rememberingAbsence(positive(timeToLive)));
    }

    /**
     * Keeps decoded values in this process. Before a value is returned, two loads from shared
     * memory confirm that its entry has not changed. Caffeine is an
     * optional dependency of Cairn: see {@link MapBuilder#nearCache}.
     *
     * @param builder sets size, weight, expiry and statistics. Its keys are what {@link
     *     Codec#identity} returns, its values are of type {@link CachedEntry}. It must not refresh.
     * @return a builder with this setting
     */
    public CacheBuilder<K, V> nearCache(Caffeine<Object, ? super CachedEntry<V>> builder) {
        return new CacheBuilder<>(
                keys,
                values,
                options,
                bound,
                new NearCacheBuilder<>(Objects.requireNonNull(builder, "builder")),
                settings);
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
    public CacheBuilder<K, V> loadTimeout(Duration timeout) {
        return with(settings.waitingFor(positive(timeout)));
    }

    /**
     * Sets the executor that runs loaders in the background. By default each of them runs on a new
     * virtual thread.
     *
     * @param executor the executor
     * @return a builder with this setting
     */
    public CacheBuilder<K, V> refreshExecutor(Executor executor) {
        return with(settings.refreshingOn(Objects.requireNonNull(executor, "executor")));
    }

    private CacheBuilder<K, V> with(CacheSettings others) {
        return new CacheBuilder<>(keys, values, options, bound, nearCache, others);
    }

    private static Duration positive(Duration time) {
        if (!time.isPositive() || time.compareTo(Options.LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "a duration must be positive and not longer than a century: " + time);
        }
        return time;
    }

    /**
     * Opens the cache, and creates its store if it is absent. It throws the exceptions of {@link
     * Cairn#open(Path, Options)}.
     *
     * @param path the data file, or {@code shm:NAME}
     * @return the open cache, which the caller must close
     * @throws IllegalStateException if Caffeine refuses its builder
     */
    public CairnCache<K, V> open(Path path) {
        Cache<Object, CachedEntry<V>> cache = nearCache == null ? null : nearCache.build();
        StoreHandle store = OpenStores.open(path, options);
        EntryCodecs<K, Envelope<V>> codecs =
                new EntryCodecs<>(keys, Envelope.codec(values), store.path());
        return new StoreCache<>(
                store, codecs, ReadPath.ofEnvelopes(store, codecs, cache), settings);
    }
}
