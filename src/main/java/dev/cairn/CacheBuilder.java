package dev.cairn;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.cache.StoreCache;
import dev.cairn.cache.Terms;
import dev.cairn.codec.Codec;
import dev.cairn.engine.OpenStores;
import dev.cairn.engine.StoreHandle;
import dev.cairn.near.Coding;
import dev.cairn.near.Envelope;
import dev.cairn.near.ReadPath;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;

/**
 * How to open a {@link CairnCache}. Immutable, but for Caffeine's builder: each method returns another.
 *
 * <p>What is said here counts for what this cache does: another process may write entries that live
 * longer. It refreshes only what its own callers read.
 *
 * @param <K> keys
 * @param <V> values
 */
public final class CacheBuilder<K, V> {
    private final Codec<K> keys;
    private final Codec<V> values;
    private final Options options;
    private final @Nullable Caffeine<Object, ? super CachedEntry<V>> nearCache;
    private final Terms terms;

    CacheBuilder(Codec<K> keys, Codec<V> values) {
        this(
                Objects.requireNonNull(keys, "keys"),
                Objects.requireNonNull(values, "values"),
                Options.defaults(),
                null,
                Terms.DEFAULTS);
    }

    private CacheBuilder(
            Codec<K> keys,
            Codec<V> values,
            Options options,
            @Nullable Caffeine<Object, ? super CachedEntry<V>> nearCache,
            Terms terms) {
        this.keys = keys;
        this.values = values;
        this.options = options;
        this.nearCache = nearCache;
        this.terms = terms;
    }

    /** How to open the store. */
    public CacheBuilder<K, V> options(Options how) {
        return new CacheBuilder<>(
                keys, values, Objects.requireNonNull(how, "how"), nearCache, terms);
    }

    /**
     * Bounds the data file, and evicts what is likely not to be used again: see {@link
     * Options#withEviction}. Unless this is called, or the options say so, the cache grows without bound.
     */
    public CacheBuilder<K, V> maxBytes(long bytes) {
        return options(options.withMaxBytes(bytes).withEviction(true));
    }

    /**
     * How long an entry lives that this cache writes without naming a time; without this call it is the
     * store's {@link Options#defaultTimeToLive}, or for ever.
     */
    public CacheBuilder<K, V> expireAfterWrite(Duration timeToLive) {
        return with(terms.expiringAfter(positive(timeToLive)));
    }

    /**
     * After which age an entry is loaded again when it is read with a loader: the reader gets what is
     * there, and of all processes one thread calls the loader in the background. Its value replaces the
     * entry only if that is still the one that was seen: a newer one stays, and an invalidated one does
     * not come back. If the loader returns null, the entry goes, or is remembered to be absent; if it
     * throws, the entry stays, and this process tries again a second later at the earliest.
     */
    public CacheBuilder<K, V> refreshAfterWrite(Duration age) {
        return with(terms.refreshingAfter(positive(age)));
    }

    /**
     * How long it is remembered, by all processes, that a loader said that there is no value; without
     * this call it is not.
     */
    public CacheBuilder<K, V> negativeTimeToLive(Duration timeToLive) {
        return with(terms.rememberingAbsence(positive(timeToLive)));
    }

    /**
     * Keeps decoded values in this process. Each is handed out only after shared memory confirmed that
     * its entry is what it was, at the cost of two loads.
     *
     * @param builder sizes, weighs, expires and counts; what it sees as a key is {@link
     *     Codec#identity}, as a value {@link CachedEntry}. It must not refresh.
     */
    public CacheBuilder<K, V> nearCache(Caffeine<Object, ? super CachedEntry<V>> builder) {
        return new CacheBuilder<>(
                keys, values, options, Objects.requireNonNull(builder, "builder"), terms);
    }

    /**
     * How long a thread waits for a value that another thread or process loads (a minute), before it
     * gets a {@link LockTimeout}: the loader may be slow, its process stopped, or two loaders may want
     * each other's keys.
     */
    public CacheBuilder<K, V> loadTimeout(Duration timeout) {
        return with(terms.waitingFor(positive(timeout)));
    }

    /** Where loaders run in the background: on a virtual thread each, unless this is called. */
    public CacheBuilder<K, V> refreshExecutor(Executor executor) {
        return with(terms.refreshingOn(Objects.requireNonNull(executor, "executor")));
    }

    private CacheBuilder<K, V> with(Terms others) {
        return new CacheBuilder<>(keys, values, options, nearCache, others);
    }

    private static Duration positive(Duration time) {
        if (!time.isPositive() || time.compareTo(Options.LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "a duration is not positive or longer than a century: " + time);
        }
        return time;
    }

    /**
     * Opens the cache, creating its store if it is absent; see {@link Cairn#open(Path, Options)}, whose
     * errors it throws.
     *
     * @throws IllegalStateException if Caffeine refuses its builder
     */
    public CairnCache<K, V> open(Path path) {
        Cache<Object, CachedEntry<V>> cache = nearCache == null ? null : nearCache.build();
        StoreHandle store = OpenStores.open(path, options);
        Coding<K, Envelope<V>> coding = new Coding<>(keys, Envelope.codec(values), store.path());
        return new StoreCache<>(store, coding, ReadPath.ofEnvelopes(store, coding, cache), terms);
    }
}
