package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentMap;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * A map of objects over a {@link CairnStore}. Every process that opens the same file with the same
 * codecs shares it. All methods are thread-safe.
 *
 * <p>Each method on one key is atomic across all processes. This includes the methods that take a
 * function: the function runs without any lock, and runs again if another write came between. So
 * the function must not write the key itself, because it would then run for ever. Null keys and
 * values are refused.
 *
 * <p>Iterators and views are weakly consistent: they show each entry that is present throughout the
 * iteration exactly once. Changes through them are written to the store. {@link #size} counts
 * expired entries that are not dropped yet.
 *
 * <p>{@code equals} and {@code hashCode} of the map and of its views follow {@link Map} and read
 * the whole store, unless a map is compared with itself. {@code toString} names the store and reads
 * nothing.
 *
 * <p>A time to live belongs to one write, not to the key. A write that names none gives the entry
 * the store's {@link Options#defaultTimeToLive}, or no expiry if that is not set. This holds for
 * {@code put}, {@code replace}, {@code compute}, {@code computeIfPresent}, {@code merge}, {@code
 * replaceAll}, {@code setValue} of an entry, and loads. So if {@link #set(Object, Object,
 * Duration)} gave an entry a time to live, the entry loses it when one of these methods changes it.
 * The methods with a {@link Duration} parameter name a time to live; {@link CairnStore#FOREVER}
 * means no expiry.
 *
 * <p>With a near cache, a decoded value is returned again for as long as its entry has not changed,
 * whichever process writes. Every read returns a value that was current at some moment between the
 * call and the return, unless {@link MapBuilder#boundedStaleness} relaxes that. Readers then share
 * the values and must not change them.
 *
 * <p>If the codec cannot read a value, methods throw {@link UndecodableEntry}. Methods that return
 * the previous value throw it after they have written. {@link #set} and the removals of the views
 * do not read the previous value.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="map"}
 *
 * @param <K> the type of the keys; a key must not change while a method uses it
 * @param <V> the type of the values
 */
public interface CairnMap<K, V> extends ConcurrentMap<K, V>, AutoCloseable {
    /**
     * Returns the key's value, and loads it if the key is absent. For each key, one thread of one
     * process at a time calls its loader; the others that ask for the key, in any process, wait and
     * get the loaded value. If the loader throws or returns null, or its process dies, one of those
     * that wait calls its own loader. (If more than about a thousand loads run at once on the host,
     * some may be done once per process.)
     *
     * @param key the key
     * @param loader computes the value, or returns null; then nothing is written
     * @return the value, or null if the loader returned null
     * @throws IllegalStateException if the loader asks for the key that it is loading
     * @throws LockTimeout if a load by another thread or process takes longer than {@link
     *     MapBuilder#loadTimeout}
     */
    default @Nullable V get(K key, Function<? super K, ? extends @Nullable V> loader) {
        return computeIfAbsent(key, loader);
    }

    /**
     * Returns the key's value, and loads it if the key is absent, as {@link #get(Object, Function)}
     * does. A loaded entry expires after {@code timeToLive}.
     *
     * @param key the key
     * @param timeToLive the time to live; {@link CairnStore#FOREVER} for no expiry
     * @param loader computes the value, or returns null; then nothing is written
     * @return the value, or null if the loader returned null
     */
    @Nullable V get(K key, Duration timeToLive, Function<? super K, ? extends @Nullable V> loader);

    /**
     * Returns the entries of those keys that are present, in the order of the keys. It is faster
     * than as many calls of {@code get}. Each read is atomic, but not all of them together.
     *
     * @param keys the keys
     * @return the present entries
     */
    Map<K, V> getAll(Collection<? extends K> keys);

    /**
     * Writes the entry, whether or not the key is present, without reading the previous value.
     *
     * @param key the key
     * @param value the value
     * @return the new version of the entry
     */
    long set(K key, V value);

    /**
     * Writes the entry as {@link #set(Object, Object)} does. The entry expires after {@code
     * timeToLive}.
     *
     * @param key the key
     * @param value the value
     * @param timeToLive the time to live; {@link CairnStore#FOREVER} for no expiry
     * @return the new version of the entry
     */
    long set(K key, V value, Duration timeToLive);

    /**
     * Writes many entries as {@link #putAll(Map)} does. They expire after {@code timeToLive}. Each
     * write is atomic, but not all of them together.
     *
     * @param map the entries to write
     * @param timeToLive the time to live; {@link CairnStore#FOREVER} for no expiry
     */
    void putAll(Map<? extends K, ? extends V> map, Duration timeToLive);

    /**
     * Writes the entry if the key is absent, as {@link #putIfAbsent(Object, Object)} does. The
     * entry expires after {@code timeToLive}.
     *
     * @param key the key
     * @param value the value
     * @param timeToLive the time to live; {@link CairnStore#FOREVER} for no expiry
     * @return the present value, or null if the key was absent
     */
    @Nullable V putIfAbsent(K key, V value, Duration timeToLive);

    /**
     * Computes a new value as {@link #computeIfPresent(Object, BiFunction)} does. The written entry
     * expires after {@code timeToLive}.
     *
     * @param key the key
     * @param timeToLive the time to live; {@link CairnStore#FOREVER} for no expiry
     * @param function computes the new value from the key and the present value; null removes the
     *     entry
     * @return the new value, or null if there is none
     */
    @Nullable V computeIfPresent(
            K key,
            Duration timeToLive,
            BiFunction<? super K, ? super V, ? extends @Nullable V> function);

    /**
     * Computes a new value as {@link #compute(Object, BiFunction)} does. The written entry expires
     * after {@code timeToLive}.
     *
     * @param key the key
     * @param timeToLive the time to live; {@link CairnStore#FOREVER} for no expiry
     * @param function computes the new value from the key and the present value, which is null if
     *     the key is absent; null removes the entry
     * @return the new value, or null if there is none
     */
    @Nullable V compute(
            K key,
            Duration timeToLive,
            BiFunction<? super K, ? super @Nullable V, ? extends @Nullable V> function);

    /**
     * Merges a value as {@link #merge(Object, Object, BiFunction)} does. The written entry expires
     * after {@code timeToLive}.
     *
     * @param key the key
     * @param value the value to write if the key is absent, and to merge otherwise
     * @param timeToLive the time to live; {@link CairnStore#FOREVER} for no expiry
     * @param function computes the new value from the present value and the given one; null removes
     *     the entry
     * @return the new value, or null if there is none
     */
    @Nullable V merge(
            K key,
            V value,
            Duration timeToLive,
            BiFunction<? super V, ? super V, ? extends @Nullable V> function);

    /**
     * {@return the remaining time to live of the key's entry; empty if the entry does not expire,
     * or the key is absent}
     *
     * @param key the key
     */
    Optional<Duration> timeLeft(K key);

    /**
     * {@return the version of the key's entry, which grows with every write of the key; 0 if the
     * key is absent}
     *
     * @param key the key
     */
    long version(K key);

    /**
     * Waits until the key's entry has another version than {@code sinceVersion}.
     *
     * @param key the key
     * @param sinceVersion the version that the caller has seen, or 0 for an absent key
     * @param timeout how long to wait at most
     * @return the version that the entry has now, or 0 if the key is absent; {@code sinceVersion}
     *     if the timeout has passed
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    long awaitChange(K key, long sinceVersion, Duration timeout) throws InterruptedException;

    /**
     * Opens a feed of the changes that any process makes from now on; see {@link ChangeFeed}.
     *
     * @return the feed, which the caller must close
     */
    ChangeFeed<K> watch();

    /**
     * {@return the stripe of the key, from 0 to {@link CairnStore#stripes} - 1}
     *
     * @param key the key
     */
    int stripeOf(K key);

    /**
     * Calls the action for the entries of one stripe, as {@link #forEach} does for all entries.
     *
     * @param stripe from 0 to {@link CairnStore#stripes} - 1
     * @param action is called for each entry
     */
    void forEachIn(int stripe, BiConsumer<? super K, ? super V> action);

    /** {@return the number of entries, as {@link #size}, without the limit of an int} */
    long mappingCount();

    /**
     * Makes all writes before this call durable; see {@link CairnStore#checkpoint}.
     *
     * @return the epoch of the checkpoint
     */
    long checkpoint();

    /** {@return the store of this map, which is closed with the map} */
    CairnStore store();

    /**
     * {@return figures of the near cache; all are zero if there is none, or if its builder records
     * no statistics}
     */
    NearCacheStats nearCacheStats();

    /** Closes the store; see {@link CairnStore#close}. */
    @Override
    void close();
}
