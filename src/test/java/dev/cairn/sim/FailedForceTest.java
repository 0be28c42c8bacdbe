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
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Attacks RULE 21. A force that fails leaves some pages on disk, and others clean though they are
 * not on disk. The store must say so, refuse writes, and be right again from the next checkpoint
 * on. {@link CanaryTest} has the canary.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FailedForceTest {
    private static final Tally TALLY = new Tally();
    private static long seed;
    private Plays plays;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    @BeforeAll
    static void seed() {
        seed = Seed.random(FailedForceTest.class).nextLong();
    }

    @BeforeEach
    void machine() throws IOException {
        Machine.install();
        plays = new Plays(directory, TALLY, "mvn test -Dtest=FailedForceTest and its seed");
    }

    @AfterEach
    void system() {
        Machine.uninstall();
        scale.close();
    }

    @AfterAll
    static void report() {
        System.out.println(TALLY.report("FailedForceTest"));
        if (TALLY.steps().contains("W12")) {
            assertThat(TALLY.times("X8")).as("overwrites in place that were played").isPositive();
        }
    }

    @RepeatedTest(3)
    void storeIsRightAgainFromTheNextCheckpointOn(RepetitionInfo repetition) throws IOException {
        plays.failedForces(seed + repetition.getCurrentRepetition());
    }

    /** A page that is stored to becomes dirty, even if it holds the same bytes as before. */
    @RepeatedTest(2)
    void whatIsStoredAgainIsOnDisk(RepetitionInfo repetition) throws IOException {
        plays.failedForcesOfSameBytes(seed + 300 + repetition.getCurrentRepetition());
    }

    /** Before the next checkpoint the kernel also drops such pages, and reads the old ones back. */
    @RepeatedTest(3)
    void droppedPagesAreNoticedOrOfNoImportance(RepetitionInfo repetition) throws IOException {
        plays.droppedPages(seed + 100 + repetition.getCurrentRepetition());
    }

    @RepeatedTest(2)
    void droppedPagesOfTheLogAreNoticed(RepetitionInfo repetition) throws IOException {
        plays.droppedLog(seed + 150 + repetition.getCurrentRepetition());
    }

    /**
     * The forces of opening and closing fail too. Then the store is opened again, or power fails.
     */
    @RepeatedTest(6)
    void failuresAtOpeningAndClosingLoseNothing(RepetitionInfo repetition) throws IOException {
        int after = repetition.getCurrentRepetition() - 1;
        plays.failedOpeningOrClosing(after, seed + 200 + after);
    }
}
