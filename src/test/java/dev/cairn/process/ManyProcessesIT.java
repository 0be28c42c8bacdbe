package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.Seed;
import dev.cairn.process.Ledger.Figure;
import dev.cairn.process.Workload.Mode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Attacks what several processes see that use one store at once, while nobody dies: no update is
 * lost, no value is mixed, no reader goes back, and a durable write survives a power loss. The
 * canaries are increments that forget the others, a wrong value, and writes that were not durable.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ManyProcessesIT {
    private static final int WRITERS = 4;
    private static final int READERS = 2;

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    @Test
    void noUpdateIsLostNoValueIsMixedAndNoReaderGoesBack() throws IOException {
        Random random = Seed.random(ManyProcessesIT.class);
        Path file = directory.resolve("store.cairn");
        Path notes = directory.resolve("ledger");
        try (Ledger ledger = Ledger.at(notes)) {
            List<Child> writers = children.start(WRITERS);
            List<Child> readers = children.start(READERS);
            for (int lane = 0; lane < WRITERS; lane++) {
                writers.get(lane).tell("write", file, notes, lane, random.nextLong(), 8_000, 0);
            }
            while (ledger.sum(Figure.OPERATIONS) == 0) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < READERS; i++) {
                int lane = WRITERS + i;
                readers.get(i).tell("read", file, notes, lane, random.nextLong());
            }
            writers.forEach(Child::answer);
            ledger.order(Ledger.STOP);
            readers.forEach(Child::answer);
            System.out.printf(
                    "ManyProcessesIT: %d operations, longest %.1f ms%n",
                    ledger.sum(Figure.OPERATIONS), ledger.greatest(Figure.LONGEST_NANOS) / 1e6);
            try (CairnStore store = Cairn.open(file)) {
                assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
                new Workload(store, ledger).judgeAll();
                assertThat(ledger.sum(Figure.INCREMENTS_RETURNED))
                        .isEqualTo(ledger.sum(Figure.INCREMENTS_BEGUN))
                        .isPositive();
                assertThat(store.verify().damages()).isEmpty();
            }
        }
    }

    /**
     * A process that waits for a checkpoint that is under way may find that another process has
     * made the next one.
     */
    @Test
    void processesThatCheckpointAtOnceShareOne() {
        int times = 100;
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = Cairn.open(file, Scenario.QUIET.withStripes(4))) {
            long before = store.stats().durableEpoch();
            List<Child> sharers = children.start(3);
            sharers.forEach(sharer -> sharer.ask("open", file));
            for (int i = 0; i < sharers.size(); i++) {
                sharers.get(i).tell("share", "key" + i, times);
            }
            long made = 0;
            for (Child sharer : sharers) {
                made += Long.parseLong(sharer.answer());
            }
            System.out.printf(
                    "ManyProcessesIT: %d calls made %d checkpoints%n",
                    times * sharers.size(), made);
            assertThat(made).isBetween((long) times, times * (long) sharers.size() - 1);
            assertThat(store.stats().durableEpoch() - before).isEqualTo(made);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void whatReturnedDurablyIsThereAfterAPowerLoss() throws IOException {
        Random random = Seed.random(ManyProcessesIT.class);
        try (Ledger ledger = Ledger.at(directory.resolve("ledger"))) {
            for (int round = 1; round <= 2; round++) {
                writeAndLosePower(random, ledger, Mode.EACH_WRITE, round * 300L);
            }
            System.out.printf(
                    "ManyProcessesIT: %d durable operations, %d checkpoints%n",
                    ledger.sum(Figure.OPERATIONS), ledger.sum(Figure.CHECKPOINTS));
        }
    }

    @Test
    void canaryWhatReturnedOtherwiseIsLost() throws IOException {
        Random random = Seed.random(ManyProcessesIT.class);
        try (Ledger ledger = Ledger.at(directory.resolve("ledger"))) {
            assertThatThrownBy(
                            () -> writeAndLosePower(random, ledger, Mode.WITHOUT_CHECKPOINTS, 300))
                    .hasMessageContaining("returned");
        }
    }

    /**
     * Lets processes write, and deletes the shared memory. Without it a store opens as after a
     * power loss.
     */
    private void writeAndLosePower(Random random, Ledger ledger, Mode mode, long operations)
            throws IOException {
        Path file = directory.resolve("store.cairn");
        Path notes = directory.resolve("ledger");
        List<Child> writers = children.start(3);
        for (int lane = 0; lane < writers.size(); lane++) {
            long seed = random.nextLong();
            writers.get(lane).tell("write", file, notes, lane, seed, Long.MAX_VALUE, 0, mode);
        }
        while (ledger.sum(Figure.OPERATIONS) < operations) {
            writers.forEach(Child::requireNoComplaint);
            LockSupport.parkNanos(1_000_000);
        }
        writers.forEach(Child::kill);
        writers.forEach(Child::awaitDeath);
        Files.delete(directory.resolve("store.cairn-shm"));
        try (CairnStore store = Cairn.open(file)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REBUILT);
            new Workload(store, ledger).judgeAll();
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void canaryALostUpdateAndAWrongValueAreCaught() throws IOException {
        Path file = directory.resolve("store.cairn");
        Path notes = directory.resolve("ledger");
        try (Ledger ledger = Ledger.at(notes)) {
            List<Child> careless = children.start(2);
            careless.forEach(child -> child.ask("pid")); // both are there, so that they meet
            for (int lane = 0; lane < 2; lane++) {
                careless.get(lane).tell("blind", file, notes, lane, 0, 2_000);
            }
            careless.forEach(Child::answer);
            try (CairnStore store = Cairn.open(file)) {
                Workload workload = new Workload(store, ledger);
                assertThatThrownBy(workload::judgeAll).hasMessageContaining("increments returned");
                long put = firstPut(1);
                store.put(bytes(Workload.laneKey(0, 1)), Workload.value(0, 1, put));
                assertThatThrownBy(() -> workload.judgeLane(0)).hasMessageContaining("was begun");
                ledger.begin(0, 1, put);
                ledger.acknowledge(0, 1, put);
                workload.judgeLane(0);
                store.remove(bytes(Workload.laneKey(0, 1)));
                assertThatThrownBy(() -> workload.judgeLane(0)).hasMessageContaining("is lost");
                store.put(bytes(Workload.laneKey(0, 1)), Workload.value(0, 2, put));
                assertThatThrownBy(() -> workload.judgeLane(0))
                        .hasMessageContaining("the value of");
                store.put(bytes(Workload.laneKey(0, 1)), new byte[40]);
                assertThatThrownBy(() -> workload.judgeLane(0)).hasMessageContaining("is mixed");
            }
        }
    }

    private static long firstPut(int key) {
        long sequence = 1;
        while (Workload.removes(0, key, sequence)) {
            sequence++;
        }
        return sequence;
    }

    @Test
    void eightCreatorsOfOneFileShareOneStore() {
        List<Child> racers = children.start(8);
        racers.forEach(racer -> racer.ask("pid"));
        for (int round = 0; round < 6; round++) {
            Path file = directory.resolve("race" + round + ".cairn");
            long start = System.currentTimeMillis() + 50;
            for (int racer = 0; racer < racers.size(); racer++) {
                racers.get(racer).tell("race", file, "racer" + racer, start);
            }
            List<String> kinds = new ArrayList<>();
            Set<String> stores = new HashSet<>();
            for (Child racer : racers) {
                String[] answer = racer.answer().split(" ", -1);
                kinds.add(answer[0]);
                stores.add(answer[1]);
            }
            assertThat(kinds).filteredOn("CREATED"::equals).hasSize(1);
            assertThat(kinds).filteredOn("JOINED"::equals).hasSize(racers.size() - 1);
            assertThat(stores).as("distinct store ids").hasSize(1);
            try (CairnStore store = Cairn.open(file)) {
                for (int racer = 0; racer < racers.size(); racer++) {
                    byte[] value = store.get(bytes("racer" + racer));
                    assertThat(value).isEqualTo(Values.of("racer" + racer, 1, 1, 100));
                }
                assertThat(store.size()).isEqualTo(racers.size());
                assertThat(store.stats().processes()).isEqualTo(racers.size() + 1);
            }
            racers.forEach(racer -> racer.ask("close"));
        }
    }

    @Test
    void processesThatOpenAndCloseAllTheTimeNeverDisagree() throws IOException {
        int rounds = 25;
        Path file = directory.resolve("churn.cairn");
        List<Child> churners = children.start(4);
        churners.forEach(churner -> churner.ask("pid"));
        for (int lane = 0; lane < churners.size(); lane++) {
            churners.get(lane).tell("churn", file, lane, rounds);
        }
        Set<String> kinds = new HashSet<>();
        for (Child churner : churners) {
            kinds.addAll(List.of(churner.answer().split("\\W+", -1)));
        }
        kinds.remove("");
        System.out.println("ManyProcessesIT: opened and closed, ways of opening " + kinds);
        assertThat(kinds).isSubsetOf("CREATED", "JOINED", "CLEAN");
        try (CairnStore store = Cairn.open(file, Options.defaults())) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            for (int lane = 0; lane < churners.size(); lane++) {
                for (int round = 1; round <= rounds; round++) {
                    String key = "churn/" + lane + "/" + round;
                    assertThat(store.get(bytes(key))).isEqualTo(Values.of(key, lane, round, 5_000));
                }
            }
            assertThat(store.size()).isEqualTo(churners.size() * (rounds + 1L));
            assertThat(store.verify().damages()).isEmpty();
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(each -> each.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "churn.cairn", "churn.cairn-shm", "churn.cairn-lock");
        }
    }
}
