package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Seed;
import dev.cairn.bench.processes.Scratch;
import dev.cairn.process.LinearWork.Flaw;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that operations on one key are linearizable across processes. Several JVMs
 * work on the same few keys and note what they asked for and what they were told. Meanwhile they
 * are killed, stopped and continued, and another JVM makes logs roll, tables grow, regions be
 * cleaned and checkpoints be made. For each key there must be an order of its operations that
 * explains the history. The canaries are the flaws of {@link Flaw}.
 */
@Timeout(value = 900, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LinearizabilityIT {
    private static final int PROCESSES = 3;

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final Random random = Seed.random(getClass());

    private Path store() {
        return directory.resolve("store.cairn");
    }

    private Child worker(int lane, int operations, boolean evicting, Flaw flaw) {
        Child child = children.spare();
        child.tell(
                "linear",
                store(),
                directory.resolve("history"),
                operations,
                lane,
                random.nextLong(),
                evicting,
                flaw);
        return child;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyHistoryHasAnOrder(boolean evicting) throws IOException {
        String wrong = run(10_000, 8, evicting, Flaw.NONE);
        assertThat(wrong).isNull();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    @Tag("soak")
    void everyLongHistoryHasAnOrder(boolean evicting) throws IOException {
        for (int round = 0; round < 40; round++) {
            assertThat(run(40_000, 40, evicting, Flaw.NONE)).isNull();
            clear();
        }
    }

    @ParameterizedTest
    @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void aFlawIsNoticed(Flaw flaw) throws IOException {
        String wrong = run(15_000, 0, false, flaw);
        System.out.printf("LinearizabilityIT: canary %s: %s%n", flaw, wrong);
        assertThat(wrong).contains("no order");
    }

    private void clear() throws IOException {
        Scratch.delete(directory);
        Files.createDirectories(directory);
    }

    /** What is wrong with a history, or null if nothing is. */
    private String run(int operations, int disturbances, boolean evicting, Flaw flaw)
            throws IOException {
        try (History history = new History(directory.resolve("history"), operations)) {
            List<Child> workers = new ArrayList<>();
            for (int lane = 0; lane < PROCESSES; lane++) {
                workers.add(worker(lane, operations, evicting, flaw));
            }
            Child disturber = children.spare();
            disturber.tell("disturb", store(), random.nextLong(), evicting);
            int kills = 0;
            int stops = 0;
            for (int i = 0; i < disturbances; i++) {
                int lane = random.nextInt(PROCESSES);
                Child worker = workers.get(lane);
                // The disturbances come as the history grows, not as time passes, so that each
                // meets work under way.
                await(worker, history, lane, (i + 1L) * operations / (disturbances + 1));
                if (history.isFull(lane)) {
                    continue;
                }
                if (random.nextBoolean()) {
                    worker.kill();
                    worker.awaitDeath();
                    workers.set(lane, worker(lane, operations, evicting, flaw));
                    kills++;
                } else {
                    worker.stop();
                    LockSupport.parkNanos(random.nextInt(50_000_000));
                    Child.signal("CONT", worker.pid());
                    stops++;
                }
            }
            for (Child worker : workers) {
                assertThat(worker.answer()).isEqualTo("done");
            }
            disturber.requireNoComplaint();
            disturber.kill();
            disturber.awaitDeath();
            try (CairnStore store = Cairn.open(store(), LinearWork.options(evicting))) {
                assertThat(store.verify().damages()).isEmpty();
            }
            List<Event> events = history.events();
            Linearizer judge = new Linearizer(evicting);
            String wrong = judge.violation(events);
            System.out.printf(
                    "LinearizabilityIT: %,d operations of %d processes on %d keys, %d pending, %d kills, %d stops,"
                            + " %,d configurations%s%n",
                    events.size(),
                    PROCESSES,
                    LinearWork.KEYS,
                    events.stream().filter(Event::isPending).count(),
                    kills,
                    stops,
                    judge.configurations(),
                    evicting ? ", evicting" : "");
            return wrong;
        }
    }

    private static void await(Child worker, History history, int lane, long operations) {
        while (history.count(lane) < operations) {
            worker.requireNoComplaint();
            LockSupport.parkNanos(100_000);
        }
    }
}
