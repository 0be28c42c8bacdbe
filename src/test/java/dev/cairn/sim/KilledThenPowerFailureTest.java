package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.MemoryDirectory;
import dev.cairn.Recovery.Kind;
import dev.cairn.Seed;
import dev.cairn.SmallScale;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Attacks the promises about a kill that is followed by a power failure. All processes are killed
 * at a step. The next one finds their files as they stored them and works on, and then the power
 * fails at any step of that. What was on disk before the kill must be the same afterwards, since
 * the death of a process does not make its unforced stores durable.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KilledThenPowerFailureTest {
    private static final Tally TALLY = new Tally();
    private static final Map<Kind, Integer> SURVIVED = new EnumMap<>(Kind.class);
    private static final Map<String, Integer> KILLED_AT = new TreeMap<>();
    private static final Set<Scenario> PLAYED = EnumSet.noneOf(Scenario.class);
    private static long seed;
    private Plays plays;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    @BeforeAll
    static void seed() {
        seed = Seed.random(KilledThenPowerFailureTest.class).nextLong();
    }

    @BeforeEach
    void machine() throws IOException {
        Machine.install();
        plays =
                new Plays(
                        directory,
                        TALLY,
                        "mvn test -Dtest=KilledThenPowerFailureTest and its seed");
    }

    @AfterEach
    void system() {
        Machine.uninstall();
        scale.close();
    }

    @AfterAll
    static void report() {
        System.out.println(TALLY.report("KilledThenPowerFailureTest") + "  opened " + SURVIVED);
        assertThat(SURVIVED).containsKey(Kind.REPAIRED);
        if (PLAYED.contains(Scenario.OVERWRITING_IN_PLACE)) {
            assertThat(KILLED_AT)
                    .containsKeys("X1", "X2", "X3", "X3a", "X4", "X5", "X6", "X7", "X8");
        }
    }

    @AfterEach
    void survived() {
        plays.killedAt().forEach((step, times) -> KILLED_AT.merge(step, times, Integer::sum));
        plays.survived().forEach((kind, times) -> SURVIVED.merge(kind, times, Integer::sum));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BACKUP")
    void nothingThatReturnedIsLostByTheKillNorByThePowerAfterACheckpoint(Scenario scenario)
            throws IOException {
        PLAYED.add(scenario);
        plays.kills(scenario, seed + scenario.name().hashCode());
    }

    /** Forces fail, and processes are killed while the store says so or while it heals. */
    @RepeatedTest(3)
    void failedForceIsNotForgottenByTheKill(RepetitionInfo repetition) throws IOException {
        plays.failedForcesAndKills(seed + repetition.getCurrentRepetition());
    }
}
