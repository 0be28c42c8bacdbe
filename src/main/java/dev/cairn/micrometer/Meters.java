package dev.cairn.micrometer;

import dev.cairn.CairnStore;
import dev.cairn.Stats;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/*
 * If a meter is registered twice, a registry keeps the first. So the meters of a closed store would hide
 * those of a store that is opened again, for good. The meter of the number of processes tells whether that
 * is the case: for an open store it is never NaN. If it is NaN, all the meters are replaced. If two stores
 * are open at once under one name, that is the user's mistake; the first one's meters stay, as is the rule
 * in Micrometer.
 *
 * Meters refer to the store weakly, as is usual for meters; the functions refer to Snapshots, which refers
 * to the store weakly too.
 */
/** The meters of one store in one registry. */
final class Meters {
    /** The meter that tells whether the store is open. */
    static final String PROCESSES = "cairn.processes";

    private final MeterRegistry registry;
    private final CairnStore store;
    private final Snapshots snapshots;
    private final String name;
    private final Tags tags;
    private final boolean replaces;
    private final List<Meter> registered = new ArrayList<>();

    /**
     * @param name the name of the store
     *
     * @param tags additional tags of every meter
     */
    Meters(MeterRegistry registry, CairnStore store, Snapshots snapshots, String name, Tags tags) {
        this.registry = registry;
        this.store = store;
        this.snapshots = snapshots;
        this.name = name;
        this.tags = tags;
        Gauge before = registry.find(PROCESSES).tags(tags.and("store", name)).gauge();
        this.replaces = before != null && Double.isNaN(before.value());
    }

    /**
     * The name of a meter and what belongs to it.
     *
     * @param unit null if Micrometer's own meters of that name have none
     */
    record Id(String name, Tags tags, @Nullable String unit, String description) {
        Id tag(String key, String value) {
            return new Id(name, tags.and(key, value), unit, description);
        }
    }

    /** The identity of a meter of the store. */
    Id ofStore(String meter, @Nullable String unit, String description) {
        return new Id(meter, tags.and("store", name), unit, description);
    }

    /** The identity of a meter of the store as a cache, with Micrometer's name. */
    Id ofCache(String meter, String description) {
        return new Id(meter, tags.and("cache", name), null, description);
    }

    /** The identity of a meter of the near cache, with Micrometer's name. */
    Id ofNear(String meter, String description) {
        return new Id(meter, tags.and("cache", name + ".near"), null, description);
    }

    void gauge(Id id, ToDoubleFunction<Stats> figure) {
        // a lambda that uses the field would keep this, and with it the store
        Snapshots from = snapshots;
        gauge(id, store, _ -> from.now(figure));
    }

    /** Registers a gauge of another object, which is closed with the store. */
    <T> void openGauge(Id id, T owner, ToDoubleFunction<T> figure) {
        Snapshots from = snapshots;
        gauge(id, owner, it -> from.isOpen() ? figure.applyAsDouble(it) : Double.NaN);
    }

    private <T> void gauge(Id id, T owner, ToDoubleFunction<T> figure) {
        add(
                id,
                Gauge.builder(id.name, owner, figure)
                                .tags(id.tags)
                                .baseUnit(id.unit)
                                .description(id.description)
                        ::register);
    }

    void nanosGauge(Id id, ToDoubleFunction<Stats> nanos) {
        timeGauge(id, TimeUnit.NANOSECONDS, nanos);
    }

    /** Registers a gauge that the registry shows in its own unit of time. */
    void timeGauge(Id id, TimeUnit unit, ToDoubleFunction<Stats> time) {
        Snapshots from = snapshots;
        add(
                id,
                TimeGauge.builder(id.name, store, unit, _ -> from.now(time))
                                .tags(id.tags)
                                .description(id.description)
                        ::register);
    }

    void counter(Id id, ToDoubleFunction<Stats> figure) {
        Snapshots from = snapshots;
        counter(id, store, _ -> from.total(figure));
    }

    <T> void counter(Id id, T owner, ToDoubleFunction<T> figure) {
        add(
                id,
                FunctionCounter.builder(id.name, owner, figure)
                                .tags(id.tags)
                                .baseUnit(id.unit)
                                .description(id.description)
                        ::register);
    }

    void timer(Id id, ToDoubleFunction<Stats> count, ToDoubleFunction<Stats> nanos) {
        Snapshots from = snapshots;
        add(
                id,
                FunctionTimer.builder(
                                        id.name,
                                        store,
                                        _ -> (long) from.total(count),
                                        _ -> from.total(nanos),
                                        TimeUnit.NANOSECONDS)
                                .tags(id.tags)
                                .description(id.description)
                        ::register);
    }

    private void add(Id id, Function<MeterRegistry, Meter> registration) {
        if (replaces) { // an equal name and equal tags are enough
            registry.removeByPreFilterId(
                    new Meter.Id(id.name, id.tags, null, null, Meter.Type.OTHER));
        }
        registered.add(registration.apply(registry));
    }

    /** The registered meters, which do not keep the store alive. */
    Bound bound() {
        return new Bound(registry, List.copyOf(registered));
    }

    /** Meters in a registry. */
    record Bound(MeterRegistry registry, List<Meter> meters) {
        void remove() {
            meters.forEach(registry::remove);
        }
    }
}
