package dev.cairn.process;

import static dev.cairn.process.Values.bytes;
import static dev.cairn.process.Workload.CRAMPED_BYTES;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.SmallScale;
import dev.cairn.Stats;
import dev.cairn.process.Ledger.Figure;
import dev.cairn.process.Workload.Mode;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Attacks the promise that a killed process harms nobody. Writers are killed at random instants
 * while others write and read the same two stripes. The survivors must lose no write, and the store
 * no region. The seed decides who does what and when it dies. {@code -Dcairn.seed=...} plays it
 * again, as far as the scheduler allows.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RandomKillIT {
    private static final String SEED = "cairn.seed";
    private static final int SURVIVING_WRITERS = 2;
    private static final int READERS = 2;
    private static final int FIRST_VICTIM_LANE = SURVIVING_WRITERS + READERS;

    /** How many victims write at the same time. */
    private static final int VICTIMS = 2;

    private static final List<Figure> CLEANING =
            List.of(Figure.MOVES, Figure.EVACUATIONS, Figure.FOLDED_COPIES, Figure.CHECKPOINTS);

    private static final long LONGEST_LIFE_NANOS = 150_000_000;
    private static final long PAUSE_NANOS = 100_000;
    private static final int KILLS_BETWEEN_AUDITS = 5;

    /**
     * A compaction that is killed while it punches a hole leaves its region to the next one that
     * needs room.
     */
    private static final long LEFT_BY_COMPACTIONS = 2;

    /** This is much less than what is written. */
    private static final long MOST_BYTES = 4L << 20;

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();

    @AfterEach
    void usualScale() {
        scale.close();
    }

    @Test
    void survivorsLoseNothingWhileOthersAreKilled() throws IOException {
        kill(10, Mode.BUSY);
    }

    @Test
    @Tag("soak")
    void survivorsLoseNothingWhileHundredsAreKilled() throws IOException {
        assertThat(kill(250, Mode.BUSY)).as("locks that the survivors took over").isPositive();
    }

    @Test
    void survivorsOfAStoreThatIsFullLoseNothingAndNoRegion() throws IOException {
        kill(5, Mode.CRAMPED);
    }

    @Test
    @Tag("soak")
    void survivorsOfAStoreThatIsFullLoseNothingWhileHundredsAreKilled() throws IOException {
        kill(200, Mode.CRAMPED);
    }

    /** Kills a number of writers. Returns how many locks the survivors took over. */
    private long kill(int kills, Mode mode) throws IOException {
        long seed = Long.getLong(SEED, System.nanoTime());
        System.out.printf("RandomKillIT: -D%s=%d%n", SEED, seed);
        SplittableRandom random = new SplittableRandom(seed);
        Path file = directory.resolve("store.cairn");
        Path notes = directory.resolve("ledger");
        long takeovers;
        long used = -1;
        try (CairnStore store = Cairn.open(file, mode.options());
                Ledger ledger = Ledger.at(notes)) {
            Workload workload = new Workload(store, ledger);
            List<Child> survivors = survivors(file, notes, random, mode);
            for (int lane = 0; lane < FIRST_VICTIM_LANE; lane++) {
                awaitState(survivors.get(lane), ledger, lane, Ledger.WORKING);
            }
            Child[] victims = new Child[VICTIMS];
            for (int kill = 0; kill < kills; kill++) {
                int victim = kill % VICTIMS;
                int lane = FIRST_VICTIM_LANE + victim;
                if (victims[victim] != null) {
                    end(victims[victim], lane, ledger, workload, random);
                }
                ledger.set(lane, Figure.STATE, Ledger.STARTING);
                victims[victim] = children.spare();
                victims[victim].tell(
                        "write", file, notes, lane, random.nextLong(), Long.MAX_VALUE, 0, mode);
                if (kill % KILLS_BETWEEN_AUDITS == KILLS_BETWEEN_AUDITS - 1) {
                    for (int each = 0; each < VICTIMS; each++) {
                        end(victims[each], FIRST_VICTIM_LANE + each, ledger, workload, random);
                        victims[each] = null;
                    }
                    audit(store, workload, survivors, ledger);
                }
            }
            for (int each = 0; each < VICTIMS; each++) {
                if (victims[each] != null) {
                    end(victims[each], FIRST_VICTIM_LANE + each, ledger, workload, random);
                }
            }
            awaitAll(mode, survivors, ledger);
            ledger.order(Ledger.STOP);
            survivors.forEach(Child::answer);
            workload.judgeAll();
            assertThat(store.verify().damages()).isEmpty();
            takeovers = report(kills, store, ledger);
            if (mode == Mode.CRAMPED) {
                assertThat(store.stats().dataFileBytes()).isLessThanOrEqualTo(CRAMPED_BYTES);
                used = usedOnceAllIsRemoved(store, workload);
            }
        }
        if (used >= 0) {
            Files.delete(SharedWords.of(file));
            try (CairnStore rebuilt = Cairn.open(file, mode.options())) {
                assertThat(used - used(rebuilt.stats()))
                        .as("regions that belong to nobody")
                        .isBetween(0L, LEFT_BY_COMPACTIONS);
            }
        }
        return takeovers;
    }

    /**
     * Goes on until the kills have met everything that they are to be tried beside, however slow
     * the machine is.
     */
    private static void awaitAll(Mode mode, List<Child> survivors, Ledger ledger) {
        List<Figure> all = new ArrayList<>(CLEANING);
        if (mode == Mode.CRAMPED) {
            all.add(Figure.FULL);
        }
        while (all.stream().anyMatch(figure -> ledger.sum(figure) == 0)) {
            survivors.forEach(Child::requireNoComplaint);
            LockSupport.parkNanos(1_000_000);
        }
    }

    /**
     * Removes everything. Returns the number of regions in use, which should be those that a
     * recovery finds.
     */
    private static long usedOnceAllIsRemoved(CairnStore store, Workload workload) {
        workload.removeAll();
        store.compact();
        assertThat(store.stats()).returns(0L, Stats::liveBytes).returns(0L, Stats::waitingRegions);
        assertThat(store.verify().damages()).isEmpty();
        return used(store.stats());
    }

    private static long used(Stats stats) {
        return stats.regions() - stats.freeRegions();
    }

    private List<Child> survivors(Path file, Path notes, SplittableRandom random, Mode mode) {
        List<Child> survivors = children.start(SURVIVING_WRITERS + READERS);
        for (int lane = 0; lane < SURVIVING_WRITERS + READERS; lane++) {
            long seed = random.nextLong();
            if (lane < SURVIVING_WRITERS) {
                survivors
                        .get(lane)
                        .tell("write", file, notes, lane, seed, Long.MAX_VALUE, PAUSE_NANOS, mode);
            } else {
                survivors.get(lane).tell("read", file, notes, lane, seed);
            }
        }
        return survivors;
    }

    private static void awaitState(Child child, Ledger ledger, int lane, long state) {
        while (ledger.figure(lane, Figure.STATE) != state) {
            child.requireNoComplaint();
            LockSupport.parkNanos(100_000);
        }
    }

    /**
     * Kills a victim some time after it began to write. One in eight is killed while it opens the
     * store.
     */
    private static void end(
            Child victim, int lane, Ledger ledger, Workload workload, SplittableRandom random) {
        if (random.nextInt(8) != 0) {
            awaitState(victim, ledger, lane, Ledger.WORKING);
            LockSupport.parkNanos(random.nextLong(LONGEST_LIFE_NANOS));
        }
        victim.requireNoComplaint();
        victim.kill();
        victim.awaitDeath();
        workload.judgeLane(lane);
    }

    /** Stops the survivors for a moment, so that everything they wrote can be compared. */
    private static void audit(
            CairnStore store, Workload workload, List<Child> survivors, Ledger ledger) {
        ledger.order(Ledger.PAUSE);
        for (int lane = 0; lane < FIRST_VICTIM_LANE; lane++) {
            awaitState(survivors.get(lane), ledger, lane, Ledger.PAUSED);
        }
        assertThat(store.verify().damages()).isEmpty(); // takes every lock, which repairs
        workload.judgeAll();
        ledger.order(Ledger.GO);
    }

    private static long report(int kills, CairnStore store, Ledger ledger) {
        long operations = 0;
        long longest = 0;
        long takeovers = store.stats().takeovers();
        for (int lane = 0; lane < FIRST_VICTIM_LANE; lane++) {
            operations += ledger.figure(lane, Figure.OPERATIONS);
            longest = Math.max(longest, ledger.figure(lane, Figure.LONGEST_NANOS));
            takeovers += ledger.figure(lane, Figure.TAKEOVERS);
        }
        System.out.printf(
                "RandomKillIT: %d kills, %d takeovers, %d operations of survivors, longest %.1f ms%n",
                kills, takeovers, operations, longest / 1e6);
        System.out.printf("RandomKillIT: full %d times%n", ledger.sum(Figure.FULL));
        System.out.printf(
                "RandomKillIT: %d moves, %d regions left, %d folded copies, %d checkpoints, %d KiB live of %d%n",
                ledger.sum(Figure.MOVES),
                ledger.sum(Figure.EVACUATIONS),
                ledger.sum(Figure.FOLDED_COPIES),
                ledger.sum(Figure.CHECKPOINTS),
                store.stats().liveBytes() >> 10,
                store.stats().dataFileBytes() >> 10);
        assertThat(store.stats().dataFileBytes()).isLessThan(MOST_BYTES);
        return takeovers;
    }

    @Test
    void whoeverIsKilledWhileOpeningAndClosingLosesNothing() throws IOException {
        killCycling(12);
    }

    @Test
    @Tag("soak")
    void whoeverIsKilledWhileOpeningAndClosingLosesNothingHundredsOfTimes() throws IOException {
        killCycling(200);
    }

    /**
     * Kills processes that open and close all the time. So the first to open and the last to close
     * are killed too.
     */
    private void killCycling(int kills) throws IOException {
        long seed = Long.getLong(SEED, System.nanoTime());
        System.out.printf("RandomKillIT: cycling, -D%s=%d%n", SEED, seed);
        SplittableRandom random = new SplittableRandom(seed);
        Path file = directory.resolve("store.cairn");
        Path notes = directory.resolve("ledger");
        Cairn.open(file, Options.defaults().withStripes(2)).close();
        try (Ledger ledger = Ledger.at(notes)) {
            Child[] victims = new Child[VICTIMS];
            for (int kill = 0; kill < kills + VICTIMS; kill++) {
                int lane = kill % VICTIMS;
                Child victim = victims[lane];
                if (victim != null) {
                    awaitState(victim, ledger, lane, Ledger.WORKING);
                    LockSupport.parkNanos(random.nextLong(LONGEST_LIFE_NANOS / 3));
                    victim.requireNoComplaint();
                    victim.kill();
                    victim.awaitDeath();
                }
                ledger.set(lane, Figure.STATE, Ledger.STARTING);
                victims[lane] = children.spare();
                int operations = random.nextInt(40);
                victims[lane].tell("cycle", file, notes, lane, random.nextLong(), operations, 0);
            }
            for (Child victim : victims) {
                victim.kill();
                victim.awaitDeath();
            }
            try (CairnStore store = Cairn.open(file)) {
                assertThat(store.recovery().kind()).isNotEqualTo(Kind.CREATED);
                new Workload(store, ledger).judgeAll();
                assertThat(store.verify().damages()).isEmpty();
            }
            System.out.printf(
                    "RandomKillIT: %d kills of cycling processes; opened %d joined, %d clean, %d repaired, %d rebuilt%n",
                    kills,
                    ledger.sum(Figure.JOINED),
                    ledger.sum(Figure.CLEAN),
                    ledger.sum(Figure.REPAIRED),
                    ledger.sum(Figure.REBUILT));
        }
    }

    /**
     * The files grow all the time. Others must be able to use what a killed process had claimed or
     * allocated.
     */
    @Test
    void whoeverIsKilledWhileTheFilesGrowLeaksNothing() throws IOException {
        killGrowing(6);
    }

    @Test
    @Tag("soak")
    void whoeverIsKilledWhileTheFilesGrowLeaksNothingManyTimes() throws IOException {
        killGrowing(60);
    }

    private void killGrowing(int kills) throws IOException {
        long seed = Long.getLong(SEED, System.nanoTime());
        System.out.printf("RandomKillIT: growing, -D%s=%d%n", SEED, seed);
        SplittableRandom random = new SplittableRandom(seed);
        Path file = directory.resolve("store.cairn");
        Path notes = directory.resolve("ledger");
        try (CairnStore store = Cairn.open(file, Options.defaults().withStripes(2));
                Ledger ledger = Ledger.at(notes)) {
            Workload workload = new Workload(store, ledger);
            for (int kill = 0; kill < kills; kill++) {
                int lane = kill % VICTIMS;
                ledger.set(lane, Figure.STATE, Ledger.STARTING);
                Child victim = children.spare();
                victim.tell("grow", file, notes, lane);
                awaitState(victim, ledger, lane, Ledger.WORKING);
                LockSupport.parkNanos(random.nextLong(LONGEST_LIFE_NANOS / 10));
                victim.requireNoComplaint();
                victim.kill();
                assertThat(store.verify().damages()).isEmpty(); // takes every lock, which repairs
                workload.judgeGrown(lane);
            }
            Stats stats = store.stats();
            long used = (stats.regions() - stats.freeRegions()) * stats.regionBytes();
            System.out.printf(
                    "RandomKillIT: growing, %d entries, %d MiB live, %d MiB used, %d MiB in all%n",
                    stats.entries(),
                    stats.liveBytes() >> 20,
                    used >> 20,
                    stats.dataFileBytes() >> 20);
            assertThat(used).isBetween(stats.liveBytes(), stats.liveBytes() + (64 << 10));
        }
    }

    /**
     * Two processes create one file at the same time, and one of them is killed at some instant.
     */
    @Test
    void whoeverIsKilledWhileCreatingLeavesTheOtherAWholeStore() throws IOException {
        killCreating(5);
    }

    @Test
    @Tag("soak")
    void whoeverIsKilledWhileCreatingLeavesTheOtherAWholeStoreManyTimes() throws IOException {
        killCreating(100);
    }

    private void killCreating(int kills) throws IOException {
        long seed = Long.getLong(SEED, System.nanoTime());
        System.out.printf("RandomKillIT: creating, -D%s=%d%n", SEED, seed);
        SplittableRandom random = new SplittableRandom(seed);
        for (int kill = 0; kill < kills; kill++) {
            Path file = directory.resolve("store" + kill + ".cairn");
            Child victim = children.spare();
            Child survivor = children.spare();
            victim.ask("pid");
            survivor.ask("pid");
            long start = System.currentTimeMillis() + 20;
            victim.tell("race", file, "victim", start);
            survivor.tell("race", file, "survivor", start + random.nextInt(20));
            LockSupport.parkNanos(20_000_000 + random.nextLong(60_000_000));
            victim.requireNoComplaint();
            boolean returned = victim.saidAnything();
            victim.kill();
            survivor.answer();
            try (CairnStore store = Cairn.open(file)) {
                assertThat(store.get(bytes("survivor"))).isNotNull();
                assertThat(store.containsKey(bytes("victim")) || !returned).isTrue();
                assertThat(store.verify().damages()).isEmpty();
            }
            survivor.ask("close");
            victim.awaitDeath();
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.filter(each -> each.getFileName().toString().endsWith("-new")))
                    .isEmpty();
        }
    }
}
