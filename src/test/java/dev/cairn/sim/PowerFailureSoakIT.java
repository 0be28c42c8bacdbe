package dev.cairn.sim;

import dev.cairn.MemoryDirectory;
import dev.cairn.Seed;
import dev.cairn.SmallScale;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** Plays everything that the tests of this package play, with many seeds. */
@Tag("soak")
@Timeout(value = 3600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PowerFailureSoakIT {
    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    private interface Play {
        void with(Plays plays, long seed) throws IOException;
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

    private void repeat(String name, int times, Play play) throws IOException {
        Random seeds = Seed.random(PowerFailureSoakIT.class);
        Tally tally = new Tally();
        for (int time = 0; time < times; time++) {
            long seed = seeds.nextLong();
            String replay = "%s with seed %dL, time %d of this seed".formatted(name, seed, time);
            Plays plays = new Plays(directory, tally, replay);
            try {
                play.with(plays, seed);
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError(replay, e);
            }
        }
        System.out.println(tally.report(name));
    }

    private static Scenario any(long seed) {
        List<Scenario> all = List.of(Scenario.values());
        return all.get(new Random(seed).nextInt(all.size()));
    }

    @Test
    void scenarios() throws IOException {
        repeat("scenarios", 60, (plays, seed) -> plays.scenario(any(seed), seed, 3));
    }

    @Test
    void failedForces() throws IOException {
        repeat("failedForces", 150, Plays::failedForces);
    }

    @Test
    void droppedPages() throws IOException {
        repeat("droppedPages", 150, Plays::droppedPages);
    }

    @Test
    void failedOpeningOrClosing() throws IOException {
        repeat(
                "failedOpeningOrClosing",
                150,
                (plays, seed) -> plays.failedOpeningOrClosing((int) Math.floorMod(seed, 7L), seed));
    }

    @Test
    void kills() throws IOException {
        repeat(
                "kills",
                120,
                (plays, seed) -> {
                    Scenario scenario = any(seed);
                    plays.kills(scenario.isOneStory() ? scenario : Scenario.CLOSING, seed);
                });
    }

    @Test
    void killsBeforeClearedMarkIsForced() throws IOException {
        repeat("killsBeforeClearedMarkIsForced", 30, Plays::killsBeforeClearedMarkIsForced);
    }

    @Test
    void failedForcesAndKills() throws IOException {
        repeat("failedForcesAndKills", 120, Plays::failedForcesAndKills);
    }

    @Test
    void crowds() throws IOException {
        repeat("crowds", 60, Plays::crowd);
    }
}
