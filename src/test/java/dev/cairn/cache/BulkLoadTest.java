package dev.cairn.cache;

import static dev.cairn.cache.Caches.MINUTE;
import static dev.cairn.cache.Caches.none;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnCache;
import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Attacks bulk loads: one call of a loader must load many keys, and one thread at a time must load
 * each key.
 */
@ParameterizedClass(name = "near cache: {0}")
@ValueSource(booleans = {false, true})
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BulkLoadTest {
    @Parameter boolean nearCache;

    @TempDir Path directory;

    private final ConcurrentLinkedQueue<Set<String>> asked = new ConcurrentLinkedQueue<>();
    private CairnCache<String, Long> cache;
    private CairnCache<String, Long> other;

    @BeforeEach
    void open() {
        cache = Caches.longs(nearCache).negativeTimeToLive(MINUTE).open(file());
        other = Caches.longs(nearCache).open(file());
    }

    @AfterEach
    void close() {
        other.close();
        cache.close();
    }

    private Path file() {
        return directory.resolve("cache.cairn");
    }

    private Map<String, Long> lengths(Set<String> keys) {
        asked.add(keys);
        Map<String, Long> loaded = new HashMap<>();
        keys.forEach(key -> loaded.put(key, (long) key.length()));
        return loaded;
    }

    /** A loader that waits after it began, until it may go on. */
    private Function<Set<String>, Map<String, Long>> pausing(
            CountDownLatch begun, CountDownLatch go) {
        return keys -> {
            begun.countDown();
            Caches.await(go);
            return lengths(keys);
        };
    }

    @Test
    void theLoaderIsAskedOnceForWhatIsAbsent() {
        cache.put("bb", 7L);
        assertThat(cache.getAll(List.of("ccc", "bb", "a", "ccc"), this::lengths))
                .containsExactly(Map.entry("ccc", 3L), Map.entry("bb", 7L), Map.entry("a", 1L));
        assertThat(asked).containsExactly(Set.of("ccc", "a"));
        assertThat(cache.getAll(List.of("ccc", "bb", "a"), this::lengths)).hasSize(3);
        assertThat(other.getAllPresent(List.of("ccc", "bb", "a"))).hasSize(3);
        assertThat(asked).hasSize(1);
        assertThat(cache.stats().loads()).isEqualTo(1);
        assertThat(cache.getAll(List.of(), this::lengths)).isEmpty();
    }

    @Test
    void keysThatTheLoaderLeavesOutAreAbsent() {
        Map<String, Long> some = new HashMap<>();
        some.put("a", 1L);
        some.put("null", null);
        some.put("nobody asked for it", 1L);
        List<String> keys = List.of("a", "left out", "null");
        assertThat(other.getAll(keys, _ -> some)).isEqualTo(Map.of("a", 1L));
        assertThat(cache.store().size()).isEqualTo(1);
        assertThat(cache.getAll(keys, _ -> some)).isEqualTo(Map.of("a", 1L));
        assertThat(cache.store().size()).as("entries, including remembered absence").isEqualTo(3);
        assertThat(cache.getAll(keys, this::lengths)).isEqualTo(Map.of("a", 1L));
        assertThat(cache.get("null", none())).isNull();
        assertThat(asked).isEmpty();
    }

    @Test
    void aLoaderThatThrowsLeavesNothing() {
        RuntimeException refusal = new IllegalArgumentException("refused");
        List<String> keys = List.of("a", "b");
        assertThatThrownBy(() ->
                        cache.getAll(
                                keys,
                                _ -> {
                                    throw refusal;
                                }))
                .isSameAs(refusal);
        assertThatThrownBy(() -> cache.getAll(keys, _ -> null))
                .isInstanceOf(NullPointerException.class);
        assertThat(cache.store().size()).isZero();
        assertThat(cache.stats().loadFailures()).isEqualTo(2);
        assertThat(other.getAll(keys, this::lengths)).hasSize(2);
    }

    @Test
    void whatIsInvalidatedOrPutMeanwhileIsNotOverwritten() {
        List<String> keys = List.of("a", "invalidated", "put");
        Map<String, Long> got =
                cache.getAll(
                        keys,
                        asked -> {
                            other.invalidate("invalidated");
                            other.put("put", 99L);
                            return lengths(asked);
                        });
        assertThat(got).isEqualTo(Map.of("a", 1L, "invalidated", 11L, "put", 99L));
        assertThat(cache.getAllPresent(keys)).isEqualTo(Map.of("a", 1L, "put", 99L));
    }

    @Test
    void theLoadersKeysCannotBeChanged() {
        assertThatThrownBy(() ->
                        cache.getAll(
                                List.of("a"),
                                keys -> {
                                    keys.clear();
                                    return Map.of();
                                }))
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void whatOthersLoadIsWaitedForBehindItsOwnLoad() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        FutureTask<Map<String, Long>> first =
                new FutureTask<>(() -> cache.getAll(List.of("a", "b"), pausing(begun, go)));
        Thread.ofPlatform().daemon().start(first);
        begun.await();
        Map<String, Long> second =
                other.getAll(
                        List.of("a", "b", "c"),
                        keys -> {
                            go.countDown(); // not before: it does its own load first
                            return lengths(keys);
                        });
        assertThat(second).isEqualTo(Map.of("a", 1L, "b", 1L, "c", 1L));
        assertThat(first.get()).hasSize(2);
        assertThat(asked).containsExactlyInAnyOrder(Set.of("a", "b"), Set.of("c"));
    }

    /** Each has what the other wants. Neither may keep it while it waits. */
    @Test
    void twoThatWantEachOthersKeysComeToAnEnd() throws Exception {
        CountDownLatch both = new CountDownLatch(2);
        FutureTask<Map<String, Long>> first =
                new FutureTask<>(() -> cache.getAll(List.of("a", "b"), crossing("b", both)));
        FutureTask<Map<String, Long>> second =
                new FutureTask<>(() -> other.getAll(List.of("c", "d"), crossing("d", both)));
        Thread.ofPlatform().daemon().start(first);
        Thread.ofPlatform().daemon().start(second);
        assertThat(first.get()).hasSize(2);
        assertThat(second.get()).hasSize(2);

        List<String> all = IntStream.range(0, 50).mapToObj(i -> "key" + i).toList();
        List<String> backwards = new ArrayList<>(all);
        Collections.reverse(backwards);
        asked.clear();
        FutureTask<Map<String, Long>> forth =
                new FutureTask<>(() -> cache.getAll(all, this::lengths));
        FutureTask<Map<String, Long>> back =
                new FutureTask<>(() -> other.getAll(backwards, this::lengths));
        Thread.ofPlatform().daemon().start(forth);
        Thread.ofPlatform().daemon().start(back);
        assertThat(forth.get()).isEqualTo(back.get()).hasSize(50);
        assertThat(asked.stream().flatMap(Set::stream).sorted().toList())
                .isEqualTo(all.stream().sorted().toList());
    }

    private Function<Set<String>, Map<String, Long>> crossing(String key, CountDownLatch both) {
        return keys -> {
            both.countDown();
            Caches.await(both);
            assertThat(keys).contains(key);
            return lengths(keys);
        };
    }

    @Test
    void whatOthersDoNotLoadInTheEndIsLoaded() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        FutureTask<Map<String, Long>> fails =
                new FutureTask<>(() ->
                        cache.getAll(
                                List.of("a", "b", "c"),
                                _ -> {
                                    begun.countDown();
                                    Caches.await(go);
                                    throw new IllegalStateException("no source");
                                }));
        Thread.ofPlatform().daemon().start(fails);
        begun.await();
        Map<String, Long> got =
                other.getAll(
                        List.of("a", "b", "c", "d"),
                        keys -> {
                            go.countDown();
                            return lengths(keys);
                        });
        assertThat(got).hasSize(4);
        assertThatThrownBy(fails::get).hasRootCauseMessage("no source");
        assertThat(asked).startsWith(Set.of("d"));
        assertThat(asked.stream().flatMap(Set::stream))
                .containsExactlyInAnyOrder("a", "b", "c", "d");
    }

    /** These are more keys than there are claims. */
    @Test
    void thousandsAreLoadedAtOnce() {
        List<String> keys = IntStream.range(0, 5_000).mapToObj(i -> "key" + i).toList();
        assertThat(cache.getAll(keys, this::lengths)).hasSize(5_000);
        assertThat(asked).hasSize(1);
        assertThat(other.getAllPresent(keys)).hasSize(5_000);
        assertThat(cache.store().size()).isEqualTo(5_000);
    }

    /** The equals of an array says nothing about its content. */
    @Test
    void keysMayBeArrays() {
        try (CairnCache<byte[], Long> arrays =
                Cairn.cache(Codecs.bytes(), Codecs.int64())
                        .open(directory.resolve("arrays.cairn"))) {
            byte[] key = {1};
            Map<byte[], Long> got =
                    arrays.getAll(
                            List.of(key, new byte[] {1}),
                            keys -> {
                                assertThat(keys).containsExactly(key);
                                Map<byte[], Long> loaded = new TreeMap<>(java.util.Arrays::compare);
                                loaded.put(new byte[] {1}, 1L);
                                return loaded;
                            });
            assertThat(got.get(key)).isEqualTo(1);
            assertThat(arrays.getIfPresent(new byte[] {1})).isEqualTo(1);
        }
    }
}
