package dev.cairn.map;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.MapBuilder;
import dev.cairn.NearCacheStats;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.codec.Codecs;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Attacks near caches with random sequences of all operations on two maps over one store, one with
 * a near cache and one without, and on the store itself behind their backs. Each result must be
 * that of a map of the JDK. The canary is a near cache that confirms nothing.
 */
class NearCacheModelTest {
    private static final int KEYS = 24;
    private static final int MANY = 150;
    private static final Options OPTIONS = Options.defaults().withStripes(1);
    private static final Duration LONG = Duration.ofDays(500);
    private static final Duration SHORT = Duration.ofMillis(1);

    /** What every run must have met, or else it shows nothing. */
    private static final AtomicLong TRIES = new AtomicLong();

    private static final AtomicLong CONFIRMED = new AtomicLong();

    private static final AtomicLong REFRESHED = new AtomicLong();
    private static final AtomicLong STALE = new AtomicLong();

    enum Kind {
        GET,
        GET_OR_DEFAULT,
        CONTAINS,
        PUT,
        SET,
        SET_FOR_LONG,
        SET_EXPIRED,
        PUT_IF_ABSENT,
        REPLACE,
        REPLACE_EXPECTED,
        REMOVE,
        REMOVE_EXPECTED,
        COMPUTE,
        COMPUTE_TO_NOTHING,
        COMPUTE_IF_ABSENT,
        COMPUTE_IF_PRESENT,
        LOAD_NOTHING,
        MERGE,
        MERGE_TO_NOTHING,
        REPLACE_ALL,
        PUT_ALL,
        REMOVE_SOME_KEYS,
        REMOVE_SOME_VALUES,
        SET_THROUGH_ENTRIES,
        CLEAR,
        RAW_PUT,
        RAW_REMOVE,
        CHECKPOINT,
        COMPACT,
        PUT_MANY,
        REMOVE_MANY,
        OVERWRITE_ONE
    }

    /** These come more often than the others, so that there is something to remove. */
    private static final Kind[] ADDING = {
        Kind.PUT,
        Kind.SET,
        Kind.SET_FOR_LONG,
        Kind.COMPUTE,
        Kind.MERGE,
        Kind.RAW_PUT,
        Kind.OVERWRITE_ONE
    };

    /**
     * @param which which of the two maps
     * @param right whether what is expected is there
     */
    record Step(Kind kind, int key, int size, int which, boolean right) {}

    @Property(tries = 80, shrinking = ShrinkingMode.BOUNDED)
    void bothMapsEqualTheirModel(@ForAll("steps") List<Step> steps) throws IOException {
        run(steps, false);
    }

    @BeforeProperty
    void nothingMet() {
        TRIES.set(0);
        CONFIRMED.set(0);
        REFRESHED.set(0);
        STALE.set(0);
    }

    @AfterProperty
    void everythingWasMet() {
        if (TRIES.get() > 0) {
            System.out.printf(
                    "NearCacheModelTest: %d confirmed, %d refreshed, %d stale in %d sequences%n",
                    CONFIRMED.get(), REFRESHED.get(), STALE.get(), TRIES.get());
            assertThat(List.of(CONFIRMED.get(), REFRESHED.get(), STALE.get()))
                    .allMatch(times -> times > 100);
        }
    }

    /** The canary: a near cache that confirms nothing must be noticed within a few sequences. */
    @Example
    void canaryUnconfirmedReadsAreNoticed() throws IOException {
        var generator = steps().generator(1000);
        Random random = new Random(1);
        for (int i = 0; i < 20; i++) {
            try {
                run(generator.next(random).value(), true);
            } catch (AssertionError _) {
                return;
            }
        }
        throw new AssertionError("not noticed");
    }

    private static void run(List<Step> steps, boolean unconfirmed) throws IOException {
        Path directory = Files.createTempDirectory("cairn-near");
        Path file = directory.resolve("store.cairn");
        try (SmallScale _ = new SmallScale();
                CairnMap<String, String> cached = cached(unconfirmed).open(file);
                CairnMap<String, String> plain = builder().open(file)) {
            Sequence sequence = new Sequence(cached, plain);
            steps.forEach(sequence::run);
            sequence.compareAll();
            if (unconfirmed) {
                return;
            }
            NearCacheStats stats = cached.nearCacheStats();
            TRIES.incrementAndGet();
            CONFIRMED.addAndGet(stats.confirmed());
            REFRESHED.addAndGet(stats.refreshed());
            STALE.addAndGet(stats.stale());
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path each : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
    }

    private static MapBuilder<String, String> builder() {
        return Cairn.map(Codecs.utf8(), Codecs.utf8()).options(OPTIONS);
    }

    private static MapBuilder<String, String> cached(boolean unconfirmed) {
        MapBuilder<String, String> cached =
                builder()
                        .nearCache(Caffeine.newBuilder().maximumSize(1_000).recordStats())
                        .cacheAbsence();
        return unconfirmed ? cached.boundedStaleness(Duration.ofHours(1)) : cached;
    }

    @Provide
    Arbitrary<List<Step>> steps() {
        Arbitrary<Kind> kinds =
                Arbitraries.frequencyOf(
                        Tuple.of(2, Arbitraries.of(Kind.values())),
                        Tuple.of(3, Arbitraries.of(ADDING)));
        Arbitrary<Integer> keys =
                Arbitraries.integers()
                        .between(0, KEYS - 1)
                        .withDistribution(RandomDistribution.uniform());
        Arbitrary<Integer> sizes =
                Arbitraries.frequencyOf(
                        Tuple.of(2, Arbitraries.just(0)),
                        Tuple.of(8, Arbitraries.integers().between(1, 100)),
                        Tuple.of(6, Arbitraries.integers().between(100, 1_500)),
                        Tuple.of(2, Arbitraries.integers().between(3_900, 20_000)));
        return Combinators.combine(
                        kinds, keys, sizes, Arbitraries.of(0, 1), Arbitraries.of(true, false))
                .as(Step::new)
                .list()
                .ofMinSize(1)
                .ofMaxSize(150)
                .withSizeDistribution(RandomDistribution.uniform());
    }

    /** What one try does. */
    private static final class Sequence {
        private final List<CairnMap<String, String>> maps;
        private final CairnStore store;
        private final ConcurrentMap<String, String> model;
        private long sequence;

        private Sequence(CairnMap<String, String> cached, CairnMap<String, String> plain) {
            this.maps = List.of(cached, plain);
            this.store = plain.store();
            this.model = new ConcurrentHashMap<>();
        }

        private String value(int size) {
            return "%d/%s".formatted(++sequence, "v".repeat(size));
        }

        private static String key(int number) {
            return "key" + number + (number % 8 == 7 ? "x".repeat(1_200) : "");
        }

        private static byte[] bytes(String text) {
            return text.getBytes(UTF_8);
        }

        private void run(Step step) {
            CairnMap<String, String> map = maps.get(step.which);
            String key = key(step.key);
            String expected = step.right && model.containsKey(key) ? model.get(key) : "another";
            if (!isOfTheModel(step.kind)) {
                aside(step, map, key);
            } else {
                String value = value(step.size);
                assertThat(apply(step.kind, map, key, value, expected))
                        .as("%s %s", step.kind, key)
                        .isEqualTo(apply(step.kind, model, key, value, expected));
            }
            for (int i = 0; i < KEYS; i += 1 + step.key % 3) {
                compare(key(i));
            }
        }

        private static boolean isOfTheModel(Kind kind) {
            return kind.compareTo(Kind.CLEAR) <= 0
                    && kind != Kind.SET
                    && kind != Kind.SET_FOR_LONG
                    && kind != Kind.SET_EXPIRED;
        }

        /** What a map of the JDK does as well. */
        private static Object apply(
                Kind kind,
                ConcurrentMap<String, String> map,
                String key,
                String value,
                String expected) {
            return switch (kind) {
                case GET -> map.get(key);
                case GET_OR_DEFAULT -> map.getOrDefault(key, "none");
                case CONTAINS -> map.containsKey(key);
                case PUT -> map.put(key, value);
                case PUT_IF_ABSENT -> map.putIfAbsent(key, value);
                case REPLACE -> map.replace(key, value);
                case REPLACE_EXPECTED -> map.replace(key, expected, value);
                case REMOVE -> map.remove(key);
                case REMOVE_EXPECTED -> map.remove(key, expected);
                case COMPUTE ->
                        map.compute(key, (_, before) -> value + (before == null ? "" : "+"));
                case COMPUTE_TO_NOTHING -> map.compute(key, (_, _) -> null);
                case COMPUTE_IF_ABSENT -> map.computeIfAbsent(key, _ -> value);
                case COMPUTE_IF_PRESENT -> map.computeIfPresent(key, (_, _) -> value);
                case LOAD_NOTHING -> map.computeIfAbsent(key, _ -> null);
                case MERGE -> map.merge(key, value, (before, given) -> given + before.length());
                case MERGE_TO_NOTHING -> map.merge(key, value, (_, _) -> null);
                case REPLACE_ALL -> {
                    map.replaceAll((name, before) -> before.length() % 3 == 0 ? name : before);
                    yield "all";
                }
                case PUT_ALL -> {
                    map.putAll(Map.of(key, value, "many1", value + "1", "many2", value));
                    yield "all";
                }
                case REMOVE_SOME_KEYS ->
                        map.keySet().removeIf(name -> name.length() % 5 == value.length() % 5);
                case REMOVE_SOME_VALUES ->
                        map.values().removeIf(each -> each.length() % 7 == value.length() % 7);
                case SET_THROUGH_ENTRIES -> {
                    map.entrySet().forEach(entry -> entry.setValue(entry.getKey() + "!"));
                    yield "all";
                }
                case CLEAR -> {
                    map.clear();
                    yield map.isEmpty();
                }
                default -> throw new IllegalArgumentException(kind.name());
            };
        }

        /** What only these maps or their store do. */
        private void aside(Step step, CairnMap<String, String> map, String key) {
            String value = value(step.size);
            switch (step.kind) {
                case SET -> set(map.set(key, value), key, value);
                case SET_FOR_LONG -> set(map.set(key, value, LONG), key, value);
                case SET_EXPIRED -> {
                    set(map.set(key, value, SHORT), key, value);
                    awaitExpiry(map, key);
                    model.remove(key);
                }
                case RAW_PUT -> set(store.put(bytes(key), bytes(value)), key, value);
                case RAW_REMOVE ->
                        assertThat(store.remove(bytes(key)) != 0)
                                .isEqualTo(model.remove(key) != null);
                case CHECKPOINT -> map.checkpoint();
                case COMPACT -> store.compact();
                case PUT_MANY -> {
                    for (int i = 0; i < MANY; i++) {
                        set(map.set("many" + i, value), "many" + i, value);
                    }
                }
                case REMOVE_MANY -> {
                    for (int i = 0; i < MANY; i++) {
                        assertThat(map.remove("many" + i)).isEqualTo(model.remove("many" + i));
                    }
                }
                case OVERWRITE_ONE -> {
                    for (int i = 0; i < MANY; i++) {
                        set(map.set(key, value + i), key, value + i);
                    }
                }
                default -> throw new IllegalArgumentException(step.kind.name());
            }
        }

        private void set(long version, String key, String value) {
            assertThat(version).isPositive();
            assertThat(maps.getFirst().version(key)).isIn(version, 0L);
            model.put(key, value);
        }

        private static void awaitExpiry(CairnMap<String, String> map, String key) {
            while (map.version(key) != 0) {
                Thread.onSpinWait();
            }
        }

        private void compare(String key) {
            String expected = model.get(key);
            for (CairnMap<String, String> map : maps) {
                assertThat(map.get(key)).as(key).isEqualTo(expected);
                assertThat(map.containsKey(key)).as(key).isEqualTo(expected != null);
                assertThat(map.version(key) != 0).as(key).isEqualTo(expected != null);
            }
        }

        private void compareAll() {
            for (CairnMap<String, String> map : maps) {
                Map<String, String> shown = new HashMap<>();
                map.forEach((key, value) -> assertThat(shown.put(key, value)).isNull());
                assertThat(shown).isEqualTo(model);
                assertThat(new ArrayList<>(map.keySet())).hasSameElementsAs(model.keySet());
                assertThat(map.hashCode()).isEqualTo(model.hashCode());
                assertThat(map.isEmpty()).isEqualTo(model.isEmpty());
                assertThat(map.size()).isGreaterThanOrEqualTo(model.size());
                assertThat(map.containsValue("another")).isFalse();
                model.keySet().forEach(this::compare);
            }
            assertThat(store.verify().damages()).isEmpty();
        }
    }
}
