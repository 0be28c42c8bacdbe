package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Attacks the count of reads: where reads are counted, each read counts once, and no other call
 * counts.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CountedReadsTest {
    private static final byte[] THERE = {'t'};
    private static final byte[] NOT = {'n'};
    private static final Options ONE_STRIPE = Options.defaults().withStripes(1);
    private static final Options COUNTING = ONE_STRIPE.withMaxBytes(4 << 20).withEviction(true);

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private static void counts(CairnStore store, long hits, long misses, Runnable reads) {
        Stats before = store.stats();
        reads.run();
        Stats after = store.stats();
        assertThat(List.of(after.hits() - before.hits(), after.misses() - before.misses()))
                .as("hits and misses")
                .containsExactly(hits, misses);
    }

    private static void countsBoth(CairnStore store, Consumer<byte[]> read) {
        counts(store, 1, 0, () -> read.accept(THERE));
        counts(store, 0, 1, () -> read.accept(NOT));
    }

    private static void countsNeither(CairnStore store, Consumer<byte[]> call) {
        counts(store, 0, 0, () -> call.accept(THERE));
        counts(store, 0, 0, () -> call.accept(NOT));
    }

    private static void consume(Object result) {
        assertThat(String.valueOf(result)).isNotEmpty();
    }

    @Test
    void readsOfAStore() {
        try (CairnStore store = Cairn.open(file(), COUNTING)) {
            counts(store, 0, 0, () -> store.put(THERE, new byte[3]));
            countsBoth(store, key -> consume(store.get(key)));
            countsBoth(store, key -> consume(store.getVersioned(key)));
            countsBoth(store, key -> consume(store.get(key, MemorySegment.ofArray(new byte[9]))));
            countsBoth(store, key -> consume(store.read(key, MemorySegment::byteSize)));
            countsBoth(store, key -> consume(store.read(key, _ -> null)));
            counts(store, 2, 1, () -> consume(store.getAll(List.of(THERE, NOT, THERE))));

            countsNeither(store, key -> consume(store.containsKey(key)));
            countsNeither(store, key -> consume(store.version(key)));
            countsNeither(store, key -> consume(store.timeLeft(key)));
            counts(store, 0, 0, () -> store.forEach((_, _) -> {}));
            countsNeither(store, key -> consume(store.remove(key)));
        }
    }

    private void readsOfAMap(MapBuilder<String, String> builder) {
        try (CairnMap<String, String> map = builder.options(COUNTING).open(file())) {
            CairnStore store = map.store();
            counts(store, 0, 0, () -> map.set("t", "value"));
            counts(store, 2, 0, () -> consume(map.get("t") + map.get("t")));
            counts(store, 0, 2, () -> consume(map.get("n") + map.get("n")));
            counts(store, 1, 1, () -> consume(map.getOrDefault("t", "") + map.get("x")));
            counts(store, 1, 0, () -> consume(map.get("t", _ -> "loaded")));
            counts(store, 0, 1, () -> consume(map.get("loaded", _ -> "loaded")));
            counts(store, 2, 1, () -> consume(map.getAll(List.of("t", "n", "loaded"))));

            counts(store, 0, 0, () -> consume(map.containsKey("t") + " " + map.containsKey("n")));
            counts(store, 0, 0, () -> consume(map.putIfAbsent("t", "other")));
            counts(store, 0, 0, () -> consume(map.merge("t", "b", String::concat)));
            counts(store, 0, 0, () -> consume(map.put("t", "c") + map.replace("t", "d")));
            counts(store, 0, 0, () -> consume(map.entrySet().toString() + map.remove("t")));
        }
    }

    @Test
    void readsOfAMapWithoutANearCache() {
        readsOfAMap(Cairn.map(Codecs.utf8(), Codecs.utf8()));
    }

    @Test
    void readsOfAMapWithANearCache() {
        readsOfAMap(
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .nearCache(Caffeine.newBuilder().maximumSize(100))
                        .cacheAbsence());
    }

    @Test
    void readsOfAMapThatBearsStaleness() {
        readsOfAMap(
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .nearCache(Caffeine.newBuilder().maximumSize(100))
                        .boundedStaleness(Duration.ofHours(1)));
    }

    @Test
    void readsAreNotCountedUnlessSomebodyGoesByThem() {
        try (CairnMap<String, String> map =
                Cairn.map(Codecs.utf8(), Codecs.utf8()).options(ONE_STRIPE).open(file())) {
            CairnStore store = map.store();
            store.put(THERE, new byte[3]);
            countsNeither(store, key -> consume(store.get(key)));
            countsNeither(store, key -> consume(store.getAll(List.of(key))));
            counts(store, 0, 0, () -> consume(map.get("t")));
            assertThat(store.stats().toString()).doesNotContain("caches");
        }
    }

    private static CacheBuilder<String, String> cache(boolean nearCache) {
        CacheBuilder<String, String> builder =
                Cairn.cache(Codecs.utf8(), Codecs.utf8()).options(ONE_STRIPE);
        return nearCache ? builder.nearCache(Caffeine.newBuilder().maximumSize(100)) : builder;
    }

    /** A read of a cache must never count twice, whether or not the store's reads are counted. */
    @Test
    void readsOfACache() {
        for (boolean nearCache : List.of(false, true)) {
            for (Options options : List.of(ONE_STRIPE, COUNTING)) {
                Path file = directory.resolve("cache-" + nearCache + options.eviction());
                try (CairnCache<String, String> cache =
                        cache(nearCache).options(options).open(file)) {
                    readsOf(cache);
                }
            }
        }
    }

    private static void readsOf(CairnCache<String, String> cache) {
        CairnStore store = cache.store();
        counts(store, 0, 0, () -> cache.put("t", "value"));
        counts(store, 0, 0, () -> cache.putAll(Map.of("u", "value")));
        counts(store, 2, 0, () -> consume(cache.getIfPresent("t") + cache.getIfPresent("t")));
        counts(store, 0, 2, () -> consume(cache.getIfPresent("n") + cache.getIfPresent("n")));
        counts(store, 1, 0, () -> consume(cache.get("t", _ -> "loaded")));
        counts(store, 0, 1, () -> consume(cache.get("loaded", _ -> "loaded")));
        counts(store, 0, 1, () -> consume(cache.get("nothing", _ -> null)));
        counts(store, 3, 1, () -> consume(cache.getAllPresent(List.of("t", "u", "n", "loaded"))));
        counts(store, 1, 2, () -> consume(cache.getAll(List.of("t", "v", "w"), _ -> Map.of())));
        counts(store, 0, 0, () -> cache.invalidate("t"));
        assertThat(cache.stats().loads()).isEqualTo(3);
        assertThat(cache.stats().loadFailures()).isZero();
        assertThat(cache.stats().loadNanos()).isPositive();
        assertThat(cache.stats().hitRatio()).isEqualTo(7 / 14.0);
        assertThat(cache.stats().toString()).startsWith("7 hits, 7 misses; 3 loads in ");
        assertThat(store.stats().toString()).contains("; caches: 7 hits, 7 misses, 3 loads in ");
    }

    @Test
    void countsOutliveTheProcessesThatCounted() {
        try (CairnCache<String, String> cache = cache(false).open(file())) {
            cache.put("a", "value");
            consume(cache.getIfPresent("a") + cache.getIfPresent("b"));
        }
        try (CairnCache<String, String> cache = cache(false).open(file());
                CairnCache<String, String> other = cache(true).open(file())) {
            consume(other.getIfPresent("a"));
            assertThat(cache.stats().hits()).isEqualTo(2);
            assertThat(cache.stats().misses()).isEqualTo(1);
        }
    }

    @Test
    void whoOnlyReadsCountsNothingAndSeesWhatOthersCount() {
        CacheBuilder<String, String> view = cache(false).options(ONE_STRIPE.withReadOnly(true));
        try (CairnCache<String, String> cache = cache(false).open(file())) {
            cache.put("a", "value");
            consume(cache.getIfPresent("a"));
        }
        try (CairnCache<String, String> alone = view.open(file())) {
            consume(alone.getIfPresent("a") + alone.getIfPresent("b"));
            assertThatThrownBy(() -> alone.get("b", _ -> "x"))
                    .isInstanceOf(UnsupportedOperationException.class);
            assertThat(alone.stats().misses()).isZero();
            assertThat(alone.stats().hitRatio()).isEqualTo(1);
        }
        try (CairnCache<String, String> cache = cache(false).open(file())) {
            assertThat(cache.stats().hits()).isEqualTo(1);
            assertThat(cache.stats().misses()).isZero();
        }
    }
}
