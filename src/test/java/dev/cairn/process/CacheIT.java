package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CacheStats;
import dev.cairn.CairnCache;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Attacks the promise that a shared cache loads each absent or old entry once on a host. Three
 * processes ask one cache for the same keys, some of them are killed while they load, and the
 * ledger counts the loads.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CacheIT {
    private static final int PROCESSES = 3;
    private static final int KEYS = 12;
    private static final long HOUR = Duration.ofHours(1).toMillis();

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final List<Child> askers = new ArrayList<>();
    private Ledger ledger;

    /** The order at which the next turn starts. The loads of that turn end at {@code start + 2}. */
    private long start = 1;

    private Path store() {
        return directory.resolve("cache.cairn");
    }

    private Path notes() {
        return directory.resolve("ledger");
    }

    @BeforeEach
    void open() throws IOException {
        ledger = Ledger.at(notes());
        askers.addAll(children.start(PROCESSES));
        for (int lane = 0; lane < PROCESSES; lane++) {
            askers.get(lane).ask("open cache", store(), lane == 0); // one of them has a near cache
        }
    }

    @AfterEach
    void close() {
        ledger.close();
    }

    private void tell(int lane, String how, String prefix) {
        askers.get(lane).tell(how, notes(), lane, prefix, KEYS, start, start + 2);
    }

    private void forget() {
        for (int lane = 0; lane < Ledger.LANES; lane++) {
            for (int word = 0; word < KEYS; word++) {
                ledger.begin(lane, word, 0);
            }
        }
    }

    /** How often all processes together loaded a key. */
    private long loads(int word) {
        long loads = 0;
        for (int lane = 0; lane < PROCESSES; lane++) {
            loads += ledger.begun(lane, word);
        }
        return loads;
    }

    private boolean allAreLoaded() {
        for (int word = 0; word < KEYS; word++) {
            if (loads(word) == 0) {
                return false;
            }
        }
        return true;
    }

    private void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** Gives the others time to begin to wait, or to do what they should not. */
    private static void letThemWait() {
        LockSupport.parkNanos(50_000_000);
    }

    private void eachIsLoadedOnce() {
        for (int word = 0; word < KEYS; word++) {
            assertThat(loads(word)).as("loads of key %d", word).isEqualTo(1);
        }
    }

    private void allAskAtOnce(String how, String prefix) {
        forget();
        for (int lane = 0; lane < PROCESSES; lane++) {
            tell(lane, how, prefix);
        }
        ledger.order(start);
        await("loads begin", this::allAreLoaded);
        letThemWait();
        eachIsLoadedOnce();
        ledger.order(start + 2);
        start += 3;
        Set<String> answers = new HashSet<>();
        askers.forEach(asker -> answers.add(asker.answer()));
        assertThat(answers).as("distinct answers of all processes").hasSize(1);
        assertThat(answers.iterator().next()).doesNotContain("null");
        eachIsLoadedOnce();
    }

    @Test
    void ofThreeThatAskForAbsentKeysOneLoadsEach() {
        for (int round = 0; round < 4; round++) {
            allAskAtOnce("get each", "each" + round + "-");
            allAskAtOnce("get all", "all" + round + "-");
        }
    }

    /** Kills the first process while it holds the claims of all keys. */
    private void anotherTakesOver(String how, String prefix) {
        forget();
        tell(0, how, prefix);
        ledger.order(start);
        await("loads begin", this::allAreLoaded);
        for (int lane = 1; lane < PROCESSES; lane++) {
            tell(lane, how, prefix);
        }
        letThemWait();
        eachIsLoadedOnce();
        askers.getFirst().kill();
        askers.getFirst().awaitDeath();
        for (int word = 0; word < KEYS; word++) {
            ledger.begin(0, word, 0);
        }
        letThemWait();
        for (int word = 0; word < KEYS; word++) {
            assertThat(loads(word)).as("loads of key %d", word).isLessThanOrEqualTo(1);
        }
        ledger.order(start + 2);
        start += 3;
        String answer = askers.get(1).answer();
        assertThat(askers.get(2).answer()).isEqualTo(answer);
        assertThat(answer).doesNotContain("null", Long.toString(askers.getFirst().pid()));
        eachIsLoadedOnce();
        askers.set(0, children.spare());
        askers.getFirst().ask("open cache", store(), true);
        assertThat(answer).startsWith(askers.getFirst().ask("cached", prefix + 0) + " ");
    }

    @Test
    void ifALoaderIsKilledAnotherLoads() {
        for (int round = 0; round < 4; round++) {
            anotherTakesOver("get each", "each" + round + "-");
            anotherTakesOver("get all", "all" + round + "-");
        }
        try (CairnCache<String, Long> cache = CacheOrders.open(store(), false)) {
            assertThat(cache.store().size()).as("entries, not counting marks").isEqualTo(8 * KEYS);
            assertThat(cache.store().verify().damages()).isEmpty();
        }
    }

    @Test
    void oldEntriesAreLoadedAgainOnceOnTheHost() {
        allAskAtOnce("get each", "old");
        String before = askers.getFirst().ask("cached", "old0");
        askers.forEach(asker -> asker.ask("clocks", HOUR, HOUR));
        forget();
        for (int lane = 0; lane < PROCESSES; lane++) {
            tell(lane, "get old", "old");
        }
        ledger.order(start);
        await("loads begin", this::allAreLoaded);
        letThemWait();
        ledger.order(start + 1); // reads end now, loads do not
        for (Child asker : askers) {
            assertThat(asker.answer()).contains(before).doesNotContain("null");
        }
        eachIsLoadedOnce();
        ledger.order(start + 2);
        start += 3;
        for (int word = 0; word < KEYS; word++) {
            int lane = loader(word);
            String loaded = Long.toString(askers.get(lane).pid());
            for (Child asker : askers) {
                String key = "old" + word;
                await(key, () -> asker.ask("cached", key).equals(loaded));
            }
        }
        allAskNothing();
        eachIsLoadedOnce();
    }

    /** All processes read with a loader while the entries are new again. */
    private void allAskNothing() {
        for (int lane = 0; lane < PROCESSES; lane++) {
            tell(lane, "get old", "old");
        }
        ledger.order(start + 1);
        askers.forEach(Child::answer);
        start += 3;
    }

    private int loader(int word) {
        for (int lane = 0; lane < PROCESSES; lane++) {
            if (ledger.begun(lane, word) > 0) {
                return lane;
            }
        }
        throw new AssertionError("nobody loads " + word);
    }

    @Test
    void readsOfAllProcessesAddUp() {
        try (CairnCache<String, Long> cache = CacheOrders.open(store(), true)) {
            cache.put("key0", 1L);
            cache.put("key3", 1L);
            allAskAtOnce("get each", "each");
            allAskAtOnce("get all", "all");
            for (int lane = 0; lane < PROCESSES; lane++) {
                askers.get(lane).ask("read cache", 7_000 * (lane + 1));
            }
            long reads = 42_000 + 2L * PROCESSES * KEYS;
            await("all have told", () -> reads(cache.stats()) == reads);
            assertThat(cache.stats().loads()).isBetween(KEYS + 1L, 2L * KEYS);
            long hits = cache.stats().hits();
            assertThat(hits).isBetween(12_000L, 12_000L + 2 * (PROCESSES - 1) * KEYS);

            askers.getFirst().kill();
            askers.getFirst().awaitDeath();
            askers.get(1).ask("read cache", 700);
            await("the second has told", () -> reads(cache.stats()) == reads + 700);
            assertThat(cache.stats().hits()).isEqualTo(hits + 200);
            Long _ = cache.getIfPresent("key0");
            assertThat(reads(cache.stats())).as("reads, its own at once").isEqualTo(reads + 701);
        }
    }

    private static long reads(CacheStats stats) {
        return stats.hits() + stats.misses();
    }
}
