package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CairnMap;
import dev.cairn.SmallScale;
import dev.cairn.process.Coherence.Caching;
import dev.cairn.process.Ledger.Figure;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that a near cache never returns a stale entry. Some processes write, others
 * read through near caches, and some are killed. No read may be older than what was known to have
 * been written when it began; {@link Coherence} judges that. The canary is a process that does not
 * confirm its cached entries.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CoherenceIT {
    private static final String SEED = "cairn.seed";
    private static final int PROCESSES = 2;
    private static final int THREADS = 2;
    private static final int WRITER_LANES = PROCESSES * THREADS;
    private static final int FIRST_READER_LANE = WRITER_LANES;
    private static final long LONGEST_LIFE_NANOS = 250_000_000;

    private static final List<Figure> READING =
            List.of(Figure.CONFIRMED, Figure.REFRESHED, Figure.STALE);

    private static final List<Figure> CLEANING =
            List.of(
                    Figure.MOVES,
                    Figure.EVACUATIONS,
                    Figure.FOLDED_COPIES,
                    Figure.CHECKPOINTS,
                    Figure.ABSENT_READS);

    private static final List<Figure> EVICTING =
            List.of(Figure.MOVES, Figure.EVACUATIONS, Figure.DROPS, Figure.ABSENT_READS);

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();
    private SplittableRandom random;

    /** Whether the store is a cache. */
    private boolean evicting;

    @AfterEach
    void usualScale() {
        scale.close();
        Workload.keysOfACache(false);
    }

    @Test
    void noReadIsOlderThanWhatWasKnownToBeWritten() throws IOException {
        run(1_500_000, 10_000, 0, false);
    }

    @Test
    void noReadIsOlderThoughWritersAreKilled() throws IOException {
        run(600_000, 6_000, 4, false);
    }

    /**
     * The store evicts cached keys all the time. An entry must be there as it was put last, or be
     * absent.
     */
    @Test
    void noReadIsOlderThoughEntriesAreEvicted() throws IOException {
        evicting = true;
        run(600_000, 6_000, 2, false);
    }

    @Test
    @Tag("soak")
    void noReadIsOlderThoughMillionsAreEvicted() throws IOException {
        evicting = true;
        run(50_000_000, 500_000, 50, true);
    }

    @Test
    @Tag("soak")
    void noReadIsOlderInHundredMillions() throws IOException {
        run(100_000_000, 1_000_000, 0, true);
    }

    @Test
    @Tag("soak")
    void noReadIsOlderThoughHundredsAreKilled() throws IOException {
        run(20_000_000, 200_000, 300, true);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void canaryReadsThatAreNotConfirmedAreCaught(boolean ofCache) throws IOException {
        evicting = ofCache;
        try (Ledger ledger = ledger()) {
            List<Child> writers = List.of(writer(0));
            awaitWorking(writers.getFirst(), ledger, 0);
            Child reader =
                    reader(0, evicting ? Caching.UNCONFIRMED_OF_CACHE : Caching.UNCONFIRMED, false);
            while (ledger.sum(Figure.WRONG_READS) == 0) {
                reader.requireNoComplaint();
                LockSupport.parkNanos(1_000_000);
            }
            ledger.order(Ledger.STOP);
            writers.forEach(Child::answer);
            String wrong = reader.answer();
            System.out.printf(
                    "CoherenceIT: canary, %d of %d reads wrong, the first: %s%n",
                    ledger.sum(Figure.WRONG_READS), ledger.sum(Figure.READS), wrong);
            assertThat(wrong) // the canary meets either a stale or an expired entry first
                    .containsAnyOf("had returned", "and was seen at");
            assertThat(ledger.sum(Figure.UNCONFIRMED)).isPositive();
        }
    }

    private Path store() {
        return directory.resolve("store.cairn");
    }

    private Path notes() {
        return directory.resolve("ledger");
    }

    private Ledger ledger() throws IOException {
        long seed = Long.getLong(SEED, System.nanoTime());
        System.out.printf("CoherenceIT: -D%s=%d%n", SEED, seed);
        random = new SplittableRandom(seed);
        return Ledger.at(notes());
    }

    private Caching all() {
        return evicting ? Caching.ALL_OF_CACHE : Caching.ALL;
    }

    private Child writer(int number) {
        return told(children.spare(), "write map", number * THREADS, all());
    }

    private Child reader(int number, Caching caching, boolean optimizing) {
        Child child = optimizing ? children.startOptimizing() : children.start();
        return told(child, "read map", FIRST_READER_LANE + number * THREADS, caching);
    }

    private Child told(Child child, String what, int firstLane, Caching caching) {
        child.tell(
                what,
                store(),
                notes(),
                WRITER_LANES,
                firstLane,
                THREADS,
                random.nextLong(),
                caching);
        return child;
    }

    private static void awaitWorking(Child child, Ledger ledger, int lane) {
        while (ledger.figure(lane, Figure.STATE) != Ledger.WORKING) {
            child.requireNoComplaint();
            LockSupport.parkNanos(100_000);
        }
    }

    /** Goes on until the given numbers of reads, writes and kills are reached. */
    private void run(long reads, long writes, int kills, boolean optimizing) throws IOException {
        try (Ledger ledger = ledger()) {
            List<Child> writers = new ArrayList<>();
            for (int i = 0; i < PROCESSES; i++) {
                writers.add(writer(i));
                awaitWorking(writers.get(i), ledger, i * THREADS);
            }
            List<Child> readers =
                    List.of(
                            reader(0, all(), optimizing),
                            reader(1, evicting ? Caching.SOME_OF_CACHE : Caching.SOME, optimizing));
            for (int kill = 0; kill < kills; kill++) {
                kill(kill % PROCESSES, writers, ledger);
            }
            while ((ledger.sum(Figure.READS) < reads
                            || ledger.sum(Figure.OPERATIONS) < writes
                            || !allWasMet(ledger))
                    && ledger.order() != Ledger.STOP) {
                readers.forEach(Child::requireNoComplaint);
                writers.forEach(Child::requireNoComplaint);
                LockSupport.parkNanos(1_000_000);
            }
            ledger.order(Ledger.STOP);
            writers.forEach(Child::answer);
            for (Child reader : readers) {
                assertThat(reader.answer()).isEqualTo("fine");
            }
            try (CairnMap<String, Mark> map = Coherence.open(store(), all())) {
                new Coherence(map, ledger, WRITER_LANES, all()).judgeAll();
                assertThat(map.store().verify().damages()).isEmpty();
            }
            report(ledger, kills);
        }
    }

    /**
     * Whether each way of reading has been tried, and everything that makes places be used again.
     */
    private boolean allWasMet(Ledger ledger) {
        boolean met =
                (evicting ? EVICTING : CLEANING)
                        .stream().allMatch(figure -> ledger.sum(figure) > 0);
        for (int reader = 0; reader < PROCESSES; reader++) {
            int lane = FIRST_READER_LANE + reader * THREADS;
            met &= READING.stream().allMatch(kind -> ledger.figure(lane, kind) > 1_000);
        }
        return met;
    }

    /**
     * Kills a writer at any instant, also while it opens the store. Another takes over its lanes.
     */
    private void kill(int number, List<Child> writers, Ledger ledger) {
        int lane = number * THREADS;
        if (random.nextInt(8) != 0) {
            awaitWorking(writers.get(number), ledger, lane);
            LockSupport.parkNanos(random.nextLong(LONGEST_LIFE_NANOS));
        }
        writers.get(number).requireNoComplaint();
        writers.get(number).kill();
        writers.get(number).awaitDeath();
        ledger.set(lane, Figure.STATE, Ledger.STARTING);
        writers.set(number, writer(number));
    }

    private void report(Ledger ledger, int kills) {
        System.out.printf(
                "CoherenceIT: %,d reads, %,d of them of absent keys, %,d writes, %d kills%n",
                ledger.sum(Figure.READS),
                ledger.sum(Figure.ABSENT_READS),
                ledger.sum(Figure.OPERATIONS),
                kills);
        for (int lane = 0; lane < FIRST_READER_LANE + PROCESSES * THREADS; lane += THREADS) {
            System.out.printf(
                    "CoherenceIT: lane %d: %,d confirmed, %,d refreshed, %,d stale%n",
                    lane,
                    ledger.figure(lane, Figure.CONFIRMED),
                    ledger.figure(lane, Figure.REFRESHED),
                    ledger.figure(lane, Figure.STALE));
        }
        System.out.printf(
                "CoherenceIT: %,d moves, %,d drops, %,d regions left, %,d folded copies, %,d checkpoints%n",
                ledger.sum(Figure.MOVES),
                ledger.sum(Figure.DROPS),
                ledger.sum(Figure.EVACUATIONS),
                ledger.sum(Figure.FOLDED_COPIES),
                ledger.sum(Figure.CHECKPOINTS));
        assertThat(allWasMet(ledger)).isTrue();
        assertThat(ledger.sum(Figure.WRONG_READS)).isZero();
    }
}
