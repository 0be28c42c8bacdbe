package dev.cairn.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;

import dev.cairn.Cairn;
import dev.cairn.CairnCache;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.StoreClosed;
import dev.cairn.SystemFailure;
import dev.cairn.codec.Codecs;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.binder.cache.CaffeineCacheMetrics;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** Attacks how meters depend on the registry and on the life of the store. */
class BindingTest {
    private static final Options MANUAL = Options.defaults().withStripes(2).withManualCheckpoints();

    @TempDir Path directory;

    private final Scraper scraper = new Scraper();

    private CairnStore open() {
        return Cairn.open(directory.resolve("store.cairn"), MANUAL);
    }

    /** A store that counts the calls of stats(), which fail while the test says so. */
    private CairnStore counting(CairnStore store, AtomicInteger calls, boolean[] fails) {
        return (CairnStore)
                Proxy.newProxyInstance(
                        CairnStore.class.getClassLoader(),
                        new Class<?>[] {CairnStore.class},
                        (_, method, arguments) -> {
                            if (method.getName().equals("stats")) {
                                calls.incrementAndGet();
                                if (fails[0]) {
                                    throw new SystemFailure(directory, "no memory to map", null);
                                }
                            }
                            try {
                                return method.invoke(store, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    @Test
    void aScrapeTakesTheFiguresOnce() {
        AtomicInteger calls = new AtomicInteger();
        try (CairnStore store = open()) {
            CairnStore counted = counting(store, calls, new boolean[1]);
            CairnMetrics.monitor(scraper.registry(), counted, "s");
            calls.set(0);
            for (int scrape = 1; scrape <= 3; scrape++) {
                scraper.scrape();
                assertThat(calls).hasValue(scrape);
            }
            scraper.halfway();
            store.put(Content.key(0), new byte[1]);
            assertThat(scraper.value("cairn.writes")).isZero();
            assertThat(calls).hasValue(3);
            assertThat(scraper.next().value("cairn.writes")).isEqualTo(1);
            assertThat(counted.stripes()).isEqualTo(2); // so that it is alive until here
        }
    }

    @Test
    void whatCannotBeTakenIsNoNumberAndThrowsNothing() {
        boolean[] fails = {false};
        AtomicInteger calls = new AtomicInteger();
        try (CairnStore store = open()) {
            CairnStore failing = counting(store, calls, fails);
            store.put(Content.key(0), new byte[1]);
            CairnMetrics.monitor(scraper.registry(), failing, "s");
            scraper.scrape();
            fails[0] = true;
            calls.set(0);
            scraper.scrape();
            assertThat(calls).hasValue(1);
            assertThat(scraper.value("cache.size")).isNaN();
            assertThat(scraper.value("cairn.writes")).isEqualTo(1);
            fails[0] = false;
            assertThat(scraper.next().value("cache.size")).isEqualTo(1);
            assertThat(failing.stripes()).isEqualTo(2);
        }
    }

    /** If a total became NaN, it would spoil a registry that adds up differences. */
    @Test
    void ofAClosedStoreGaugesAreNaNAndTotalsStay() {
        CairnStore store = open();
        CairnMetrics.monitor(scraper.registry(), store, "s");
        store.put(Content.key(0), new byte[1]);
        store.checkpoint();
        scraper.scrape();
        Map<String, Double> before = shown();
        store.close();
        assertThat(scraper.value("cache.size")).isNaN(); // at once, not half a second later
        scraper.scrape();
        for (Meter meter : scraper.registry().getMeters()) {
            if (meter instanceof FunctionCounter || meter instanceof FunctionTimer) {
                assertThat(Scraper.value(meter)).isEqualTo(before.get(meter.getId().toString()));
            } else {
                assertThat(Scraper.value(meter)).as(meter.getId().toString()).isNaN();
            }
        }
        assertThat(scraper.value("cairn.writes")).isEqualTo(1);
        assertThatThrownBy(() -> CairnMetrics.monitor(scraper.registry(), store, "s"))
                .isInstanceOf(StoreClosed.class);
    }

    private Map<String, Double> shown() {
        return scraper.registry().getMeters().stream()
                .collect(Collectors.toMap(meter -> meter.getId().toString(), Scraper::value));
    }

    @Test
    void aStoreThatIsOpenedAgainTakesThePlaceOfTheClosedOne() {
        for (int life = 1; life <= 3; life++) {
            try (CairnStore store = open()) {
                CairnMetrics.monitor(scraper.registry(), store, "s", "zone", "z");
                store.put(Content.key(life), new byte[1]);
                assertThat(scraper.next().value("cache.size")).isEqualTo(life);
                scraper.scrape();
                assertThat(store.stripes()).isEqualTo(2);
            }
        }
    }

    @Test
    void twoStoresOfOneRegistryAreKeptApart() {
        try (CairnStore one = open();
                CairnStore two = Cairn.open(directory.resolve("two.cairn"), MANUAL)) {
            CairnMetrics.monitor(scraper.registry(), one, "one");
            CairnMetrics.monitor(scraper.registry(), two, "two");
            one.put(Content.key(1), new byte[1]);
            assertThat(scraper.next().value("cairn.writes", "store", "one")).isEqualTo(1);
            assertThat(scraper.value("cairn.writes", "store", "two")).isZero();
            assertThat(two.stripes()).isEqualTo(2);
        }
    }

    @Test
    void closingTheMetricsRemovesTheMetersAndLeavesTheStoreOpen() {
        try (CairnStore store = open()) {
            CairnMetrics metrics = new CairnMetrics(store, "s", Tags.of("zone", "z"));
            SimpleMeterRegistry other = new SimpleMeterRegistry();
            metrics.bindTo(scraper.registry());
            metrics.bindTo(other);
            assertThat(other.getMeters()).hasSameSizeAs(scraper.registry().getMeters());
            metrics.close();
            assertThat(other.getMeters()).isEmpty();
            assertThat(scraper.registry().getMeters()).isEmpty();
            assertThat(store.size()).isZero();
        }
    }

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aRegistryKeepsNoStoreAlive() throws InterruptedException {
        WeakReference<CairnStore> closed = bindAndClose();
        while (closed.get() != null) {
            System.gc();
            Thread.sleep(10);
        }
        scraper.scrape();
        assertThat(scraper.value("cache.size")).isNaN();
        assertThat(scraper.value("cairn.writes")).isEqualTo(1);
    }

    private WeakReference<CairnStore> bindAndClose() {
        try (CairnStore store = open()) {
            CairnMetrics.monitor(scraper.registry(), store, "s");
            store.put(Content.key(0), new byte[1]);
            scraper.scrape();
            return new WeakReference<>(store);
        }
    }

    @Test
    void everyMeterHasADescriptionAndThoseOfCairnAUnit() {
        try (CairnCache<String, String> cache =
                Cairn.cache(Codecs.utf8(), Codecs.utf8())
                        .nearCache(Caffeine.newBuilder().recordStats())
                        .open(directory.resolve("cache.cairn"))) {
            CairnMetrics.monitor(scraper.registry(), cache, "c", "zone", "z");
            for (Meter meter : scraper.registry().getMeters()) {
                Meter.Id id = meter.getId();
                assertThat(id.getDescription()).as(id.toString()).isNotBlank().endsWith(".");
                assertThat(id.getTag("zone")).as(id.toString()).isEqualTo("z");
                if (id.getName().startsWith("cairn.")) {
                    assertThat(id.getBaseUnit()).as(id.toString()).isNotBlank();
                    assertThat(id.getTag("store")).isEqualTo("c");
                } else {
                    assertThat(id.getTag("cache")).isIn("c", "c.near");
                }
            }
        }
    }

    /** Otherwise a monitoring system that has both would refuse one of them. */
    @Test
    void metersOfCachesAreNamedAsMicrometerNamesThem() {
        LoadingCache<String, String> caffeine =
                Caffeine.newBuilder().maximumSize(1).recordStats().build(key -> key);
        SimpleMeterRegistry theirs = new SimpleMeterRegistry();
        CaffeineCacheMetrics.monitor(theirs, caffeine, "c");
        try (CairnCache<String, String> cache =
                Cairn.cache(Codecs.utf8(), Codecs.utf8())
                        .nearCache(Caffeine.newBuilder().recordStats())
                        .open(directory.resolve("cache.cairn"))) {
            CairnMetrics.monitor(scraper.registry(), cache, "c");
            Map<String, String> expected = shapes(theirs);
            assertThat(expected.remove("cache.puts")).isNotNull(); // nobody counts these
            assertThat(shapes(scraper.registry())).isEqualTo(expected);
        }
    }

    private static Map<String, String> shapes(SimpleMeterRegistry registry) {
        Map<String, String> shapes = new TreeMap<>();
        for (Meter meter : registry.getMeters()) {
            Meter.Id id = meter.getId();
            if (id.getName().startsWith("cache.")) {
                String tags =
                        id.getTags().stream().map(Tag::getKey).collect(Collectors.joining(","));
                String shape = id.getType() + " {" + tags + "} " + id.getBaseUnit();
                assertThat(shapes.getOrDefault(id.getName(), shape)).isEqualTo(shape);
                shapes.put(id.getName(), shape);
            }
        }
        return shapes;
    }
}
