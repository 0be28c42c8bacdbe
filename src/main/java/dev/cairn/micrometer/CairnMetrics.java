package dev.cairn.micrometer;

import dev.cairn.CairnCache;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.NearCacheStats;
import dev.cairn.Recovery;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.MeterBinder;

import org.jspecify.annotations.Nullable;

import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/**
 * Meters of a {@link CairnStore}, or of a {@link CairnMap} or {@link CairnCache} with its store.
 * docs/operations.md says what each of them means and when to raise an alarm.
 *
 * <p>Meters whose names begin with {@code cache.} have the names, types and tags that Micrometer
 * gives other caches, so the same dashboards show them. Their tag {@code cache} is the name given
 * here; for a near cache {@code .near} is appended. The names of all other meters begin with {@code
 * cairn.}, and their tag {@code store} is the name given here.
 *
 * <p>A scrape reads the store's figures once, which takes a few microseconds. When a store is
 * closed, its gauges become NaN, its counters and timers keep their last values, and nothing
 * throws. A registry does not keep a store from being garbage-collected. {@link #close} removes the
 * meters. If a store is opened again under the name of a closed one, with the same tags, its meters
 * replace those of the closed store in any case.
 *
 * {@snippet class="dev.cairn.micrometer.MetricsExamplesTest" region="metrics"}
 */
@SuppressWarnings("exports") // see module-info.java
public final class CairnMetrics implements MeterBinder, AutoCloseable {
    private final WeakReference<CairnStore> store;
    private final Recovery recovery;
    private final String name;
    private final Tags tags;
    private final @Nullable Near<?> near;
    private final boolean loads;
    private final List<Meters.Bound> bound = new CopyOnWriteArrayList<>();

    /** The owner of a near cache, which this reference does not keep alive. */
    private record Near<T>(WeakReference<T> owner, Function<T, NearCacheStats> stats) {
        static <T> Near<T> of(T owner, Function<T, NearCacheStats> stats) {
            return new Near<>(new WeakReference<>(owner), stats);
        }

        void bindTo(Meters meters) {
            T alive = owner.get();
            if (alive != null && stats.apply(alive).recorded()) {
                NearMeters.bind(meters, alive, stats);
            }
        }
    }

    /**
     * Creates the meters of a store.
     *
     * @param store the store
     * @param name the name of the store, for people
     * @param tags additional tags of every meter
     */
    public CairnMetrics(CairnStore store, String name, Iterable<Tag> tags) {
        this(store, name, tags, null, false);
    }

    /**
     * Creates the meters of a map and its store, and of its near cache, if it has one that records
     * statistics.
     *
     * @param map the map
     * @param name the name of the map, for people
     * @param tags additional tags of every meter
     */
    public CairnMetrics(CairnMap<?, ?> map, String name, Iterable<Tag> tags) {
        this(map.store(), name, tags, Near.of(map, CairnMap::nearCacheStats), false);
    }

    /**
     * Creates the meters of a cache and its store, and of its near cache, if it has one that
     * records statistics.
     *
     * @param cache the cache
     * @param name the name of the cache, for people
     * @param tags additional tags of every meter
     */
    public CairnMetrics(CairnCache<?, ?> cache, String name, Iterable<Tag> tags) {
        this(cache.store(), name, tags, Near.of(cache, CairnCache::nearCacheStats), true);
    }

    private CairnMetrics(
            CairnStore store,
            String name,
            Iterable<Tag> tags,
            @Nullable Near<?> near,
            boolean loads) {
        this.store = new WeakReference<>(store);
        this.recovery = store.recovery();
        this.name = Objects.requireNonNull(name, "name");
        this.tags = Tags.of(tags);
        this.near = near;
        this.loads = loads;
    }

    /**
     * Binds the meters of a store.
     *
     * @param registry the registry that shows the meters
     * @param store the store
     * @param name the name of the store, for people
     * @param tags additional tags of every meter, as alternating keys and values
     * @return the store
     */
    public static CairnStore monitor(
            MeterRegistry registry, CairnStore store, String name, String... tags) {
        return monitor(registry, store, name, Tags.of(tags));
    }

    /**
     * Binds the meters of a store.
     *
     * @param registry the registry that shows the meters
     * @param store the store
     * @param name the name of the store, for people
     * @param tags additional tags of every meter
     * @return the store
     */
    public static CairnStore monitor(
            MeterRegistry registry, CairnStore store, String name, Iterable<Tag> tags) {
        new CairnMetrics(store, name, tags).bindTo(registry);
        return store;
    }

    /**
     * Binds the meters of a map and its store.
     *
     * @param <M> the type of the map
     * @param registry the registry that shows the meters
     * @param map the map
     * @param name the name of the map, for people
     * @param tags additional tags of every meter, as alternating keys and values
     * @return the map
     */
    public static <M extends CairnMap<?, ?>> M monitor(
            MeterRegistry registry, M map, String name, String... tags) {
        return monitor(registry, map, name, Tags.of(tags));
    }

    /**
     * Binds the meters of a map and its store.
     *
     * @param <M> the type of the map
     * @param registry the registry that shows the meters
     * @param map the map
     * @param name the name of the map, for people
     * @param tags additional tags of every meter
     * @return the map
     */
    public static <M extends CairnMap<?, ?>> M monitor(
            MeterRegistry registry, M map, String name, Iterable<Tag> tags) {
        new CairnMetrics(map, name, tags).bindTo(registry);
        return map;
    }

    /**
     * Binds the meters of a cache and its store.
     *
     * @param <C> the type of the cache
     * @param registry the registry that shows the meters
     * @param cache the cache
     * @param name the name of the cache, for people
     * @param tags additional tags of every meter, as alternating keys and values
     * @return the cache
     */
    public static <C extends CairnCache<?, ?>> C monitor(
            MeterRegistry registry, C cache, String name, String... tags) {
        return monitor(registry, cache, name, Tags.of(tags));
    }

    /**
     * Binds the meters of a cache and its store.
     *
     * @param <C> the type of the cache
     * @param registry the registry that shows the meters
     * @param cache the cache
     * @param name the name of the cache, for people
     * @param tags additional tags of every meter
     * @return the cache
     */
    public static <C extends CairnCache<?, ?>> C monitor(
            MeterRegistry registry, C cache, String name, Iterable<Tag> tags) {
        new CairnMetrics(cache, name, tags).bindTo(registry);
        return cache;
    }

    /**
     * Registers the meters, unless the store was garbage-collected.
     *
     * @param registry the registry that shows the meters
     */
    @Override
    public void bindTo(MeterRegistry registry) {
        CairnStore alive = store.get();
        if (alive == null) {
            return;
        }
        Snapshots snapshots = new Snapshots(alive, name, registry.config().clock());
        Meters meters = new Meters(registry, alive, snapshots, name, tags);
        StoreMeters.bind(meters, recovery);
        CacheMeters.bind(meters, loads);
        if (near != null) {
            near.bindTo(meters);
        }
        bound.add(meters.bound());
    }

    /** Removes the meters that this object registered; the store stays open. */
    @Override
    public void close() {
        List<Meters.Bound> gone = List.copyOf(bound);
        gone.forEach(Meters.Bound::remove);
        bound.removeAll(gone);
    }
}
