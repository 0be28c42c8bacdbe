package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.LockTimeout;
import dev.cairn.Rounds;
import dev.cairn.codec.Codecs;
import dev.cairn.process.Loading.How;

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
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that of processes that ask for the same missing key only one loads it. Eight
 * processes ask at once. Some are killed or stopped, and some loads fail.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SingleFlightIT {
    private static final int PROCESSES = 8;
    private static final int WORD = 0;

    /** The loads that one process begins, which are more than there are claims. */
    private static final int HOARD = 2_500;

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final List<Child> askers = new ArrayList<>();
    private Ledger ledger;
    private String key;
    private long start;

    private Path store() {
        return directory.resolve("store.cairn");
    }

    private Path notes() {
        return directory.resolve("ledger");
    }

    @BeforeEach
    void open() throws IOException {
        ledger = Ledger.at(notes());
        askers.addAll(children.start(PROCESSES));
        askers.forEach(asker -> asker.tell("open map", store()));
        askers.forEach(Child::answer);
    }

    @AfterEach
    void close() {
        ledger.close();
    }

    /** Makes all processes ask for another key at once. */
    private void askAll(How how, long millis) {
        start += 2;
        key = "key" + start;
        Loading.forget(ledger, WORD);
        for (int lane = 0; lane < askers.size(); lane++) {
            askers.get(lane).tell(load(lane, how, millis));
        }
        ledger.order(start);
    }

    private Object[] load(int lane, How how, long millis) {
        return new Object[] {"load", notes(), lane, key, WORD, start, how, millis};
    }

    private long loads() {
        return Loading.loads(ledger, WORD);
    }

    private List<String> answers() {
        return askers.stream().map(Child::answer).toList();
    }

    private void awaitLoads(long count, List<Child> alive) {
        while (loads() < count) {
            alive.forEach(Child::requireNoComplaint);
            LockSupport.parkNanos(1_000_000);
        }
    }

    /** Gives the others time to begin to wait, or to do what they should not. */
    private static void letThemWait() {
        LockSupport.parkNanos(30_000_000);
    }

    private int loader() {
        for (int lane = 0; lane < PROCESSES; lane++) {
            if (ledger.begun(lane, WORD) > 0) {
                return lane;
            }
        }
        throw new AssertionError("nobody loads");
    }

    private void replace(int lane) {
        askers.set(lane, children.spare());
        askers.get(lane).ask("open map", store());
    }

    private void storeHas(String value) {
        try (CairnMap<String, Long> map = Counting.open(store(), false)) {
            assertThat(String.valueOf(map.get(key))).isEqualTo(value);
        }
    }

    private void oneLoads(long millis) {
        askAll(How.VALUE, millis);
        List<String> answers = answers();
        assertThat(loads()).as("loads of %s", key).isEqualTo(1);
        assertThat(answers).containsOnly(Long.toString(askers.get(loader()).pid()));
    }

    @Test
    void oneOfEightLoads() {
        for (int round = 0; round < Rounds.of(30, 1_000); round++) {
            oneLoads(round % 3 == 0 ? 0 : round % 20 == 1 ? 200 : round % 7);
        }
    }

    @Test
    void whoWaitsTooLongIsToldWhichProcessLoads() {
        askAll(How.VALUE_AT_NEXT_ORDER, 0);
        awaitLoads(1, askers);
        try (CairnMap<String, Long> map =
                Cairn.map(Codecs.utf8(), Codecs.int64())
                        .loadTimeout(Duration.ofMillis(200))
                        .open(store())) {
            assertThatThrownBy(() -> map.get(key, _ -> 0L))
                    .isInstanceOfSatisfying(
                            LockTimeout.class,
                            e -> assertThat(e.holder()).hasValue(askers.get(loader()).pid()));
        }
        ledger.order(start + 1);
        assertThat(answers()).containsOnly(Long.toString(askers.get(loader()).pid()));
    }

    @Test
    void ifTheLoaderIsKilledOneMoreLoads() {
        for (int round = 0; round < Rounds.of(4, 100); round++) {
            askAll(How.VALUE_AT_NEXT_ORDER, 0);
            awaitLoads(1, askers);
            letThemWait();
            assertThat(loads()).isEqualTo(1);
            int killed = loader();
            askers.get(killed).kill();
            askers.get(killed).awaitDeath();
            ledger.begin(killed, WORD, 0);
            List<Child> survivors = new ArrayList<>(askers);
            survivors.remove(killed);
            awaitLoads(1, survivors);
            letThemWait();
            assertThat(loads()).isEqualTo(1);
            ledger.order(start + 1);
            List<String> answers = survivors.stream().map(Child::answer).toList();
            assertThat(loads()).isEqualTo(1);
            assertThat(answers).containsOnly(Long.toString(askers.get(loader()).pid()));
            storeHas(answers.getFirst());
            replace(killed);
        }
    }

    @Test
    void ifTheLoaderFailsItsCallerIsToldAndOneMoreLoads() {
        for (int round = 0; round < Rounds.of(4, 100); round++) {
            askAll(How.FIRST_FAILS, 5);
            List<String> answers = answers();
            assertThat(loads()).isEqualTo(2);
            assertThat(answers).filteredOn(answer -> answer.contains("fails")).hasSize(1);
            assertThat(answers.stream().filter(answer -> !answer.contains("fails")).distinct())
                    .hasSize(1);
        }
    }

    /** If a load gives nothing, each process must ask its own loader, one after the other. */
    @Test
    void whatIsNotToBeHadIsNotWritten() {
        for (int round = 0; round < Rounds.of(3, 50); round++) {
            askAll(How.NOTHING, 2);
            assertThat(answers()).containsOnly("null");
            assertThat(loads()).isEqualTo(PROCESSES);
            storeHas("null");
        }
    }

    @Test
    void whoDiesWaitingLeavesNothing() {
        for (int round = 0; round < Rounds.of(3, 50); round++) {
            askAll(How.VALUE_AT_NEXT_ORDER, 0);
            awaitLoads(1, askers);
            letThemWait();
            int killed = (loader() + 1) % PROCESSES;
            askers.get(killed).kill();
            askers.get(killed).awaitDeath();
            ledger.order(start + 1);
            String value = Long.toString(askers.get(loader()).pid());
            for (int lane = 0; lane < PROCESSES; lane++) {
                if (lane != killed) {
                    assertThat(askers.get(lane).answer()).isEqualTo(value);
                }
            }
            assertThat(loads()).isEqualTo(1);
            replace(killed);
            oneLoads(1);
        }
    }

    /**
     * The process stands where it checks whether the key is there. If it were stopped within a
     * lock, it would keep that lock.
     */
    @Test
    void whoIsStoppedWhileItWaitsKeepsNobody() throws IOException {
        for (int round = 0; round < 3; round++) {
            Child stopped = askers.removeLast();
            askAll(How.VALUE_AT_NEXT_ORDER, 0);
            awaitLoads(1, askers);
            stopped.ask("park", "A2", 2);
            stopped.tell(load(PROCESSES - 1, How.VALUE_AT_NEXT_ORDER, 0));
            stopped.awaitStep("A2");
            Child.signal("STOP", stopped.pid());
            ledger.order(start + 1);
            String value = Long.toString(askers.get(loader()).pid());
            assertThat(answers()).containsOnly(value);
            Child.signal("CONT", stopped.pid());
            stopped.tell("go");
            assertThat(stopped.answer()).isEqualTo(value);
            assertThat(loads()).isEqualTo(1);
            askers.add(stopped);
        }
    }

    @Test
    void claimsOfTheDeadLeaveRoomForOthers() {
        for (int round = 0; round < 2; round++) {
            Child hoarder = children.spare();
            hoarder.ask("open map", store());
            hoarder.ask("hoard", HOARD);
            hoarder.kill();
            hoarder.awaitDeath();
        }
        for (int round = 0; round < Rounds.of(10, 200); round++) {
            oneLoads(2);
        }
    }
}
