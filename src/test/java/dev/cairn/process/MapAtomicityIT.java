package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CairnMap;
import dev.cairn.SmallScale;
import dev.cairn.process.Ledger.Figure;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that a function on a map's entry is applied once. Processes increment the
 * same counters by functions, and some are killed. No increment may be lost or made twice.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MapAtomicityIT {
    private static final String SEED = "cairn.seed";
    private static final int PROCESSES = 4;
    private static final long LONGEST_LIFE_NANOS = 150_000_000;

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();
    private SplittableRandom random;

    @AfterEach
    void usualScale() {
        scale.close();
    }

    @Test
    void everyIncrementIsMadeOnce() throws IOException {
        run(5_000, 0);
    }

    @Test
    void everyIncrementThatReturnedIsMadeOnceThoughProcessesAreKilled() throws IOException {
        run(Long.MAX_VALUE, 8);
    }

    @Test
    @Tag("soak")
    void everyIncrementThatReturnedIsMadeOnceThoughHundredsAreKilled() throws IOException {
        run(Long.MAX_VALUE, 300);
    }

    private void run(long increments, int kills) throws IOException {
        long seed = Long.getLong(SEED, System.nanoTime());
        System.out.printf("MapAtomicityIT: -D%s=%d%n", SEED, seed);
        random = new SplittableRandom(seed);
        Path file = directory.resolve("store.cairn");
        Path notes = directory.resolve("ledger");
        try (Ledger ledger = Ledger.at(notes);
                CairnMap<String, Long> map = Counting.open(file, true)) {
            Counting.create(map);
            List<Child> counting = new ArrayList<>();
            for (int lane = 0; lane < PROCESSES; lane++) {
                counting.add(told(file, notes, lane, increments));
            }
            for (int kill = 0; kill < kills; kill++) {
                int lane = kill % PROCESSES;
                end(counting.get(lane), ledger, lane);
                counting.set(lane, told(file, notes, lane, increments));
            }
            if (kills > 0) {
                while (ledger.sum(Figure.OPERATIONS) <= 1_000) {
                    counting.forEach(Child::requireNoComplaint);
                    LockSupport.parkNanos(1_000_000);
                }
                ledger.order(Ledger.STOP);
            }
            counting.forEach(Child::answer);
            judge(map, ledger, kills);
            assertThat(map.store().verify().damages()).isEmpty();
        }
    }

    private Child told(Path file, Path notes, int lane, long increments) {
        Child child = children.spare();
        child.tell("count", file, notes, lane, random.nextLong(), increments);
        return child;
    }

    private void end(Child child, Ledger ledger, int lane) {
        while (ledger.figure(lane, Figure.STATE) != Ledger.WORKING) {
            child.requireNoComplaint();
            LockSupport.parkNanos(100_000);
        }
        LockSupport.parkNanos(random.nextLong(LONGEST_LIFE_NANOS));
        child.requireNoComplaint();
        child.kill();
        child.awaitDeath();
        ledger.set(lane, Figure.STATE, Ledger.STARTING);
    }

    private static void judge(CairnMap<String, Long> map, Ledger ledger, int kills) {
        long inDoubt = 0;
        long sum = 0;
        for (int counter = 0; counter < Counting.COUNTERS; counter++) {
            long begun = 0;
            long returned = 0;
            for (int lane = 0; lane < PROCESSES; lane++) {
                begun += ledger.begun(lane, counter);
                returned += ledger.returned(lane, counter);
            }
            assertThat(begun - returned)
                    .as("increments that never returned")
                    .isBetween(0L, (long) kills);
            long count = map.get(Counting.name(counter));
            assertThat(count).as(Counting.name(counter)).isBetween(returned, begun);
            inDoubt += begun - returned;
            sum += count;
        }
        System.out.printf(
                "MapAtomicityIT: %,d increments by %,d operations, %d in doubt by %d kills%n",
                sum, ledger.sum(Figure.OPERATIONS), inDoubt, kills);
        System.out.printf(
                "MapAtomicityIT: %,d moves, %,d folded copies%n",
                ledger.sum(Figure.MOVES), ledger.sum(Figure.FOLDED_COPIES));
        assertThat(ledger.sum(Figure.OPERATIONS)).isGreaterThan(1_000);
    }
}
