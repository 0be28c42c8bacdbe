package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.MemoryDirectory;
import dev.cairn.Seed;
import dev.cairn.SmallScale;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Power fails at every numbered step of small scenarios, of all that a store does. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PowerFailureTest {
    /** What the scenarios must have come by, or they show nothing. */
    private static final Set<String> STEPS =
            Set.of(
                    "C unlink",
                    "O4 nonce",
                    "O4 rename",
                    "O4 open block",
                    "O mark",
                    "W2",
                    "W2 header",
                    "W2 copy",
                    "W2 filler",
                    "W3",
                    "W3 run",
                    "W4",
                    "W5",
                    "W6",
                    "W6 copy",
                    "W7",
                    "W8",
                    "W9",
                    "W10",
                    "W11",
                    "W11 region",
                    "W11 tombstone",
                    "W12",
                    "W13",
                    "W14",
                    "N2",
                    "N2 run",
                    "N3",
                    "N3 run",
                    "D2",
                    "E1",
                    "E2",
                    "G2",
                    "G3",
                    "G4",
                    "P2",
                    "P3",
                    "P4",
                    "P5",
                    "P6",
                    "P7",
                    "P8",
                    "P9",
                    "P10");

    /** Of so many disks one is not only judged but used, and loses its power again. */
    private static final int USED_AGAIN = 60;

    /** Random disks at each step. */
    private static final int SAMPLES = 1;

    private static final Tally TALLY = new Tally();
    private static final Set<Scenario> PLAYED = EnumSet.noneOf(Scenario.class);
    private static long seed;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

    @BeforeAll
    static void seed() {
        seed = Seed.random(PowerFailureTest.class).nextLong();
    }

    @BeforeEach
    void machine() {
        Machine.install();
    }

    @AfterEach
    void system() {
        Machine.uninstall();
        scale.close();
    }

    @AfterAll
    static void everyStepWasReached() {
        System.out.println(TALLY.report("PowerFailureTest"));
        if (PLAYED.size() == Scenario.values().length) {
            assertThat(TALLY.steps()).containsAll(STEPS);
        }
    }

    @ParameterizedTest
    @EnumSource
    void storeIsAtItsLastCheckpointWhereverPowerFails(Scenario scenario) throws IOException {
        PLAYED.add(scenario);
        Path real = directory.toRealPath();
        Random random = new Random(seed + scenario.name().hashCode());
        Judge judge =
                new Judge(
                        real.resolve("crash"),
                        scenario.options(),
                        TALLY,
                        "mvn test -Dtest=PowerFailureTest and its seed");
        List<Crash> crashes;
        try (Rig rig = Rig.create(real.resolve("store.cairn"), scenario.options(), random)) {
            rig.machine().samples(SAMPLES);
            scenario.play(rig);
            rig.requireEqual();
            rig.closeStore();
            crashes = rig.machine().takeCrashes();
            TALLY.steps(rig.machine().steps());
        }
        for (int i = 0; i < crashes.size(); i++) {
            Point point = judge.check(crashes.get(i));
            if (i % USED_AGAIN == 0) {
                useAgain(judge, crashes.get(i), point, scenario);
            }
        }
    }

    /** Recovers, works on, and loses its power at every step of that. */
    private void useAgain(Judge judge, Crash crash, Point point, Scenario scenario)
            throws IOException {
        Judge second =
                new Judge(
                        directory.toRealPath().resolve("again"),
                        scenario.options(),
                        TALLY,
                        "mvn test -Dtest=PowerFailureTest and its seed");
        Path data = judge.lay(crash);
        List<Crash> crashes = new ArrayList<>();
        if (crash.data() == null) {
            return;
        }
        Machine machine = new Machine(data, crash.random());
        machine.samples(1);
        machine.told(crash.lastVersion());
        try (Rig rig = Rig.recover(data, scenario.options(), machine, point)) {
            rig.put(60, 8, 300);
            rig.checkpoint();
            rig.put(1, 8, 2_000);
            rig.remove(60, 8);
            crashes.addAll(machine.takeCrashes());
            TALLY.steps(machine.steps());
        }
        judge.clear();
        second.check(crashes);
    }
}
