package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Attacks the times to live: each write may name one, or say that the entry has none even if others
 * do.
 */
class TimesToLiveTest {
    private static final byte[] KEY = {1};
    private static final byte[] VALUE = {2};
    private static final Duration HOUR = Duration.ofHours(1);
    private static final Duration DAY = Duration.ofDays(1);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private CairnMap<String, Integer> map;
    private CairnStore store;

    @BeforeEach
    void open() {
        map =
                Cairn.map(Codecs.utf8(), Codecs.int32())
                        .options(Options.defaults().withDefaultTimeToLive(DAY))
                        .open(directory.resolve("store.cairn"));
        store = map.store();
    }

    @AfterEach
    void close() {
        map.close();
    }

    private void left(Duration atMost) {
        assertThat(store.timeLeft(KEY).orElseThrow())
                .isLessThan(atMost.plusSeconds(2)) // how far the two clocks may differ
                .isGreaterThan(atMost.minusMinutes(30));
    }

    @Test
    void writesToAStore() {
        assertThat(store.timeLeft(KEY)).isEmpty();
        store.put(KEY, VALUE);
        left(DAY);
        store.put(KEY, VALUE, HOUR);
        left(HOUR);
        long version = store.put(KEY, VALUE, CairnStore.FOREVER);
        assertThat(store.timeLeft(KEY)).isEmpty();
        assertThat(store.getVersioned(KEY).expires()).isNull();
        version = store.replace(KEY, version, VALUE);
        left(DAY);
        version = store.replace(KEY, version, VALUE, HOUR);
        left(HOUR);
        version = store.replace(KEY, version, VALUE, CairnStore.FOREVER);
        assertThat(version).isPositive();
        assertThat(store.timeLeft(KEY)).isEmpty();
        store.remove(KEY);
        store.putIfAbsent(KEY, VALUE);
        left(DAY);
        store.remove(KEY);
        store.putIfAbsent(KEY, VALUE, HOUR);
        left(HOUR);
        store.putAll(List.of(Map.entry(KEY, VALUE)));
        left(DAY);
        store.putAll(List.of(Map.entry(KEY, VALUE)), HOUR);
        left(HOUR);
    }

    @Test
    void longerThanCanBeCountedIsForever() {
        store.put(KEY, VALUE, Duration.ofSeconds(Long.MAX_VALUE));
        assertThat(store.timeLeft(KEY)).isEmpty();
        store.put(KEY, VALUE, Duration.ofMillis(Long.MAX_VALUE));
        assertThat(store.timeLeft(KEY)).isEmpty();
        store.put(KEY, VALUE, Duration.ofDays(100 * 365));
        left(Duration.ofDays(100 * 365));
    }

    private void mapLeft(Duration atMost) {
        assertThat(map.timeLeft("k").orElseThrow())
                .isLessThan(atMost.plusSeconds(2)) // how far the two clocks may differ
                .isGreaterThan(atMost.minusMinutes(30));
    }

    @Test
    void writesToAMap() {
        List<Runnable> byDefault =
                List.of(
                        () -> map.set("k", 1),
                        () -> map.put("k", 1),
                        () -> map.replace("k", 1),
                        () -> map.replace("k", 1, 1),
                        () -> map.compute("k", (_, _) -> 1),
                        () -> map.computeIfPresent("k", (_, _) -> 1),
                        () -> map.merge("k", 1, (_, _) -> 1),
                        () -> map.replaceAll((_, _) -> 1),
                        () -> map.putAll(Map.of("k", 1)),
                        () -> {
                            map.remove("k");
                            map.putIfAbsent("k", 1);
                        },
                        () -> {
                            map.remove("k");
                            assertThat(map.get("k", _ -> 1)).isEqualTo(1);
                        });
        for (Runnable write : byDefault) {
            map.set("k", 1, HOUR);
            mapLeft(HOUR);
            write.run();
            mapLeft(DAY);
        }
        List<Runnable> named = new ArrayList<>();
        named.add(() -> map.set("k", 1, HOUR));
        named.add(() -> map.compute("k", HOUR, (_, _) -> 1));
        named.add(() -> map.computeIfPresent("k", HOUR, (_, _) -> 1));
        named.add(() -> map.merge("k", 1, HOUR, (_, _) -> 1));
        named.add(() -> map.putAll(Map.of("k", 1), HOUR));
        named.add(() -> {
            map.remove("k");
            map.putIfAbsent("k", 1, HOUR);
        });
        named.add(() -> {
            map.remove("k");
            assertThat(map.get("k", HOUR, _ -> 1)).isEqualTo(1);
        });
        for (Runnable write : named) {
            map.set("k", 1);
            mapLeft(DAY);
            write.run();
            mapLeft(HOUR);
        }
        map.set("k", 1, CairnStore.FOREVER);
        assertThat(map.timeLeft("k")).isEmpty();
        assertThat(map.timeLeft("absent")).isEmpty();
    }

    @Test
    void oneThatIsNotPositiveIsRefusedBeforeAnythingRuns() {
        List<Runnable> calls =
                List.of(
                        () -> store.putIfAbsent(KEY, VALUE, Duration.ZERO),
                        () -> store.replace(KEY, 1, VALUE, Duration.ZERO),
                        () -> store.putAll(List.of(), Duration.ZERO),
                        () -> map.putIfAbsent("k", 1, Duration.ZERO),
                        () -> map.putAll(Map.of(), Duration.ZERO),
                        () -> map.get("k", Duration.ZERO, _ -> fail()),
                        () -> map.compute("k", Duration.ZERO, (_, _) -> fail()),
                        () -> map.computeIfPresent("k", Duration.ZERO, (_, _) -> fail()),
                        () -> map.merge("k", 1, Duration.ZERO, (_, _) -> fail()));
        for (Runnable call : calls) {
            assertThatThrownBy(call::run).isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(map).isEmpty();
    }

    private static int fail() {
        throw new AssertionError("must not run");
    }
}
