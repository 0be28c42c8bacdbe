package dev.cairn.cache;

import static dev.cairn.cache.Caches.HOUR;
import static dev.cairn.cache.Caches.MINUTE;
import static dev.cairn.cache.Caches.SECOND;
import static dev.cairn.cache.Caches.none;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.CacheBuilder;
import dev.cairn.Cairn;
import dev.cairn.CairnCache;
import dev.cairn.CairnStore;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.SetClocks;
import dev.cairn.StoreClosed;
import dev.cairn.UndecodableEntry;
import dev.cairn.codec.Codecs;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** Attacks a cache's reads, loads of one key, writes, times to live, and remembered absence. */
@ParameterizedClass(name = "near cache: {0}")
@ValueSource(booleans = {false, true})
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CairnCacheTest {
    @Parameter boolean nearCache;

    @TempDir Path directory;

    private final SetClocks clocks = new SetClocks();
    private final AtomicInteger loads = new AtomicInteger();

    @AfterEach
    void putClocksRight() {
        clocks.close();
    }

    private Path file() {
        return directory.resolve("cache.cairn");
    }

    private CairnCache<String, Long> open() {
        return open(it -> it);
    }

    private CairnCache<String, Long> open(UnaryOperator<CacheBuilder<String, Long>> how) {
        return how.apply(Caches.longs(nearCache)).open(file());
    }

    private Long next(String key) {
        return (long) loads.incrementAndGet();
    }

    private Long nothing(String key) {
        loads.incrementAndGet();
        return null;
    }

    @Test
    void whatIsPutIsThereUntilItIsInvalidated() {
        try (CairnCache<String, Long> cache = open();
                CairnCache<String, Long> other = open()) {
            assertThat(cache.getIfPresent("a")).isNull();
            cache.put("a", 1L);
            assertThat(cache.getIfPresent("a")).isEqualTo(1);
            assertThat(other.getIfPresent("a")).isEqualTo(1);
            other.put("a", 2L);
            assertThat(cache.getIfPresent("a")).isEqualTo(2);
            assertThat(cache.get("a", none())).isEqualTo(2);
            other.invalidate("a");
            assertThat(cache.getIfPresent("a")).isNull();
            cache.invalidate("a");
        }
    }

    @Test
    void manyArePutAndInvalidated() {
        try (CairnCache<String, Long> cache = open()) {
            cache.putAll(Map.of("a", 1L, "b", 2L, "c", 3L));
            assertThat(cache.getAllPresent(List.of("c", "x", "a", "c")))
                    .containsExactly(Map.entry("c", 3L), Map.entry("a", 1L));
            cache.invalidateAll(List.of("a", "b", "x"));
            assertThat(cache.getAllPresent(List.of("a", "b", "c"))).isEqualTo(Map.of("c", 3L));
        }
    }

    @Test
    void whatWasLoadedIsKept() {
        try (CairnCache<String, Long> cache = open();
                CairnCache<String, Long> other = open()) {
            assertThat(cache.get("a", this::next)).isEqualTo(1);
            assertThat(cache.get("a", none())).isEqualTo(1);
            assertThat(other.get("a", none())).isEqualTo(1);
            assertThat(cache.store().size()).isEqualTo(1);
        }
    }

    @Test
    void aLoaderThatThrowsLeavesNothing() {
        RuntimeException refusal = new IllegalArgumentException("refused");
        try (CairnCache<String, Long> cache = open()) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() ->
                                cache.get(
                                        "a",
                                        _ -> {
                                            throw refusal;
                                        }))
                        .isSameAs(refusal);
                assertThat(cache.store().size()).isZero();
            }
            assertThat(cache.get("a", this::next)).isEqualTo(1);
            assertThat(cache.stats().loads()).isEqualTo(3);
            assertThat(cache.stats().loadFailures()).isEqualTo(2);
        }
    }

    /** The value cannot be encoded, so the load fails after the loader returned. */
    @Test
    void aValueThatCannotBeWrittenLeavesNothing() {
        try (CairnCache<String, String> texts =
                Cairn.cache(Codecs.utf8(), Codecs.utf8()).open(file())) {
            assertThatThrownBy(() -> texts.get("a", _ -> "\uD800"))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(texts.store().size()).isZero();
        }
    }

    @Test
    void absenceIsForgottenAtOnceUnlessItIsToBeRemembered() {
        try (CairnCache<String, Long> cache = open()) {
            assertThat(cache.get("a", this::nothing)).isNull();
            assertThat(cache.store().size()).isZero();
            assertThat(cache.get("a", this::nothing)).isNull();
            assertThat(loads).hasValue(2);
        }
    }

    @Test
    void absenceIsRememberedByAllForAWhile() {
        try (CairnCache<String, Long> cache = open(it -> it.negativeTimeToLive(MINUTE));
                CairnCache<String, Long> other = open()) {
            assertThat(cache.get("a", this::nothing)).isNull();
            assertThat(cache.get("a", none())).isNull();
            assertThat(other.get("a", none())).isNull();
            assertThat(other.getIfPresent("a")).isNull();
            assertThat(cache.stats().hits()).isEqualTo(3);
            clocks.pass(MINUTE.minus(SECOND));
            assertThat(cache.get("a", none())).isNull();
            clocks.pass(SECOND);
            assertThat(cache.get("a", this::next)).isEqualTo(2);
            assertThat(other.getIfPresent("a")).isEqualTo(2);
        }
    }

    @Test
    void rememberedAbsenceEndsWithAPutOrAnInvalidation() {
        try (CairnCache<String, Long> cache = open(it -> it.negativeTimeToLive(MINUTE))) {
            assertThat(cache.get("a", this::nothing)).isNull();
            cache.put("a", 7L);
            assertThat(cache.get("a", none())).isEqualTo(7);
            assertThat(cache.get("b", this::nothing)).isNull();
            cache.invalidate("b");
            assertThat(cache.get("b", this::next)).isEqualTo(3);
        }
    }

    /**
     * No way to read may return it. What is written without a time to live must live as long as the
     * builder says.
     */
    @Test
    void whatHasExpiredIsReturnedByNoPath() {
        try (CairnCache<String, Long> cache = open(it -> it.expireAfterWrite(HOUR))) {
            cache.put("put", 1L);
            cache.putAll(Map.of("put with others", 1L));
            assertThat(cache.get("loaded", _ -> 1L)).isEqualTo(1);
            assertThat(cache.getAll(List.of("loaded with others"), keys -> all(keys, 1L)))
                    .isEqualTo(Map.of("loaded with others", 1L));
            cache.put("longer", 1L, HOUR.plus(MINUTE));
            cache.put("shorter", 1L, MINUTE);
            List<String> hour = List.of("put", "put with others", "loaded", "loaded with others");

            clocks.pass(MINUTE);
            isAbsent(cache, "shorter");
            clocks.pass(HOUR.minus(MINUTE).minus(SECOND));
            for (String key : hour) {
                assertThat(cache.getIfPresent(key)).as(key).isEqualTo(1);
            }
            assertThat(cache.getAllPresent(hour)).hasSize(4);
            clocks.pass(SECOND);
            for (String key : hour) {
                isAbsent(cache, key);
            }
            assertThat(cache.getIfPresent("longer")).isEqualTo(1);
        }
    }

    private static Map<String, Long> all(Iterable<String> keys, long value) {
        Map<String, Long> map = new HashMap<>();
        keys.forEach(key -> map.put(key, value));
        return map;
    }

    private static void isAbsent(CairnCache<String, Long> cache, String key) {
        assertThat(cache.getIfPresent(key)).as(key).isNull();
        assertThat(cache.getAllPresent(List.of(key))).isEmpty();
        assertThat(cache.store().containsKey(key.getBytes(UTF_8))).isFalse();
        assertThat(cache.getAll(List.of(key), keys -> all(keys, 2L))).isEqualTo(Map.of(key, 2L));
        cache.invalidate(key);
        assertThat(cache.get(key, _ -> 3L)).isEqualTo(3);
    }

    @Test
    void theStoresDefaultTimeToLiveCountsIfTheBuilderSaysNothing() {
        Options options = Options.defaults().withDefaultTimeToLive(MINUTE);
        try (CairnCache<String, Long> cache = open(it -> it.options(options))) {
            cache.put("a", 1L);
            assertThat(cache.get("b", _ -> 1L)).isEqualTo(1);
            cache.put("c", 1L, CairnStore.FOREVER);
            clocks.pass(MINUTE);
            assertThat(cache.getAllPresent(List.of("a", "b", "c"))).isEqualTo(Map.of("c", 1L));
        }
    }

    @Test
    void theBoundCountsWhetherOptionsComeBeforeItOrAfterIt() {
        long bound = 1 << 20;
        Options options = Options.defaults().withStripes(4);
        List<UnaryOperator<CacheBuilder<String, Long>>> orders =
                List.of(
                        it -> it.options(options).maxBytes(bound),
                        it -> it.maxBytes(bound).options(options),
                        it ->
                                it.maxBytes(bound)
                                        .expireAfterWrite(HOUR)
                                        .options(options.withMaxBytes(2 * bound)));
        for (int i = 0; i < orders.size(); i++) {
            Path file = directory.resolve("bound" + i);
            CacheBuilder<String, Long> builder = orders.get(i).apply(Caches.longs(nearCache));
            try (CairnCache<String, Long> cache = builder.open(file)) {
                assertThat(cache.store().stats().maxBytes()).as("order %d", i).isEqualTo(bound);
                assertThat(cache.store().stripes()).as("order %d", i).isEqualTo(4);
            }
        }
    }

    /** Whoever asked before gets the value; whoever asks after the invalidation does not. */
    @Test
    void whatWasLoadedBeforeAnInvalidationIsNotWritten() {
        try (CairnCache<String, Long> cache = open();
                CairnCache<String, Long> other = open()) {
            Long loaded =
                    cache.get(
                            "a",
                            key -> {
                                assertThat(other.getIfPresent(key))
                                        .as("value that is half loaded")
                                        .isNull();
                                assertThat(other.getAllPresent(List.of(key))).isEmpty();
                                other.invalidate(key);
                                return 1L;
                            });
            assertThat(loaded).isEqualTo(1);
            assertThat(cache.getIfPresent("a")).isNull();
            assertThat(cache.store().size()).isZero();
            assertThat(cache.get("a", _ -> 2L)).isEqualTo(2);
        }
    }

    @Test
    void allAreInvalidatedAndSoIsWhatIsBeingLoaded() {
        UnaryOperator<CacheBuilder<String, Long>> how =
                it -> it.negativeTimeToLive(HOUR).maxBytes(4 << 20);
        try (CairnCache<String, Long> cache = open(how);
                CairnCache<String, Long> other = open(how)) {
            List<String> keys = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                keys.add("key " + i);
                other.put(keys.getLast(), (long) i);
            }
            assertThat(cache.getAllPresent(keys)).hasSize(1000);
            assertThat(cache.get("none", this::nothing)).isNull();
            Long loaded =
                    cache.get(
                            "loading",
                            _ -> {
                                other.invalidateAll();
                                return 1L;
                            });
            assertThat(loaded).isEqualTo(1);
            assertThat(cache.store().size()).isZero();
            assertThat(cache.getIfPresent("loading")).isNull();
            assertThat(cache.getAllPresent(keys)).isEmpty();
            assertThat(cache.get("none", this::next)).isEqualTo(2);
            other.put("loading", 2L);
            cache.invalidateAll();
            assertThat(cache.nearCacheStats().size()).isZero();
            assertThat(other.getIfPresent("loading")).isNull();
        }
    }

    @Test
    void whatWasPutDuringALoadStays() {
        try (CairnCache<String, Long> cache = open(it -> it.negativeTimeToLive(MINUTE));
                CairnCache<String, Long> other = open()) {
            List<String> keys = List.of("value", "nothing", "failure");
            assertThat(cache.get("value", key -> putting(other, key, 1L))).isEqualTo(7);
            assertThat(cache.get("nothing", key -> putting(other, key, null))).isEqualTo(7);
            assertThatThrownBy(() -> cache.get("failure", key -> putting(other, key, -1L)))
                    .hasMessage("-1");
            assertThat(cache.getAllPresent(keys)).isEqualTo(all(keys, 7));
        }
    }

    private static Long putting(CairnCache<String, Long> cache, String key, Long value) {
        cache.put(key, 7L);
        if (value != null && value < 0) {
            throw new IllegalStateException(value.toString());
        }
        return value;
    }

    /** A put that has expired when the load ends was newer all the same. */
    @Test
    void whatWasPutAndHasExpiredDuringALoadIsNotReplaced() {
        try (CairnCache<String, Long> cache = open()) {
            Long loaded =
                    cache.get(
                            "a",
                            key -> {
                                cache.put(key, 7L, MINUTE);
                                clocks.pass(MINUTE);
                                return 1L;
                            });
            assertThat(loaded).isEqualTo(1);
            assertThat(cache.getIfPresent("a")).isNull();
        }
    }

    @Test
    void othersThreadsGetWhatOneLoads() throws Exception {
        CountDownLatch loading = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        try (CairnCache<String, Long> cache = open();
                CairnCache<String, Long> other = open()) {
            FutureTask<Long> first =
                    new FutureTask<>(() ->
                            cache.get(
                                    "a",
                                    key -> {
                                        loading.countDown();
                                        Caches.await(go);
                                        return next(key);
                                    }));
            Thread.ofPlatform().daemon().start(first);
            loading.await();
            List<FutureTask<Long>> others = new ArrayList<>();
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                FutureTask<Long> task =
                        new FutureTask<>(() -> other.get("a", _ -> 99L)); // has no chance
                others.add(task);
                threads.add(Thread.ofPlatform().daemon().start(task));
            }
            for (Thread thread : threads) {
                while (thread.getState() != Thread.State.TIMED_WAITING) {
                    assertThat(thread.isAlive()).isTrue();
                    Thread.onSpinWait();
                }
            }
            go.countDown();
            assertThat(first.get()).isEqualTo(1);
            for (FutureTask<Long> task : others) {
                assertThat(task.get()).isEqualTo(1);
            }
            assertThat(cache.stats().loads()).isEqualTo(1);
        }
    }

    @Test
    void whoWaitsTooLongGetsATimeout() throws Exception {
        CountDownLatch loading = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        try (CairnCache<String, Long> cache = open();
                CairnCache<String, Long> other =
                        open(it -> it.loadTimeout(Duration.ofMillis(50)))) {
            FutureTask<Long> first =
                    new FutureTask<>(() ->
                            cache.get(
                                    "a",
                                    _ -> {
                                        loading.countDown();
                                        Caches.await(go);
                                        return 1L;
                                    }));
            Thread.ofPlatform().daemon().start(first);
            loading.await();
            assertThatThrownBy(() -> other.get("a", none())).isInstanceOf(LockTimeout.class);
            assertThatThrownBy(() -> other.getAll(List.of("b", "a"), keys -> all(keys, 2L)))
                    .isInstanceOf(LockTimeout.class);
            assertThat(other.getIfPresent("b")).as("value of its own load").isEqualTo(2);
            go.countDown();
            assertThat(first.get()).isEqualTo(1);
        }
    }

    @Test
    void aLoaderThatAsksForItsOwnKeyIsToldSo() {
        try (CairnCache<String, Long> cache = open()) {
            assertThatThrownBy(() -> cache.get("a", key -> cache.get(key, _ -> 1L)))
                    .isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() ->
                            cache.getAll(
                                    List.of("a", "b"), keys -> cache.getAll(keys, _ -> Map.of())))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(cache.store().size()).isZero();
        }
    }

    @Test
    void aCacheThatIsClosedInItsLoaderSaysSo() {
        try (CairnCache<String, Long> stays = open()) {
            CairnCache<String, Long> goes = open();
            assertThatThrownBy(() ->
                            goes.get(
                                    "a",
                                    _ -> {
                                        goes.close();
                                        return 1L;
                                    }))
                    .isInstanceOf(StoreClosed.class);
            assertThatThrownBy(() -> goes.getIfPresent("a")).isInstanceOf(StoreClosed.class);
            assertThatThrownBy(goes::stats).isInstanceOf(StoreClosed.class);
            assertThat(stays.get("a", _ -> 2L)).isEqualTo(2);
        }
    }

    @Test
    void aReadOnlyCacheReadsAndNeverLoads() {
        try (CairnCache<String, Long> cache = open()) {
            cache.put("a", 1L);
            Options readOnly = Options.defaults().withReadOnly(true);
            Caches.Background background = new Caches.Background();
            try (CairnCache<String, Long> view =
                    open(it ->
                            it.options(readOnly)
                                    .refreshAfterWrite(MINUTE)
                                    .refreshExecutor(background))) {
                clocks.pass(HOUR);
                assertThat(view.get("a", none())).isEqualTo(1);
                assertThat(background.run()).isZero();
                assertThat(view.getAll(List.of("a"), _ -> Map.of())).isEqualTo(Map.of("a", 1L));
                assertThatThrownBy(() -> view.get("b", none()))
                        .isInstanceOf(UnsupportedOperationException.class);
                assertThatThrownBy(() -> view.getAll(List.of("b"), _ -> Map.of()))
                        .isInstanceOf(UnsupportedOperationException.class);
                assertThatThrownBy(() -> view.put("b", 1L))
                        .isInstanceOf(UnsupportedOperationException.class);
                assertThat(view.getIfPresent("b")).isNull();
            }
        }
    }

    @Test
    void valuesOfAnotherCodecAreToldAndCanBeReplaced() {
        try (CairnCache<String, Long> cache = open()) {
            byte[] key = "a".getBytes(UTF_8);
            for (byte[] value :
                    List.of(
                            new byte[0],
                            new byte[8],
                            "text".getBytes(UTF_8),
                            new byte[] {(byte) 0xF8},
                            new byte[] {(byte) 0xFB, 0, 0, 0, 0, 0, 0, 0, 0},
                            new byte[] {(byte) 0xF8, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                            new byte[] {(byte) 0xF9, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                            new byte[] {(byte) 0xF9, 0, 0, 0, 0, 0, 0, 0, -1})) {
                cache.store().put(key, value);
                undecodable(() -> cache.getIfPresent("a"));
                undecodable(() -> cache.get("a", none()));
                undecodable(() -> cache.getAllPresent(List.of("a")));
                undecodable(() -> cache.getAll(List.of("a"), _ -> Map.of()));
                cache.put("a", 1L);
                assertThat(cache.getIfPresent("a")).isEqualTo(1);
            }
            cache.store().put(key, new byte[3]);
            cache.invalidate("a");
            assertThat(cache.getIfPresent("a")).isNull();
        }
    }

    private void undecodable(ThrowingCallable read) {
        assertThatThrownBy(read)
                .isInstanceOfSatisfying(
                        UndecodableEntry.class, e -> assertThat(e.path()).isEqualTo(file()));
    }

    @Test
    void theStoreHasTheValueBehindNineBytes() {
        try (CairnCache<String, Long> cache = open(it -> it.negativeTimeToLive(MINUTE))) {
            long before = System.currentTimeMillis();
            cache.put("a", 0x0102030405060708L);
            assertThat(cache.get("b", _ -> null)).isNull();

            byte[] value = cache.store().get("a".getBytes(UTF_8));
            assertThat(value).hasSize(17).startsWith(0xF8).endsWith(8, 7, 6, 5, 4, 3, 2, 1);
            assertThat(time(value)).isBetween(before - 1000, before + MINUTE.toMillis());
            byte[] absence = cache.store().get("b".getBytes(UTF_8));
            assertThat(absence).hasSize(9).startsWith(0xF9);
            assertThat(time(absence)).isGreaterThanOrEqualTo(time(value));
        }
    }

    private static long time(byte[] envelope) {
        return ByteBuffer.wrap(envelope).order(ByteOrder.LITTLE_ENDIAN).getLong(1);
    }

    @Test
    void durationsThatMakeNoSenseAreRefused() {
        CacheBuilder<String, Long> builder = Caches.longs(nearCache);
        for (Duration time : List.of(Duration.ZERO, SECOND.negated(), CairnStore.FOREVER)) {
            refused(time, () -> builder.expireAfterWrite(time));
            refused(time, () -> builder.refreshAfterWrite(time));
            refused(time, () -> builder.negativeTimeToLive(time));
            refused(time, () -> builder.loadTimeout(time));
        }
    }

    @Test
    @NullUnmarked
    void nullsAreRefused() {
        try (CairnCache<String, Long> cache = open()) {
            List<ThrowingCallable> calls =
                    List.of(
                            () -> cache.getIfPresent(null),
                            () -> cache.get(null, none()),
                            () -> cache.get("a", null),
                            () -> cache.getAll(null, _ -> Map.of()),
                            () -> cache.getAll(List.of("a"), null),
                            () -> cache.getAllPresent(Arrays.asList("a", null)),
                            () -> cache.put(null, 1L),
                            () -> cache.put("a", null),
                            () -> cache.put("a", 1L, null),
                            () -> cache.putAll(null),
                            () -> cache.putAll(Collections.singletonMap("a", null)),
                            () -> cache.putAll(Collections.singletonMap(null, 1L)),
                            () -> cache.invalidate(null),
                            () -> cache.invalidateAll(Arrays.asList("a", null)));
            for (int i = 0; i < calls.size(); i++) {
                assertThatThrownBy(calls.get(i))
                        .as("call %d", i)
                        .isInstanceOf(NullPointerException.class);
            }
            assertThatThrownBy(() -> cache.put("a", 1L, Duration.ZERO))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(cache.store().size()).isZero();
        }
    }

    private static void refused(Duration time, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(time.toString());
    }
}
