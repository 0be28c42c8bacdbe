package dev.cairn.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnCache;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.Stats;
import dev.cairn.StoreFull;
import dev.cairn.StoreReplaced;
import dev.cairn.codec.Codecs;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/** Attacks the meters: in a real store, each must show what happened. */
class CairnMetricsTest {
    private static final Options MANUAL = Options.defaults().withStripes(2).withManualCheckpoints();

    @TempDir Path directory;

    private final Scraper scraper = new Scraper();

    @AfterEach
    void healthyDisk() {
        Medium.use(Medium.SYSTEM);
    }

    private CairnStore open(Options options) {
        return Cairn.open(directory.resolve("store.cairn"), options);
    }

    private double now(String name, String... tags) {
        return scraper.next().value(name, tags);
    }

    private static void put(CairnStore store, int count, int bytes) {
        for (int i = 0; i < count; i++) {
            store.put(Content.key(i), Content.value(i, 0, bytes));
        }
    }

    @Test
    void putsAndRemovesAreCounted() {
        try (CairnStore store = open(MANUAL)) {
            CairnMetrics.monitor(scraper.registry(), store, "s");
            put(store, 10, 100);
            store.put(Content.key(3), new byte[100]);
            store.remove(Content.key(4));

            assertThat(now("cairn.writes", "store", "s")).isEqualTo(12);
            assertThat(now("cache.size", "cache", "s")).isEqualTo(9);
            assertThat(now("cairn.overwrites"))
                    .isEqualTo((double) store.stats().overwritesInPlace());
            assertThat(now("cairn.index.slots")).isEqualTo((double) store.stats().indexSlots());
            assertThat(now("cairn.processes")).isEqualTo(1);
            assertThat(now("cairn.recovery.duration", "kind", "CREATED"))
                    .isEqualTo((double) store.recovery().time().toNanos());
            assertThat(now("cairn.clock.ahead")).isZero();
        }
    }

    @Test
    void readsOfAStoreThatEvictsAreHitsAndMisses() {
        try (CairnStore store = open(MANUAL.withMaxBytes(4 << 20).withEviction(true))) {
            CairnMetrics.monitor(scraper.registry(), store, "s");
            put(store, 1, 100);
            for (int i = 0; i < 3; i++) {
                assertThat(store.get(Content.key(0))).isNotNull();
            }
            assertThat(store.get(Content.key(1))).isNull();

            assertThat(now("cache.gets", "cache", "s", "result", "hit")).isEqualTo(3);
            assertThat(now("cache.gets", "cache", "s", "result", "miss")).isEqualTo(1);
            assertThat(now("cache.evictions")).isZero();

            put(store, 3000, 4000);
            assertThat(now("cache.evictions", "cache", "s"))
                    .isPositive()
                    .isEqualTo((double) store.stats().evictions());
            assertThat(now("cairn.expirations")).isEqualTo((double) store.stats().expirations());
            assertThat(now("cairn.full"))
                    .isEqualTo((double) store.stats().liveBytes() / (double) (4 << 20))
                    .isBetween(0.3, 1.0);
        }
    }

    @Test
    void areasOfTheDataFileAddUpToIt() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            CairnMetrics.monitor(scraper.registry(), store, "s");
            put(store, 2000, 300);
            store.put(Content.key(0), new byte[500_000]);
            store.checkpoint(); // it has the large value's regions, which wait for the next
            for (int i = 0; i < 1000; i++) {
                store.put(Content.key(i), new byte[400]);
            }
            scraper.next();
            double sum = 0;
            for (String area : new String[] {"live", "garbage", "waiting", "free", "other"}) {
                assertThat(area(area)).as(area).isPositive();
                sum += area(area);
            }
            assertThat(sum)
                    .isEqualTo((double) store.stats().dataFileBytes())
                    .isLessThanOrEqualTo((double) Files.size(directory.resolve("store.cairn")));
            assertThat(area("live")).isEqualTo((double) store.stats().liveBytes());
            assertThat(area("shared-memory"))
                    .isPositive()
                    .isEqualTo((double) store.stats().sharedMemoryFileBytes());
            assertThat(scraper.value("cairn.garbage.bytes")).isEqualTo(area("garbage"));

            store.checkpoint();
            assertThat(now("cairn.file.bytes", "area", "waiting")).isZero();
        }
    }

    private double area(String area) {
        return scraper.value("cairn.file.bytes", "store", "s", "area", area);
    }

    @Test
    void checkpointsAreCountedAndTimed() {
        try (CairnStore store = open(MANUAL)) {
            CairnMetrics.monitor(scraper.registry(), store, "s");
            assertThat(scraper.next().count("cairn.checkpoint.duration")).isZero();
            double durable = now("cairn.checkpoint.durable");
            for (int i = 0; i < 3; i++) {
                put(store, i + 1, 100);
                store.checkpoint();
            }
            Stats stats = store.stats();
            assertThat(scraper.next().count("cairn.checkpoint.duration")).isEqualTo(3);
            assertThat(now("cairn.checkpoint.duration"))
                    .isPositive()
                    .isEqualTo((double) stats.checkpointNanos());
            assertThat(now("cairn.checkpoint.longest"))
                    .isEqualTo((double) stats.longestCheckpointNanos())
                    .isBetween(stats.checkpointNanos() / 3.0, (double) stats.checkpointNanos());
            assertThat(now("cairn.checkpoint.cut.longest"))
                    .isPositive()
                    .isEqualTo((double) stats.longestCutNanos());
            assertThat(now("cairn.checkpoint.durable")).isEqualTo(durable + 3);
            assertThat(now("cairn.checkpoint.behind")).isZero();
            assertThat(now("cairn.checkpoint.state")).isZero();
            assertThat(now("cairn.checkpoint.failures")).isZero();
            assertThat(now("cairn.checkpoint.waits")).isZero();
        }
    }

    /** It counts as no success and has no duration. What was cut and is not durable is behind. */
    @Test
    void aCheckpointThatFailsIsAFailureUntilOneSucceeds() {
        try (CairnStore store = open(MANUAL)) {
            CairnMetrics.monitor(scraper.registry(), store, "s");
            put(store, 10, 100);
            Medium.use((MappedFile _, long _, long _) -> {
                throw new IOException("the disk is broken");
            });
            assertThatThrownBy(store::checkpoint).isInstanceOf(CheckpointFailed.class);

            assertThat(now("cairn.checkpoint.state")).isEqualTo(2);
            assertThat(now("cairn.checkpoint.failures")).isEqualTo(1);
            assertThat(now("cairn.checkpoint.behind")).isEqualTo(1);
            assertThat(scraper.next().count("cairn.checkpoint.duration")).isZero();
            assertThatThrownBy(() -> store.put(Content.key(0), new byte[1]))
                    .isInstanceOf(CheckpointFailed.class);

            Medium.use(Medium.SYSTEM);
            store.checkpoint();
            assertThat(now("cairn.checkpoint.state")).isZero();
            assertThat(now("cairn.checkpoint.failures")).isEqualTo(1);
            assertThat(now("cairn.checkpoint.behind")).isZero();
            assertThat(scraper.next().count("cairn.checkpoint.duration")).isEqualTo(1);
        }
    }

    /** The meters are read in the middle of one, before the medium returns. */
    @Test
    void aCheckpointUnderWayIsAnAttempt() {
        try (CairnStore store = open(MANUAL)) {
            CairnMetrics.monitor(scraper.registry(), store, "s");
            put(store, 10, 100);
            double[] seen = {-1, -1};
            Medium.use((file, from, to) -> {
                seen[0] = now("cairn.checkpoint.state");
                seen[1] = now("cairn.checkpoint.behind");
                Medium.SYSTEM.force(file, from, to);
            });
            store.checkpoint();
            assertThat(seen).containsExactly(1, 1);
        }
    }

    @Test
    void aBoundedStoreIsNearlyFullBeforeItRefusesPuts() {
        try (CairnStore store = open(MANUAL.withMaxBytes(8 << 20))) {
            CairnMetrics.monitor(scraper.registry(), store, "s");
            assertThat(now("cairn.full")).isZero();
            assertThatThrownBy(() -> put(store, 100_000, 1000)).isInstanceOf(StoreFull.class);
            double full = now("cairn.full");
            System.out.printf("StoreFull at %.3f of the bound%n", full);
            assertThat(full)
                    .isBetween(0.8, 1.0)
                    .isEqualTo((double) store.stats().liveBytes() / (double) (8 << 20));
        }
    }

    @Test
    void anUnboundedStoreIsNeverFull() {
        try (CairnStore store = open(MANUAL)) {
            CairnMetrics.monitor(scraper.registry(), store, "s");
            assertThat(now("cairn.full")).isNaN();
        }
    }

    @Test
    void filesThatLostTheirNamesAreTold() throws IOException {
        CairnStore store = open(MANUAL);
        CairnMetrics.monitor(scraper.registry(), store, "s");
        assertThat(now("cairn.naming.state")).isZero();
        Path shared = directory.resolve("store.cairn-shm");
        Files.move(shared, directory.resolve("elsewhere"));
        assertThat(now("cairn.naming.state")).isEqualTo(1);
        Files.move(directory.resolve("elsewhere"), shared);
        Files.move(directory.resolve("store.cairn"), directory.resolve("renamed"));
        assertThat(now("cairn.naming.state")).isEqualTo(2);
        Files.delete(directory.resolve("renamed"));
        assertThat(now("cairn.naming.state")).isEqualTo(3);
        assertThatThrownBy(store::close).isInstanceOf(StoreReplaced.class);
    }

    @Test
    void loadsOfACacheAreCountedAndTimed() {
        try (CairnCache<String, String> cache =
                Cairn.cache(Codecs.utf8(), Codecs.utf8())
                        .options(MANUAL)
                        .open(directory.resolve("cache.cairn"))) {
            CairnMetrics.monitor(scraper.registry(), cache, "c");
            assertThat(cache.get("a", _ -> "1")).isEqualTo("1");
            assertThat(cache.get("a", _ -> "2")).isEqualTo("1");
            assertThatThrownBy(() ->
                            cache.get(
                                    "b",
                                    _ -> {
                                        throw new IllegalStateException("no b");
                                    }))
                    .hasMessage("no b");
            assertThat(cache.getIfPresent("b")).isNull();

            assertThat(now("cache.gets", "cache", "c", "result", "hit")).isEqualTo(1);
            assertThat(now("cache.gets", "cache", "c", "result", "miss")).isEqualTo(3);
            assertThat(now("cache.load", "cache", "c", "result", "success")).isEqualTo(1);
            assertThat(now("cache.load", "cache", "c", "result", "failure")).isEqualTo(1);
            assertThat(now("cache.load.duration", "cache", "c"))
                    .isPositive()
                    .isEqualTo((double) cache.stats().loadNanos());
            assertThat(now("cairn.refreshes", "store", "c")).isZero();
        }
    }

    @Test
    void aNearCacheHasMetersOfItsOwn() {
        AtomicInteger evicted = new AtomicInteger();
        try (CairnMap<String, String> map =
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .options(MANUAL)
                        .nearCache(
                                Caffeine.newBuilder()
                                        .maximumSize(2)
                                        .executor(Runnable::run)
                                        .evictionListener((_, _, _) -> evicted.incrementAndGet())
                                        .recordStats())
                        .open(directory.resolve("map.cairn"))) {
            CairnMetrics.monitor(scraper.registry(), map, "m", "zone", "z");
            map.put("a", "1");
            for (int i = 0; i < 4; i++) {
                assertThat(map.get("a")).isEqualTo("1");
            }
            map.put("a", "2");
            assertThat(map.get("a")).isEqualTo("2");

            String[] near = {"cache", "m.near", "zone", "z"};
            assertThat(now("cache.gets", with(near, "hit"))).isEqualTo(4);
            assertThat(now("cache.gets", with(near, "miss"))).isEqualTo(1);
            assertThat(now("cache.size", near)).isEqualTo(1);
            assertThat(reads("confirmed")).isEqualTo(3);
            assertThat(reads("refreshed")).isZero();
            assertThat(reads("stale")).isEqualTo(1);
            assertThat(reads("unconfirmed")).isZero();
            for (int i = 0; i < 20; i++) {
                map.put("k" + i, "v");
                assertThat(map.get("k" + i)).isEqualTo("v");
            }
            assertThat(now("cache.evictions", near)).isPositive().isEqualTo(evicted.get());
            assertThat(now("cache.eviction.weight", near)).isEqualTo(evicted.get());
            assertThat(now("cache.size", "cache", "m", "zone", "z")).isEqualTo(21);
        }
        assertThat(now("cache.size", "cache", "m.near")).isNaN();
    }

    private double reads(String result) {
        return now("cairn.near.reads", "store", "m", "result", result);
    }

    private static String[] with(String[] tags, String result) {
        return new String[] {tags[0], tags[1], tags[2], tags[3], "result", result};
    }

    @Test
    void aNearCacheThatRecordsNothingHasNoMeters() {
        try (CairnMap<String, String> map =
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .options(MANUAL)
                        .nearCache(Caffeine.newBuilder().maximumSize(2))
                        .open(directory.resolve("map.cairn"))) {
            CairnMetrics.monitor(scraper.registry(), map, "m");
            assertThat(scraper.registry().find("cache.gets").tag("cache", "m.near").meters())
                    .isEmpty();
            assertThat(map.nearCacheStats().recorded()).isFalse();
        }
    }
}
