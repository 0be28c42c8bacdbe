package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.MemoryDirectory;
import dev.cairn.Seed;
import dev.cairn.SmallScale;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/**
 * Attacks the promise that every checkpoint is one prefix of the history. Threads write, clean and
 * make checkpoints, interleaved by a seed; see {@link Crowd}.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class InterleavingTest {
    private static final Tally TALLY = new Tally();
    private static long seed;
    private Plays plays;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    @BeforeAll
    static void seed() {
        seed = Seed.random(InterleavingTest.class).nextLong();
    }

    @BeforeEach
    void machine() throws IOException {
        Machine.install();
        plays = new Plays(directory, TALLY, "mvn test -Dtest=InterleavingTest and its seed");
    }

    @AfterEach
    void system() {
        Machine.uninstall();
        scale.close();
    }

    @AfterAll
    static void report() {
        System.out.println(TALLY.report("InterleavingTest"));
        if (TALLY.times("P8") > 0) {
            assertThat(TALLY.times("X8")).as("overwrites in place that were played").isPositive();
        }
    }

    @RepeatedTest(3)
    void everyCutIsOnePrefixOfTheHistory(RepetitionInfo repetition) throws IOException {
        plays.crowd(seed + repetition.getCurrentRepetition());
    }

    /**
     * Plays the same plays each time, until they have done what the other tests are meant to do.
     */
    @Test
    void crowdsWaitForEachOtherAndClean() throws IOException {
        Tally fixed = new Tally();
        Set<String> meant = Set.of("P8", "W6 copy", "L1", "E1", "E2", "G3", "N3 run", "X8");
        Plays same = new Plays(directory, fixed, "mvn test -Dtest=InterleavingTest");
        for (int play = 0; play < 20 && !fixed.steps().containsAll(meant); play++) {
            same.crowd(play);
        }
        assertThat(fixed.steps()).containsAll(meant);
    }
}
