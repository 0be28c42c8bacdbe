package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.MemoryDirectory;
import dev.cairn.Seed;
import dev.cairn.SmallScale;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Attacks the promise that a failing seed fails again. One seed must be one play, step by step,
 * thread by thread and disk by disk, however busy the computer is.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReplayTest {
    private interface Play {
        void with(Plays plays, long seed) throws IOException;
    }

    @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
    enum Kind {
        CROWD(Plays::crowd),
        FAILED_FORCES(Plays::failedForces),
        DROPPED_PAGES(Plays::droppedPages),
        FAILED_CLOSING((plays, seed) -> plays.failedOpeningOrClosing(2, seed)),
        KILLS((plays, seed) -> plays.kills(Scenario.REUSE_BY_OTHERS, seed)),
        KILLS_BESIDE_EVICTIONS((plays, seed) -> plays.kills(Scenario.EVICTION, seed)),
        FAILED_FORCES_AND_KILLS(Plays::failedForcesAndKills),
        SCENARIO((plays, seed) -> plays.scenario(Scenario.INDEX_GROWTH, seed, 2));

        private final Play play;

        Kind(Play play) {
            this.play = play;
        }
    }

    private static long seed;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    @BeforeAll
    static void seed() {
        seed = Seed.random(ReplayTest.class).nextLong();
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

    @ParameterizedTest
    @EnumSource
    void oneSeedIsOnePlay(Kind kind) throws IOException {
        List<List<String>> one = traces(kind, seed);
        assertThat(traces(kind, seed)).isEqualTo(one);
        System.out.printf(
                "ReplayTest: %s with seed %d: %d events, hash %08x%n",
                kind, seed, one.stream().mapToInt(List::size).sum(), one.hashCode());
    }

    @Test
    void anotherSeedIsAnotherPlay() throws IOException {
        assertThat(traces(Kind.FAILED_FORCES, seed + 1))
                .isNotEqualTo(traces(Kind.FAILED_FORCES, seed));
    }

    private List<List<String>> traces(Kind kind, long of) throws IOException {
        Machine.install(); // the clock of machines begins anew
        Tally tally = new Tally();
        Plays plays = new Plays(directory, tally, "mvn test -Dtest=ReplayTest");
        plays.judgeNothing(); // the traces hold the disks, and other tests judge them
        kind.play.with(plays, of);
        return tally.traces();
    }
}
