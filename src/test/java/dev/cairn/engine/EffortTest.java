package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.Stats;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that what is done each second, or for each write, is not more in a large
 * store than in a small one.
 */
class EffortTest {
    private static final int STRIPES = 4;

    /** There is no work in the background except that of {@link Engine#tick}. */
    private static final Options QUIET =
            Options.defaults().withStripes(STRIPES).withCheckpointEvery(Duration.ofDays(1));

    private static final int HOT = 200;
    private static final int WRITES = 20_000;
    private static final int BETWEEN_CHECKPOINTS = 100;

    /** How many owner entries a write may look at on average. */
    private static final long MOST_LOOKS = 8;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

    @AfterEach
    void usualScale() {
        scale.close();
    }

    /**
     * Entries are overwritten in a store that has so many regions of other entries, which do not
     * change.
     */
    @ParameterizedTest(name = "{0} regions")
    @ValueSource(ints = {200, 5_000, 30_000})
    void neitherWritesNorCheckpointsNorFiguresLookAtTheWholeFile(int regions) {
        try (StoreHandle store = OpenStores.open(directory.resolve("store.cairn"), QUIET)) {
            int large = 128 * SmallScale.REGION_BYTES;
            for (int i = 0; store.stats().regions() < regions; i++) {
                store.put(Content.key(1_000_000 + i), new byte[large - 200]);
            }
            overwrite(store);
            long before = store.engine().regionLooks();
            overwrite(store);
            long looks = store.engine().regionLooks() - before;
            System.out.printf(
                    "%,d regions: %,d looks at owner entries in %,d writes and %,d checkpoints%n",
                    store.stats().regions(), looks, WRITES, WRITES / BETWEEN_CHECKPOINTS);
            assertThat(looks).isLessThan(WRITES * MOST_LOOKS);
            before = store.engine().regionLooks();
            for (int i = 0; i < 100; i++) {
                assertThat(store.stats().freeRegions()).isPositive();
                store.engine().tick();
            }
            assertThat(store.engine().regionLooks() - before).isZero();
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    private static void overwrite(StoreHandle store) {
        for (int n = 0; n < WRITES; n++) {
            store.put(Content.key(n % HOT), Content.value(n % HOT, n, 100));
            if (n % BETWEEN_CHECKPOINTS == 0) {
                store.checkpoint();
            }
        }
    }

    /** The counts that are kept must be those that a look at every region gives. */
    @Test
    void whatIsCountedIsWhatIsThere() {
        try (StoreHandle store = OpenStores.open(directory.resolve("store.cairn"), QUIET)) {
            for (int n = 0; n < 30_000; n++) {
                int key = n * 31 % 700;
                if (n % 7 == 0) {
                    store.remove(Content.key(key));
                } else {
                    store.put(
                            Content.key(key), Content.value(key, n, n % 97 == 0 ? 9000 : n % 300));
                }
                if (n % 500 == 0) {
                    store.checkpoint();
                }
                if (n % 1000 == 499) {
                    Stats kept = store.stats();
                    store.engine().recount();
                    Stats counted = store.stats();
                    assertThat(kept.freeRegions()).isEqualTo(counted.freeRegions());
                    assertThat(kept.waitingRegions()).isEqualTo(counted.waitingRegions());
                }
            }
        }
    }

    /**
     * Where entries may have expired, the oldest regions must be read once, and not in each period.
     */
    @Test
    void oldestRegionsAreNotReadAgainEachPeriod() {
        try (StoreHandle store = OpenStores.open(directory.resolve("store.cairn"), QUIET)) {
            for (int i = 0; i < STRIPES * 200; i++) {
                Duration ttl = i % 20 == 0 ? Duration.ofMillis(1) : Duration.ofHours(1);
                store.put(Content.key(i), Content.value(i, 0, 100), ttl);
            }
            await(() -> store.get(Content.key(780)) == null);
            for (int i = 0; i < 20; i++) {
                store.engine().tick();
            }
            long before = store.engine().oldestRegionLooks();
            assertThat(before).isPositive();
            for (int i = 0; i < 50; i++) {
                store.engine().tick();
            }
            assertThat(store.engine().oldestRegionLooks() - before).isLessThanOrEqualTo(STRIPES);
        }
    }

    /**
     * The regions must be read again when enough entries have expired, and be cleaned when most
     * have.
     */
    @Test
    void oldestRegionsAreReadAgainOnceEntriesHaveExpired() {
        try (StoreHandle store = OpenStores.open(directory.resolve("store.cairn"), QUIET)) {
            store.put(Content.key(-1), Content.value(-1, 0, 100), Duration.ofMillis(1));
            for (int i = 0; i < STRIPES * 200; i++) {
                store.put(Content.key(i), Content.value(i, 0, 100), Duration.ofSeconds(2));
            }
            await(() -> store.get(Content.key(-1)) == null);
            store.engine().tick();
            long before = store.engine().oldestRegionLooks();
            long regions = store.stats().regions() - store.stats().freeRegions();
            await(() -> store.get(Content.key(STRIPES * 200 - 1)) == null);
            for (int i = 0; i < 100; i++) {
                store.engine().tick();
                store.checkpoint();
            }
            assertThat(store.engine().oldestRegionLooks()).isGreaterThan(before);
            assertThat(store.stats().regions() - store.stats().freeRegions())
                    .isLessThan(regions / 2);
        }
    }

    private interface Condition {
        boolean holds();
    }

    private static void await(Condition condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.holds()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(1_000_000);
        }
    }
}
