package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CacheModel;
import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.Rounds;
import dev.cairn.Seed;
import dev.cairn.SmallScale;
import dev.cairn.Verification;
import dev.cairn.cli.CommandLineFixture;
import dev.cairn.process.Ledger.Figure;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promises of a cache that several processes share: it keeps its bound, it never
 * returns a superseded value, and it is sound after kills. The processes load much more than the
 * cache has room for, and some are killed now and then. Its bound is checked at every sample, and
 * its whole content at the end.
 */
@Timeout(value = 3600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CacheCrowdIT {
    private static final int PROCESSES = 3;
    private static final int KEYS = 20_000;
    private static final int MEAN_BYTES = 700;
    private static final long BOUND = 4L << 20;
    private static final long LONGEST_LIFE_NANOS = 250_000_000;

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();
    private final Random random = Seed.random(CacheCrowdIT.class);

    @AfterEach
    void usualScale() {
        scale.close();
        Workload.keysOfACache(false);
    }

    private Path file() {
        return directory.resolve("cache");
    }

    private Path notes() {
        return directory.resolve("ledger");
    }

    private static Options cache(long bytes, Durability durability) {
        return Options.defaults().withMaxBytes(bytes).withEviction(true).withDurability(durability);
    }

    private Child hammer(Ledger ledger, int lane, int keys, int meanBytes) {
        ledger.set(lane, Figure.STATE, Ledger.STARTING);
        Child child = children.spare();
        child.tell("hammer", file(), notes(), lane, random.nextLong(), keys, meanBytes);
        return child;
    }

    private static void awaitWorking(Child child, Ledger ledger, int lane) {
        while (ledger.figure(lane, Figure.STATE) != Ledger.WORKING) {
            child.requireNoComplaint();
            LockSupport.parkNanos(100_000);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"NONE", "CHECKPOINT"})
    void boundIsKeptThoughSomeAreKilled(Durability durability) throws IOException {
        crowd(BOUND, durability, KEYS, MEAN_BYTES, 2, 20_000, 0);
    }

    /**
     * Runs for two minutes by default, with 2 GiB of keys in 256 MiB. System properties change
     * that.
     */
    @Test
    @Tag("soak")
    void boundIsKeptForMinutesThoughDozensAreKilled() throws IOException {
        System.clearProperty(Children.REGION_BYTES);
        long bound = Long.getLong("cairn.cache.bytes", 256L << 20);
        long working = Long.getLong("cairn.cache.working", 2L << 30);
        int mean = Integer.getInteger("cairn.cache.mean", 1_000);
        long seconds = Long.getLong("cairn.cache.seconds", 120);
        Durability durability =
                Durability.valueOf(System.getProperty("cairn.cache.durability", "NONE"));
        int kills = (int) (seconds / 4);
        crowd(bound, durability, (int) (working / mean), mean, kills, 1_000_000, seconds);
    }

    /** A process that may only read holds no writers off while it verifies. */
    @Test
    void verificationByAReaderBesideEvictionFindsNoDamage() throws IOException {
        Cairn.open(file(), cache(BOUND, Durability.NONE).withStripes(1)).close();
        try (Ledger ledger = Ledger.at(notes())) {
            Child writer = hammer(ledger, 0, KEYS, MEAN_BYTES);
            awaitWorking(writer, ledger, 0);
            try (CairnStore store = Cairn.open(file(), Options.defaults().withReadOnly(true))) {
                while (store.stats().evictions() == 0) {
                    writer.requireNoComplaint();
                    LockSupport.parkNanos(1_000_000);
                }
                for (int time = 0; time < Rounds.of(10, 200); time++) {
                    Verification found = store.verify();
                    System.out.println("CacheCrowdIT: beside eviction, " + found);
                    assertThat(found.damages()).isEmpty();
                }
            }
            writer.requireNoComplaint();
            writer.kill();
        }
    }

    private void crowd(
            long bound,
            Durability durability,
            int keys,
            int meanBytes,
            int kills,
            long operations,
            long seconds)
            throws IOException {
        Cairn.open(file(), cache(bound, durability)).close();
        long samples = 0;
        long start = System.nanoTime();
        long end = start + Duration.ofSeconds(seconds).toNanos();
        try (Ledger ledger = Ledger.at(notes())) {
            List<Child> all = new ArrayList<>();
            for (int lane = 0; lane < PROCESSES; lane++) {
                all.add(hammer(ledger, lane, keys, meanBytes));
            }
            long sharedBytes = 0;
            for (int kill = 0; kill < kills || System.nanoTime() < end; kill++) {
                int lane = random.nextInt(PROCESSES);
                awaitWorking(all.get(lane), ledger, lane);
                long until = System.nanoTime() + random.nextLong(LONGEST_LIFE_NANOS);
                if (seconds > 0) {
                    until += Duration.ofSeconds(seconds).toNanos() / kills;
                }
                while (System.nanoTime() < until) {
                    samples++;
                    assertBounded(bound);
                    sharedBytes = Math.max(sharedBytes, Files.size(SharedWords.of(file())));
                    all.forEach(Child::requireNoComplaint);
                    LockSupport.parkNanos(1_000_000);
                }
                all.get(lane).kill();
                all.get(lane).awaitDeath();
                all.set(lane, hammer(ledger, lane, keys, meanBytes));
            }
            while (ledger.sum(Figure.OPERATIONS) < operations) {
                samples++;
                assertBounded(bound);
                all.forEach(Child::requireNoComplaint);
                LockSupport.parkNanos(1_000_000);
            }
            ledger.order(Ledger.STOP);
            all.forEach(Child::answer);
            System.out.printf(
                    "CacheCrowdIT: %s, %d operations in %.1f s, %d kills, %d takeovers, %d samples of the size,"
                            + " %.1f %% of %d reads hit, longest operation %.1f ms, shared-memory file %d KiB%n",
                    durability,
                    ledger.sum(Figure.OPERATIONS),
                    (System.nanoTime() - start) / 1e9,
                    kills,
                    ledger.sum(Figure.TAKEOVERS),
                    samples,
                    100 - 100.0 * ledger.sum(Figure.ABSENT_READS) / ledger.sum(Figure.READS),
                    ledger.sum(Figure.READS),
                    ledger.greatest(Figure.LONGEST_NANOS) / 1e6,
                    sharedBytes >> 10);
            judge(ledger, bound, keys, meanBytes);
        }
    }

    private void assertBounded(long bound) throws IOException {
        assertThat(Files.size(file())).isLessThanOrEqualTo(bound);
    }

    private void judge(Ledger ledger, long bound, int keys, int meanBytes) throws IOException {
        CommandLineFixture.Result check = new CommandLineFixture().run("check", file());
        assertThat(check.err()).isEmpty();
        assertThat(check.exit()).as(check.out()).isZero();
        try (CairnStore store = Cairn.open(file(), CacheModel.QUIET)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            int there = new CacheWorkload(store, ledger, 0, keys, meanBytes, 0).judgeAll();
            assertThat(there).as("entries left of the lanes' keys").isPositive();
            assertThat(store.stats().dataFileBytes()).isBetween(bound / 2, bound);
            assertThat(store.stats().liveBytes()).isGreaterThan(bound / 3);
        }
    }

    /** All processes are killed in the middle of evictions. */
    @Test
    void cacheIsWholeWhenAllWereKilled() throws IOException {
        Cairn.open(file(), cache(BOUND, Durability.NONE)).close();
        try (Ledger ledger = Ledger.at(notes())) {
            for (int round = 0; round < 2; round++) {
                List<Child> all = new ArrayList<>();
                for (int lane = 0; lane < PROCESSES; lane++) {
                    all.add(hammer(ledger, lane, KEYS, MEAN_BYTES));
                }
                for (int lane = 0; lane < PROCESSES; lane++) {
                    awaitWorking(all.get(lane), ledger, lane);
                }
                long before = ledger.sum(Figure.OPERATIONS);
                while (ledger.sum(Figure.OPERATIONS) < before + 8_000) {
                    all.forEach(Child::requireNoComplaint);
                    LockSupport.parkNanos(1_000_000);
                }
                all.forEach(Child::kill);
                all.forEach(Child::awaitDeath);
                assertBounded(BOUND);
                try (CairnStore store = Cairn.open(file(), CacheModel.QUIET)) {
                    assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
                    new CacheWorkload(store, ledger, 0, KEYS, MEAN_BYTES, 0).judgeAll();
                }
                judge(ledger, BOUND, KEYS, MEAN_BYTES);
            }
        }
    }

    /** Marks and frequencies must outlive the process that stored them. */
    @Test
    void cacheOfAKilledProcessKnowsWhatIsPopular() {
        int fitting = (int) (BOUND / 150);
        int popular = fitting / 10;
        Cairn.open(file(), cache(BOUND, Durability.NONE)).close();
        Child child = children.start();
        child.ask("open", file());
        child.ask("popular", popular);
        child.kill();
        child.awaitDeath();
        try (CairnStore store = Cairn.open(file(), CacheModel.QUIET)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
            CacheWorkload.scan(store, 5 * popular, fitting * 3 / 2);
            int there = 0;
            int others = 0;
            for (int key = 0; key < popular; key++) {
                there += store.containsKey(bytes(CacheWorkload.popularKey(key))) ? 1 : 0;
                others += store.containsKey(bytes(CacheWorkload.passingKey(key))) ? 1 : 0;
            }
            System.out.printf(
                    "CacheCrowdIT: behind a kill, of %d each, %d popular and %d others are there%n",
                    popular, there, others);
            assertThat(there).isGreaterThan(others + popular / 4);
        }
    }

    /**
     * A stopped writer holds the lock of one stripe. The others must make room in the other
     * stripes.
     */
    @Test
    void othersEvictAroundAStoppedWriter() throws IOException {
        writeAroundAStoppedWriter(100);
    }

    @Test
    void largeEntriesFindRoomAroundAStoppedWriter() throws IOException {
        writeAroundAStoppedWriter(200_000);
    }

    /** @param large the bytes of every two hundredth value */
    private void writeAroundAStoppedWriter(int large) throws IOException {
        Options options = cache(BOUND, Durability.NONE).withStripes(4);
        try (CairnStore store =
                Cairn.open(file(), options.withLockTimeout(Duration.ofSeconds(5)))) {
            CacheWorkload.scan(store, 0, 20_000);
            StripeKeys keys = new StripeKeys(file());
            Child writer = children.start();
            writer.ask("open", file());
            writer.ask("park", "W8", 1);
            writer.tell("put", keys.of(2, "stopped"), 200);
            writer.awaitStep("W8");
            Child.signal("STOP", writer.pid());
            for (int i = 0; i < 30_000; i++) {
                String key = keys.of(i % 4 == 2 ? 3 : i % 4, "around" + i + "/");
                store.put(bytes(key), Values.of(key, 0, 1, i % 200 == 199 ? large : 100));
                if (i % 100 == 0) {
                    assertBounded(BOUND);
                }
            }
            Child.signal("CONT", writer.pid());
            writer.tell("go");
            assertThat(Long.parseLong(writer.answer())).isPositive();
            writer.ask("close");
            assertThat(store.stats().takeovers()).isZero();
            assertThat(store.get(bytes(keys.of(2, "stopped")))).isNotNull();
        }
        assertThat(new CommandLineFixture().run("check", file()).exit()).isZero();
    }
}
