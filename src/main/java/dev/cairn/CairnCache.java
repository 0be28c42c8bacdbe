package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * A cache of objects over a {@link CairnStore}, shared with every process of the host that opens the
 * same file with the same codecs: what one of them loaded, all of them have.
 *
 * <p>A value that is absent is loaded by one thread of one process, while the others that ask for it
 * wait. An entry is never returned once it has expired. Every read returns what was newest at some moment
 * between its call and its return, also out of a near cache; values out of a near cache are shared by
 * readers and must not be changed. Nulls are refused, but for what a loader returns.
 *
 * <p><b>Loads and writes.</b> What was loaded is written only if nobody wrote, invalidated or removed the
 * key since its loader was called, in whatever process. So after {@link #invalidate} returns, no reader
 * gets a value out of the cache that a loader was asked for before; whoever called such a loader still
 * gets what it returned. The same holds for values that are loaded again in the background.
 *
 * <p>The store has an entry for a key while it is loaded, which says so: {@link CairnStore#size} counts
 * it, and a {@link ChangeFeed} tells of it. A process that is killed in a loader leaves it behind. The
 * next load of the key replaces it, or it expires after a day. What a loader gives that takes longer than
 * that is not written.
 *
 * <p>The store's values are those of the user's codec behind nine bytes, so a {@link CairnMap} cannot
 * read them; docs/codecs.md says what the nine bytes are. A value that the codec cannot read is an {@link
 * UndecodableEntry}, for every method that reads the key; it can be overwritten and invalidated.
 *
 * <p>A cache whose store was opened read-only reads, counts nothing, and never loads: where a loader
 * would be called, {@link UnsupportedOperationException} is thrown.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="cache"}
 *
 * @param <K> keys, which nobody changes while they are in use
 */
public interface CairnCache<K, V> extends AutoCloseable {
    /** The value; null if it is absent, or if it is remembered that there is none. */
    @Nullable V getIfPresent(K key);

    /**
     * The value, loaded if it is absent: by one thread of one process at a time for each key, while
     * others that ask for it, in whatever process, wait and get what it loaded. Should the loader throw
     * or its process die, one of those who wait loads instead; if it returns null, and no {@link
     * CacheBuilder#negativeTimeToLive} is set, each of them does, one after the other. (Of more than about
     * a thousand loads at once on the host, some may be done by each process for itself.)
     *
     * <p>If the entry is older than {@link CacheBuilder#refreshAfterWrite}, its value is returned at once,
     * and the loader is called in the background. So a loader may run after this method has returned.
     *
     * @param loader may return null: there is no value. What it throws is thrown here, unless it runs in
     *     the background, and nothing is written
     * @return null if the loader said so, now or within {@link CacheBuilder#negativeTimeToLive}
     * @throws IllegalStateException if the loader asks for the very key that it loads
     * @throws LockTimeout if another one's load takes longer than {@link CacheBuilder#loadTimeout}
     */
    @Nullable V get(K key, Function<? super K, ? extends @Nullable V> loader);

    /** The values of those keys that have one, in the order of the keys; loads nothing. */
    Map<K, V> getAllPresent(Collection<? extends K> keys);

    /**
     * The values of those keys that have one, in the order of the keys; absent ones are loaded. The
     * loader is called once, for all absent keys that nobody else loads. Only when these are written does
     * this method wait for what others load. It calls the loader again for those that others did not
     * load in the end. The loader is also called in the background, once for all whose entries are older
     * than {@link CacheBuilder#refreshAfterWrite}.
     *
     * @param loader is given some of the keys, unmodifiable. Those that its map does not have, or has null
     *     for, have no value; what else the map has is not looked at. What the loader throws is thrown here,
     *     unless it runs in the background, and nothing of that call is written
     * @throws LockTimeout if another one's load takes longer than {@link CacheBuilder#loadTimeout}; what
     *     this call loaded itself is written
     */
    Map<K, V> getAll(
            Collection<? extends K> keys, Function<? super Set<K>, ? extends Map<K, V>> loader);

    /** Writes the value, whatever was there; it expires after {@link CacheBuilder#expireAfterWrite}. */
    void put(K key, V value);

    /**
     * As {@link #put(Object, Object)}; the value is absent once {@code timeToLive} has passed. If it is
     * refreshed before, the new one expires after {@link CacheBuilder#expireAfterWrite} again.
     */
    void put(K key, V value, Duration timeToLive);

    /** As {@link #put(Object, Object)} of many. Each is atomic by itself, not all of them together. */
    void putAll(Map<? extends K, ? extends V> map);

    /**
     * Removes what is there, also that there is no value. A load that is under way, in whatever process,
     * writes nothing any more: its caller gets what it loads, and whoever asks from now on has the value
     * loaded again.
     */
    void invalidate(K key);

    /** As {@link #invalidate} of many, one after the other. */
    void invalidateAll(Collection<? extends K> keys);

    /** The store behind it, which is closed with the cache. */
    CairnStore store();

    /** What the caches of all processes over this store did. */
    CacheStats stats();

    /** How the near cache does; all zero without one, or if its builder records no statistics. */
    NearCacheStats nearCacheStats();

    /**
     * Closes the store; see {@link CairnStore#close}. It does not wait for loaders: what they give is
     * not written any more.
     */
    @Override
    void close();
}
