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
import java.util.EnumSet;
import java.util.Set;

/**
 * Attacks the promise that a store is at its last checkpoint wherever power fails. Power fails at
 * every step of small scenarios, which together do all that a store does. {@link CanaryTest} has
 * the canaries.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PowerFailureTest {
    /** The steps that the scenarios must have reached, or else they show nothing. */
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
                    "W6 move",
                    "W6 drop",
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
                    "X1",
                    "X2",
                    "X3",
                    "X3a",
                    "X4",
                    "X5",
                    "X6",
                    "X7",
                    "X8",
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

    private static final Tally TALLY = new Tally();
    private static final Set<Scenario> PLAYED = EnumSet.noneOf(Scenario.class);
    private static long seed;
    private Plays plays;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    @BeforeAll
    static void seed() {
        seed = Seed.random(PowerFailureTest.class).nextLong();
    }

    @BeforeEach
    void machine() throws IOException {
        Machine.install();
        plays = new Plays(directory, TALLY, "mvn test -Dtest=PowerFailureTest and its seed");
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
            assertThat(TALLY.times("X8"))
                    .as("overwrites in place that were played")
                    .isGreaterThanOrEqualTo(8);
        }
    }

    @ParameterizedTest
    @EnumSource
    void storeIsAtItsLastCheckpointWhereverPowerFails(Scenario scenario) throws IOException {
        PLAYED.add(scenario);
        plays.shortScenario(scenario, seed + scenario.name().hashCode());
    }
}
