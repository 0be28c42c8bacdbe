package dev.cairn.map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.MapBuilder;
import dev.cairn.StoreClosed;
import dev.cairn.UndecodableEntry;
import dev.cairn.codec.Codecs;
import dev.cairn.codec.MalformedBytes;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.ConcurrentModificationException;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Attacks what a map promises beyond the contract of {@link java.util.concurrent.ConcurrentMap}.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CairnMapTest {
    private static final int THREADS = 4;

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("map.cairn");
    }

    private static MapBuilder<String, Long> longs(boolean nearCache) {
        return nearCache ? Maps.cached() : Maps.longs();
    }

    @Test
    void entriesOutliveTheMap() {
        try (CairnMap<String, Long> map = Maps.longs().open(file())) {
            map.put("a", 1L);
        }
        try (CairnMap<String, Long> map = Maps.cached().open(file())) {
            assertThat(map).containsExactly(Map.entry("a", 1L));
        }
    }

    @Test
    void anotherMapsWriteIsSeenThroughTheNearCache() {
        try (CairnMap<String, Long> reader = Maps.cached().open(file());
                CairnMap<String, Long> writer = Maps.longs().open(file())) {
            writer.put("a", 1L);
            assertThat(reader.get("a")).isEqualTo(1);
            assertThat(reader.get("a")).isEqualTo(1);
            writer.put("a", 2L);
            assertThat(reader.get("a")).isEqualTo(2);
            writer.remove("a");
            assertThat(reader.get("a")).isNull();
            assertThat(reader.containsKey("a")).isFalse();
            assertThat(reader.nearCacheStats().confirmed()).isEqualTo(1);
            assertThat(reader.nearCacheStats().stale()).isEqualTo(2);
        }
    }

    @Test
    void theSameObjectIsHandedOutUntilTheEntryChanges() {
        try (CairnMap<String, String> map =
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .options(Maps.SMALL)
                        .nearCache(Caffeine.newBuilder().maximumSize(10))
                        .open(file())) {
            map.put("a", "one");
            String first = map.get("a");
            assertThat(map.get("a")).isSameAs(first);
            map.put("a", "one");
            assertThat(map.get("a")).isEqualTo("one").isNotSameAs(first);
        }
    }

    @Test
    void rememberedAbsenceEndsWithTheFirstWrite() {
        try (CairnMap<String, Long> reader = Maps.cached().cacheAbsence().open(file());
                CairnMap<String, Long> writer = Maps.longs().open(file())) {
            assertThat(reader.get("a")).isNull();
            assertThat(reader.get("a")).isNull();
            assertThat(reader.nearCacheStats().confirmed()).isEqualTo(1);
            writer.put("a", 1L);
            assertThat(reader.get("a")).isEqualTo(1);
        }
    }

    @Test
    void whatHasExpiredIsAbsentThoughCached() throws InterruptedException {
        try (CairnMap<String, Long> map = Maps.cached().open(file())) {
            map.set("a", 1L, Duration.ofMillis(200));
            Long seen = map.get("a");
            assertThat(seen == null || seen == 1).isTrue();
            Maps.awaitExpiry(map, "a");
            assertThat(map.get("a")).isNull();
            assertThat(map).doesNotContainKey("a").isEmpty();
            assertThat(map.putIfAbsent("a", 2L)).isNull();
            assertThat(map.put("a", 3L)).isEqualTo(2);
        }
    }

    @Test
    void arraysAreComparedByTheirContent() {
        try (CairnMap<byte[], byte[]> map =
                Cairn.map(Codecs.bytes(), Codecs.bytes())
                        .options(Maps.SMALL)
                        .nearCache(Caffeine.newBuilder().maximumSize(10))
                        .open(file())) {
            byte[] key = {1};
            map.put(key, new byte[] {2});
            assertThat(map.get(new byte[] {1})).containsExactly(2);
            key[0] = 9;
            assertThat(map.get(new byte[] {1})).containsExactly(2);
            assertThat(map.get(key)).isNull();
            assertThat(map.replace(new byte[] {1}, new byte[] {2}, new byte[] {3})).isTrue();
            assertThat(map.containsValue(new byte[] {3})).isTrue();
            assertThat(map.remove(new byte[] {1}, new byte[] {2})).isFalse();
            assertThat(map.remove(new byte[] {1}, new byte[] {3})).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void countersLoseNoIncrement(boolean nearCache) throws Exception {
        int increments = 2000;
        try (CairnMap<String, Long> map = longs(nearCache).open(file())) {
            together(_ -> {
                for (int i = 0; i < increments; i++) {
                    map.merge("key" + i % 3, 1L, Long::sum);
                }
                return null;
            });
            assertThat(map.values().stream().mapToLong(Long::longValue).sum())
                    .isEqualTo((long) THREADS * increments);
        }
    }

    @Test
    void oneThreadLoadsWhatManyAskFor() throws Exception {
        AtomicInteger loads = new AtomicInteger();
        try (CairnMap<String, Long> map = Maps.cached().open(file())) {
            for (int round = 0; round < 50; round++) {
                String key = "key" + round;
                List<Long> values =
                        together(_ ->
                                map.get(
                                        key,
                                        _ -> {
                                            Thread.onSpinWait();
                                            return (long) loads.incrementAndGet();
                                        }));
                assertThat(values).containsOnly((long) round + 1);
            }
            assertThat(loads).hasValue(50);
        }
    }

    @Test
    void whatALoaderThrowsIsItsCallersAlone() {
        try (CairnMap<String, Long> map = Maps.cached().open(file())) {
            assertThatThrownBy(() ->
                            map.get(
                                    "a",
                                    _ -> {
                                        throw new ConcurrentModificationException("mine");
                                    }))
                    .isInstanceOf(ConcurrentModificationException.class);
            assertThat(map.get("a", _ -> null)).isNull();
            assertThat(map).isEmpty();
            assertThat(map.get("a", _ -> 1L)).isEqualTo(1);
        }
    }

    @Test
    void aLoaderThatAsksForItsOwnKeyIsRefused() {
        try (CairnMap<String, Long> map = Maps.cached().open(file())) {
            assertThatThrownBy(() -> map.get("a", key -> map.get(key, _ -> 1L)))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(map.get("a", _ -> map.get("b", _ -> 2L))).isEqualTo(2);
        }
    }

    @Test
    void moreLoadsThanThereAreClaimsStillLoad() throws Exception {
        int loads = 3000;
        CountDownLatch all = new CountDownLatch(loads);
        try (CairnMap<String, Long> map = Maps.longs().open(file());
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Long>> loaded = new ArrayList<>();
            for (int i = 0; i < loads; i++) {
                long value = i;
                loaded.add(
                        threads.submit(() ->
                                map.get(
                                        "key" + value,
                                        _ -> {
                                            all.countDown();
                                            awaitUnchecked(all);
                                            return value;
                                        })));
            }
            for (int i = 0; i < loads; i++) {
                assertThat(loaded.get(i).get()).isEqualTo(i);
            }
        }
    }

    private static void awaitUnchecked(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void bytesOfAnotherCodecAreToldByFileAndKey() {
        try (CairnMap<String, String> texts =
                        Cairn.map(Codecs.utf8(), Codecs.utf8()).options(Maps.SMALL).open(file());
                CairnMap<String, Long> longs = Maps.cached().open(file())) {
            texts.put("a", "text");
            assertThatThrownBy(() -> longs.get("a"))
                    .isInstanceOfSatisfying(
                            UndecodableEntry.class,
                            e -> {
                                assertThat(e.path().getFileName()).hasToString("map.cairn");
                                assertThat(e).hasCauseInstanceOf(MalformedBytes.class);
                            })
                    .hasMessageContaining("map.cairn")
                    .hasMessageContaining("61");
            assertThatThrownBy(() -> longs.values().forEach(_ -> {}))
                    .isInstanceOf(UndecodableEntry.class);
            assertThat(longs.keySet()).containsExactly("a");
        }
    }

    @Test
    void viewsWriteThrough() {
        try (CairnMap<String, Long> map = Maps.cached().open(file())) {
            Map<String, Long> expected = new HashMap<>();
            for (long i = 0; i < 500; i++) {
                map.put("key" + i, i);
                expected.put("key" + i, i);
            }
            assertThat(map).isEqualTo(expected).hasSameHashCodeAs(expected);
            map.values().removeIf(value -> value % 2 == 0);
            expected.values().removeIf(value -> value % 2 == 0);
            assertThat(map).isEqualTo(expected);
            map.keySet().removeIf(key -> key.endsWith("1"));
            expected.keySet().removeIf(key -> key.endsWith("1"));
            map.entrySet().removeIf(entry -> entry.getValue() > 400);
            expected.entrySet().removeIf(entry -> entry.getValue() > 400);
            map.entrySet().forEach(entry -> entry.setValue(-entry.getValue()));
            expected.replaceAll((_, value) -> -value);
            assertThat(map).isEqualTo(expected);
            map.replaceAll((_, value) -> -value);
            expected.replaceAll((_, value) -> -value);
            assertThat(map).isEqualTo(expected);
            Iterator<String> keys = map.keySet().iterator();
            String first = keys.next();
            keys.remove();
            assertThat(map).doesNotContainKey(first);
            assertThatThrownBy(keys::remove).isInstanceOf(IllegalStateException.class);
            map.clear();
            assertThat(map).isEmpty();
        }
    }

    @Test
    void stripesTogetherShowEverythingOnce() {
        try (CairnMap<String, Long> map = Maps.cached().open(file())) {
            Map<String, Long> seen = new HashMap<>();
            for (long i = 0; i < 100; i++) {
                map.set("key" + i, i);
            }
            for (int stripe = 0; stripe < 2; stripe++) {
                int each = stripe;
                map.forEachIn(
                        stripe,
                        (key, value) -> {
                            assertThat(seen.put(key, value)).isNull();
                            assertThat(map.stripeOf(key)).isEqualTo(each);
                        });
            }
            assertThat(seen).isEqualTo(map);
            assertThatThrownBy(() -> map.forEachIn(2, (_, _) -> {}))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aClosedMapSaysSo() {
        CairnMap<String, Long> map = Maps.cached().open(file());
        map.put("a", 1L);
        assertThat(map.get("a")).isEqualTo(1);
        map.close();
        assertThatThrownBy(() -> map.get("a")).isInstanceOf(StoreClosed.class);
        assertThatThrownBy(() -> map.put("a", 1L)).isInstanceOf(StoreClosed.class);
        assertThatThrownBy(() -> map.get("b", _ -> 1L)).isInstanceOf(StoreClosed.class);
        assertThatThrownBy(map::isEmpty).isInstanceOf(StoreClosed.class);
        map.close();
    }

    @Test
    void aReadOnlyMapReadsAndRefusesTheRest() {
        try (CairnMap<String, Long> map = Maps.longs().open(file())) {
            map.put("a", 1L);
        }
        try (CairnMap<String, Long> map =
                Maps.cached().options(Maps.SMALL.withReadOnly(true)).open(file())) {
            assertThat(map.get("a")).isEqualTo(1);
            assertThat(map.get("a")).isEqualTo(1);
            assertThat(map.get("a", _ -> 2L)).isEqualTo(1);
            AtomicInteger loads = new AtomicInteger();
            assertThatThrownBy(() -> map.get("b", _ -> (long) loads.incrementAndGet()))
                    .isInstanceOf(UnsupportedOperationException.class);
            assertThat(loads).hasValue(0);
            assertThatThrownBy(() -> map.put("a", 2L))
                    .isInstanceOf(UnsupportedOperationException.class);
        }
    }

    @Test
    void aBuilderThatIsRefusedLeavesNoFile() {
        assertThatThrownBy(() -> Maps.longs().cacheAbsence().open(file()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("nearCache");
        assertThatThrownBy(() ->
                        Maps.longs()
                                .nearCache(
                                        Caffeine.newBuilder()
                                                .refreshAfterWrite(Duration.ofSeconds(1)))
                                .open(file()))
                .isInstanceOf(IllegalStateException.class);
        assertThat(file()).doesNotExist();
    }

    private static <T> List<T> together(java.util.function.Function<Integer, T> work)
            throws Exception {
        CountDownLatch ready = new CountDownLatch(THREADS);
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            List<Callable<T>> tasks = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int number = i;
                tasks.add(() -> {
                    ready.countDown();
                    ready.await();
                    return work.apply(number);
                });
            }
            List<T> results = new ArrayList<>();
            for (Future<T> done : threads.invokeAll(tasks)) {
                results.add(done.get());
            }
            return results;
        }
    }
}
