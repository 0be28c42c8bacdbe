package dev.cairn.cache;

import static dev.cairn.cache.Caches.HOUR;
import static dev.cairn.cache.Caches.MINUTE;
import static dev.cairn.cache.Caches.SECOND;
import static dev.cairn.cache.Caches.none;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.CacheBuilder;
import dev.cairn.CairnCache;
import dev.cairn.SetClocks;

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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Attacks refreshing: old entries must be loaded again in the background, and never replace what is
 * newer.
 */
@ParameterizedClass(name = "near cache: {0}")
@ValueSource(booleans = {false, true})
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RefreshTest {
    @Parameter boolean nearCache;

    @TempDir Path directory;

    private final SetClocks clocks = new SetClocks();
    private final Caches.Background background = new Caches.Background();
    private final Caches.Background elsewhere = new Caches.Background();
    private CairnCache<String, Long> cache;

    private CairnCache<String, Long> other;

    private CacheBuilder<String, Long> builder() {
        return Caches.longs(nearCache).refreshAfterWrite(MINUTE).expireAfterWrite(HOUR);
    }

    private Path file() {
        return directory.resolve("cache.cairn");
    }

    @BeforeEach
    void anEntryIsOld() {
        cache = builder().refreshExecutor(background).open(file());
        other = builder().refreshExecutor(elsewhere).open(file());
        cache.put("a", 1L);
        clocks.pass(MINUTE);
    }

    @AfterEach
    void close() {
        other.close();
        cache.close();
        clocks.close();
    }

    @Test
    void theOldValueIsReturnedAtOnceAndReplacedInTheBackground() {
        assertThat(cache.get("a", _ -> 2L)).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isEqualTo(2);
        assertThat(other.getIfPresent("a")).isEqualTo(2);
        assertThat(cache.stats().refreshes()).isEqualTo(1);
        assertThat(cache.stats().loads()).isEqualTo(1);
        assertThat(cache.stats().misses()).isZero();
    }

    @Test
    void anEntryIsOldOnlyOnceItsTimeHasPassed() {
        cache.put("a", 1L);
        clocks.pass(MINUTE.minus(SECOND));
        assertThat(cache.get("a", none())).isEqualTo(1);
        assertThat(background.run()).isZero();
        clocks.pass(SECOND);
        assertThat(cache.get("a", _ -> 2L)).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.get("a", none())).isEqualTo(2);
        assertThat(background.run()).as("background loads, as the entry is new again").isZero();
        clocks.pass(MINUTE);
        assertThat(cache.get("a", _ -> 3L)).isEqualTo(2);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.get("a", none())).isEqualTo(3);
    }

    @Test
    void whatWasLoadedAgainLivesAnew() {
        assertThat(cache.get("a", _ -> 2L)).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        clocks.pass(HOUR.minus(SECOND));
        assertThat(cache.getIfPresent("a")).isEqualTo(2);
        clocks.pass(SECOND);
        assertThat(cache.getIfPresent("a")).isNull();
    }

    @Test
    void readsWithoutALoaderLoadNothing() {
        assertThat(cache.getIfPresent("a")).isEqualTo(1);
        assertThat(cache.getAllPresent(List.of("a"))).hasSize(1);
        assertThat(background.run()).isZero();
    }

    /** The second asks when the first has the claim. */
    @Test
    void ofSeveralWhoSeeAnOldEntryOneLoads() {
        AtomicInteger loads = new AtomicInteger();
        assertThat(other.get("a", _ -> (long) loads.incrementAndGet())).isEqualTo(1);
        Long old =
                cache.get(
                        "a",
                        _ -> {
                            assertThat(elsewhere.run()).isEqualTo(1);
                            return 10L + loads.incrementAndGet();
                        });
        assertThat(old).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isEqualTo(11);
        assertThat(loads).hasValue(1);
    }

    @Test
    void whoComesWhenTheEntryIsNewAgainDoesNothing() {
        AtomicInteger loads = new AtomicInteger();
        for (CairnCache<String, Long> each : List.of(cache, other)) {
            assertThat(each.get("a", _ -> 10L + loads.incrementAndGet())).isEqualTo(1);
        }
        assertThat(background.run()).isEqualTo(1);
        assertThat(elsewhere.run()).isEqualTo(1);
        assertThat(loads).hasValue(1);
        assertThat(other.getIfPresent("a")).isEqualTo(11);
        assertThat(cache.stats().refreshes()).isEqualTo(1);
    }

    @Test
    void manyReadsOfAnOldEntryTryOnce() {
        for (int i = 0; i < 100; i++) {
            assertThat(cache.get("a", _ -> 2L)).isEqualTo(1);
        }
        assertThat(background.run()).isBetween(1, 100);
        assertThat(cache.stats().refreshes()).isEqualTo(1);
    }

    /* The next five tests fail if what is loaded again is written whatever is there. */

    @Test
    void whatIsInvalidatedDuringTheLoadDoesNotComeBack() {
        assertThat(cache.get("a", key -> doing(2L, () -> other.invalidate(key)))).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isNull();
        assertThat(cache.store().size()).isZero();
    }

    @Test
    void whatIsRemovedFromTheStoreDuringTheLoadDoesNotComeBack() {
        assertThat(cache.get("a", key -> doing(2L, () -> remove(key)))).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isNull();
    }

    private void remove(String key) {
        assertThat(other.store().remove(key.getBytes(UTF_8))).isPositive();
    }

    @Test
    void whatIsPutDuringTheLoadStays() {
        assertThat(cache.get("a", key -> doing(2L, () -> other.put(key, 7L)))).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isEqualTo(7);
    }

    @Test
    void whatIsInvalidatedAndPutDuringTheLoadStays() {
        Runnable both =
                () -> {
                    other.invalidate("a");
                    other.put("a", 1L);
                };
        assertThat(cache.get("a", _ -> doing(null, both))).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isEqualTo(1);
    }

    @Test
    void whatExpiresDuringTheLoadDoesNotComeBack() {
        assertThat(cache.get("a", _ -> doing(2L, () -> clocks.pass(HOUR)))).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isNull();
    }

    private static Long doing(Long value, Runnable work) {
        work.run();
        return value;
    }

    @Test
    void whatIsInvalidatedBeforeTheLoadIsNotLoaded() {
        assertThat(cache.get("a", none())).isEqualTo(1);
        other.invalidate("a");
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isNull();
        assertThat(cache.stats().loads()).isZero();
    }

    @Test
    void aLoaderThatThrowsLeavesTheOldValueAndIsAskedAgainASecondLater() {
        assertThat(cache.get("a", _ -> fails())).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.stats().loadFailures()).isEqualTo(1);
        assertThat(cache.stats().refreshes()).isEqualTo(1);
        assertThat(cache.get("a", none())).isEqualTo(1);
        assertThat(background.run()).as("background loads at once").isZero();
        clocks.pass(SECOND);
        assertThat(cache.get("a", _ -> 2L)).isEqualTo(1);
        assertThat(background.run()).as("background loads a second later").isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isEqualTo(2);
    }

    private static Long fails() {
        throw new IllegalStateException("no source");
    }

    @Test
    void aLoaderThatReturnsNullRemovesTheEntry() {
        assertThat(cache.get("a", _ -> null)).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(cache.getIfPresent("a")).isNull();
        assertThat(cache.store().size()).isZero();
    }

    @Test
    void anAbsenceIsRememberedAndLoadedAgainLikeAValue() {
        try (CairnCache<String, Long> negative =
                builder().negativeTimeToLive(HOUR).refreshExecutor(background).open(file())) {
            assertThat(negative.get("a", _ -> null)).isEqualTo(1);
            assertThat(background.run()).isEqualTo(1);
            assertThat(negative.get("a", none())).isNull();
            assertThat(background.run()).isZero();
            clocks.pass(MINUTE);
            assertThat(negative.get("a", _ -> 2L)).isNull();
            assertThat(background.run()).isEqualTo(1);
            assertThat(negative.get("a", none())).isEqualTo(2);
        }
    }

    @Test
    void manyOldEntriesAreLoadedAgainAtOnce() {
        cache.putAll(Map.of("b", 1L, "c", 1L, "d", 1L));
        clocks.pass(MINUTE);
        cache.put("new", 1L);
        List<Set<String>> asked = new ArrayList<>();
        Map<String, Long> values =
                cache.getAll(
                        List.of("a", "b", "c", "d", "new"),
                        keys -> {
                            asked.add(keys);
                            other.invalidate("c");
                            Map<String, Long> loaded = new HashMap<>();
                            keys.forEach(key -> loaded.put(key, 2L));
                            loaded.remove("d");
                            return loaded;
                        });
        assertThat(values).hasSize(5).containsValue(1L).doesNotContainValue(2L);
        assertThat(background.run()).isEqualTo(1);
        assertThat(asked).containsExactly(Set.of("a", "b", "c", "d"));
        assertThat(cache.getAllPresent(List.of("a", "b", "c", "d", "new")))
                .isEqualTo(Map.of("a", 2L, "b", 2L, "new", 1L));
    }

    @Test
    void aCacheThatIsClosedMeanwhileLeavesItsEntryAndNoClaim() {
        assertThat(cache.get("a", _ -> doing(2L, cache::close))).isEqualTo(1);
        assertThat(background.run()).isEqualTo(1);
        assertThat(other.get("a", _ -> 3L)).isEqualTo(1);
        assertThat(elsewhere.run()).isEqualTo(1);
        assertThat(other.getIfPresent("a")).isEqualTo(3);
    }

    @Test
    void anExecutorThatRefusesCostsNoReadItsValue() {
        try (CairnCache<String, Long> refused =
                builder()
                        .refreshExecutor(_ -> {
                            throw new RejectedExecutionException("full");
                        })
                        .open(file())) {
            assertThat(refused.get("a", none())).isEqualTo(1);
        }
    }

    @Test
    void aThreadOfTheBackgroundLoadsUnlessAnExecutorIsNamed() throws InterruptedException {
        try (CairnCache<String, Long> plain = builder().open(file())) {
            assertThat(plain.get("a", _ -> 2L)).isEqualTo(1);
            while (plain.getIfPresent("a") != 2) {
                Thread.sleep(1);
            }
        }
    }
}
