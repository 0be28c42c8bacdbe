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
import java.util.Map;

/**
 * All processes are killed at a step; the next one finds their files as they stored them, works on,
 * and then the power fails, at any step of that. What was on disk before the kill stays what it was:
 * an unforced store is none the more durable for its process being dead.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KilledThenPowerFailureTest {
    private static final Tally TALLY = new Tally();
    private static final Map<Kind, Integer> SURVIVED = new EnumMap<>(Kind.class);
    private static long seed;
    private Plays plays;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

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
    }

    @AfterEach
    void survived() {
        plays.survived().forEach((kind, times) -> SURVIVED.merge(kind, times, Integer::sum));
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BACKUP")
    void nothingThatReturnedIsLostByTheKillNorByThePowerAfterACheckpoint(Scenario scenario)
            throws IOException {
        plays.kills(scenario, seed + scenario.name().hashCode());
    }

    /** Forces fail, processes are killed while the store says so or heals, and so on. */
    @RepeatedTest(6)
    void failedForceIsNotForgottenByTheKill(RepetitionInfo repetition) throws IOException {
        plays.failedForcesAndKills(seed + repetition.getCurrentRepetition());
    }
}
