package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * A cache of objects over a {@link CairnStore}. Every process of the host that opens the same file
 * with the same codecs shares it: if one process has loaded a value, all of them have it. All
 * methods are thread-safe.
 *
 * <p>If a value is absent, one thread of one process loads it, and the others that ask for it wait.
 * An expired entry is never returned. Every read returns a value that was current at some moment
 * between the call and the return, also with a near cache. Readers share the values of a near cache
 * and must not change them. Null keys and values are refused; only a loader may return null.
 *
 * <p><b>Loads and writes.</b> A loaded value is written only if no process wrote, invalidated or
 * removed the key since the loader was called. So after {@link #invalidate} has returned, no reader
 * gets a value from the cache whose loader was called before; only the caller of that loader still
 * gets it. The same holds for values that are reloaded in the background.
 *
 * <p>While a key is being loaded, the store holds an entry for it that says so: {@link
 * CairnStore#size} counts this entry, and a {@link ChangeFeed} reports it. If a process is killed
 * in a loader, its entry stays until the next load of the key replaces it, or until it expires
 * after one day. If a loader takes longer than one day, its value is not written.
 *
 * <p>The values in the store have nine bytes before the bytes of the user's codec, so a {@link
 * CairnMap} cannot read them; docs/codecs.md describes these nine bytes. If the codec cannot read a
 * value, every method that reads the key throws {@link UndecodableEntry}; the value can still be
 * overwritten and invalidated.
 *
 * <p>A cache over a store that was opened read-only can read, counts nothing, and never loads:
 * where it would have to call a loader, it throws {@link UnsupportedOperationException}.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="cache"}
 *
 * @param <K> the type of the keys; a key must not change while a method uses it
 * @param <V> the type of the values
 */
public interface CairnCache<K, V> extends AutoCloseable {
    /**
     * {@return the key's value, or null if the key is absent or its absence is remembered}
     *
     * @param key the key
     */
    @Nullable V getIfPresent(K key);

    /**
     * Returns the key's value, and loads it if the key is absent. For each key, one thread of one
     * process at a time calls its loader; the others that ask for the key, in any process, wait and
     * get the loaded value. If the loader throws or its process dies, one of those that wait calls
     * its own loader. If the loader returns null and no {@link CacheBuilder#negativeTimeToLive} is
     * set, each of them calls its own loader, one after the other. (If more than about a thousand
     * loads run at once on the host, some may be done once per process.)
     *
     * <p>If the entry is older than {@link CacheBuilder#refreshAfterWrite}, its value is returned
     * at once, and the loader is called in the background. So a loader may run after this method
     * has returned.
     *
     * @param key the key
     * @param loader computes the value, or returns null if there is none. If it throws, this method
     *     throws the same exception, unless the loader runs in the background, and nothing is
     *     written.
     * @return the value, or null if the loader returned null, now or within {@link
     *     CacheBuilder#negativeTimeToLive}
     * @throws IllegalStateException if the loader asks for the key that it is loading
     * @throws LockTimeout if a load by another thread or process takes longer than {@link
     *     CacheBuilder#loadTimeout}
     */
    @Nullable V get(K key, Function<? super K, ? extends @Nullable V> loader);

    /**
     * Returns the values of those keys that are present, in the order of the keys. It loads
     * nothing.
     *
     * @param keys the keys
     * @return the present entries
     */
    Map<K, V> getAllPresent(Collection<? extends K> keys);

    /**
     * Returns the values of the keys in the order of the keys, and loads those that are absent.
     *
     * <p>The loader is called once for all absent keys that no other thread or process is loading.
     * After these values are written, the method waits for the loads of the others. If some of
     * these loads give no value, it calls the loader again for their keys. The loader is also
     * called in the background, once for all keys whose entries are older than {@link
     * CacheBuilder#refreshAfterWrite}.
     *
     * @param keys the keys
     * @param loader gets an unmodifiable set with some of the keys. A key that its map lacks, or
     *     maps to null, has no value; keys of the map that were not asked for are ignored. If the
     *     loader throws, this method throws the same exception, unless the loader runs in the
     *     background, and nothing of that call is written.
     * @return the values of those keys that have one
     * @throws LockTimeout if a load by another thread or process takes longer than {@link
     *     CacheBuilder#loadTimeout}; what this call loaded itself is written
     */
    Map<K, V> getAll(
            Collection<? extends K> keys, Function<? super Set<K>, ? extends Map<K, V>> loader);

    /**
     * Writes the value, whether or not the key is present. The value expires after {@link
     * CacheBuilder#expireAfterWrite}.
     *
     * @param key the key
     * @param value the value
     */
    void put(K key, V value);

    /**
     * Writes the value, whether or not the key is present. The value expires after {@code
     * timeToLive}. If it is refreshed before that, the new value expires after {@link
     * CacheBuilder#expireAfterWrite} again.
     *
     * @param key the key
     * @param value the value
     * @param timeToLive the time to live
     */
    void put(K key, V value, Duration timeToLive);

    /**
     * Writes many values, as {@link #put(Object, Object)} does. Each write is atomic, but not all
     * of them together.
     *
     * @param map the entries to write
     */
    void putAll(Map<? extends K, ? extends V> map);

    /**
     * Removes the value, or the remembered fact that there is none. A load of the key that is under
     * way, in any process, then writes nothing: its caller still gets the loaded value, and a later
     * read loads the value again.
     *
     * @param key the key
     */
    void invalidate(K key);

    /**
     * Invalidates many keys, one after the other, as {@link #invalidate} does.
     *
     * @param keys the keys
     */
    void invalidateAll(Collection<? extends K> keys);

    /**
     * Invalidates all keys, as {@link #invalidate} does for one, whichever process wrote them. After
     * this method has returned, no reader gets a value from the cache that was put, or whose loader
     * was called, before the call of this method. What is put or loaded during the call may stay.
     * The method reads every entry of the store, and removes one after the other.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="invalidateAll"}
     */
    void invalidateAll();

    /** {@return the store of this cache, which is closed with the cache} */
    CairnStore store();

    /** {@return figures of the caches of all processes over this store} */
    CacheStats stats();

    /**
     * {@return figures of the near cache; all are zero if there is none, or if its builder records
     * no statistics}
     */
    NearCacheStats nearCacheStats();

    /**
     * Closes the store; see {@link CairnStore#close}. It does not wait for loaders; their values
     * are not written any more.
     */
    @Override
    void close();
}
