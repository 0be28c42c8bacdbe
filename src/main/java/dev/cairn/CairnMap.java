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
 * A map of objects over a {@link CairnStore}, shared with every process that opens the same file with
 * the same codecs.
 *
 * <p>Each method on one key is atomic across all processes, those that take a function included: the
 * function runs without any lock, and again if another write came between. So it must not write the
 * key itself: it would run for ever. Nulls are refused. Iterators and views are weakly consistent and
 * write through: they show every entry that is there throughout exactly once. {@link #size} counts
 * entries that have expired and were not dropped yet.
 *
 * <p>{@code equals} and {@code hashCode}, of the map and of its views, are those of any {@link
 * Map}, and read the whole store, unless a map is compared with itself; {@code toString}
 * names the store and reads nothing.
 *
 * <p>A time to live is that of one write, not of the key. Whatever writes an entry without naming one
 * gives it the store's {@link Options#defaultTimeToLive}, or none at all: {@code put}, {@code replace},
 * {@code compute}, {@code computeIfPresent}, {@code merge}, {@code replaceAll}, {@code setValue} of an
 * entry, and what is loaded. So an entry that {@link #set(Object, Object, Duration)} gave a time to live
 * has none any more once one of these has changed it. The methods that take a {@link Duration} name one;
 * {@link CairnStore#FOREVER} stands for an entry that does not expire.
 *
 * <p>With a near cache a value that was decoded is handed out again as long as its entry is what it
 * was, whoever wrote: every read returns what was newest at some moment between its call and its
 * return, unless {@link MapBuilder#boundedStaleness} relaxes that. Values that are handed out are
 * shared by readers then and must not be changed.
 *
 * <p>A value that the codec cannot read is an {@link UndecodableEntry}. Methods that return what was
 * there before they wrote throw it when they have written; {@link #set} and the removals of the views
 * do not look at it.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="map"}
 *
 * @param <K> keys, which nobody changes while they are in use
 */
public interface CairnMap<K, V> extends ConcurrentMap<K, V>, AutoCloseable {
    /**
     * The value, loaded if it is absent: by one thread of one process at a time for each key, while
     * others that ask for it, in whatever process, wait and get what it loaded. Should the loader
     * throw or return null, or its process die, one of those who wait loads instead. (Of more than
     * about a thousand loads at once on the host, some may be done by each process for itself.)
     *
     * @param loader may return null: then nothing is written
     * @return null if the loader said so
     * @throws IllegalStateException if the loader asks for the very key that it loads
     * @throws LockTimeout if another one's load takes longer than {@link MapBuilder#loadTimeout}
     */
    default @Nullable V get(K key, Function<? super K, ? extends @Nullable V> loader) {
        return computeIfAbsent(key, loader);
    }

    /** As {@link #get(Object, Function)}; what is loaded is absent once {@code timeToLive} has passed. */
    @Nullable V get(K key, Duration timeToLive, Function<? super K, ? extends @Nullable V> loader);

    /**
     * The entries of those keys that are there, in the order of the keys; faster than as many calls of
     * {@code get}. Each is atomic by itself, not all of them together.
     */
    Map<K, V> getAll(Collection<? extends K> keys);

    /** Writes the entry whatever was there, without looking; returns its version. */
    long set(K key, V value);

    /** As {@link #set(Object, Object)}; the entry is absent once {@code timeToLive} has passed. */
    long set(K key, V value, Duration timeToLive);

    /**
     * As {@link #putAll(Map)}, with a time to live. Each entry is atomic by itself, not all of them
     * together.
     */
    void putAll(Map<? extends K, ? extends V> map, Duration timeToLive);

    /** As {@link #putIfAbsent(Object, Object)}, with a time to live. */
    @Nullable V putIfAbsent(K key, V value, Duration timeToLive);

    /** As {@link #computeIfPresent(Object, BiFunction)}; what is written has this time to live. */
    @Nullable V computeIfPresent(
            K key,
            Duration timeToLive,
            BiFunction<? super K, ? super V, ? extends @Nullable V> function);

    /** As {@link #compute(Object, BiFunction)}; what is written has this time to live. */
    @Nullable V compute(
            K key,
            Duration timeToLive,
            BiFunction<? super K, ? super @Nullable V, ? extends @Nullable V> function);

    /** As {@link #merge(Object, Object, BiFunction)}; what is written has this time to live. */
    @Nullable V merge(
            K key,
            V value,
            Duration timeToLive,
            BiFunction<? super V, ? super V, ? extends @Nullable V> function);

    /** What is left of the time to live of the key's entry; empty when it has none or is absent. */
    Optional<Duration> timeLeft(K key);

    /** The version of the key's entry: greater at every write of it, 0 if it is absent. */
    long version(K key);

    /**
     * Waits until the key's entry has another version than the caller knows.
     *
     * @param sinceVersion that was seen, 0 for an absent entry
     * @return the version it has now, 0 if it is absent; {@code sinceVersion} if the time passed
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    long awaitChange(K key, long sinceVersion, Duration timeout) throws InterruptedException;

    /** The changes from now on, by whomever; see {@link ChangeFeed}. */
    ChangeFeed<K> watch();

    /** The stripe that a key belongs to, from 0 to {@link CairnStore#stripes}. */
    int stripeOf(K key);

    /** As {@link #forEach}, of the entries of one stripe. */
    void forEachIn(int stripe, BiConsumer<? super K, ? super V> action);

    /** As {@link #size}, for more entries than an int counts. */
    long mappingCount();

    /** Makes durable what was written before the call; see {@link CairnStore#checkpoint}. */
    long checkpoint();

    /** The store behind it, which is closed with the map. */
    CairnStore store();

    /** How the near cache does; all zero without one, or if its builder records no statistics. */
    NearCacheStats nearCacheStats();

    /** Closes the store; see {@link CairnStore#close}. */
    @Override
    void close();
}
