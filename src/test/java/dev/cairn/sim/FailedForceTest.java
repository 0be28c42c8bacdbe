package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CheckpointFailed;
import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Seed;
import dev.cairn.SmallScale;
import dev.cairn.Stats;

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
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A force that fails leaves some pages on disk and others clean, though they are not (RULE 21). The
 * store must say so, refuse writes, and be right again from the next checkpoint on.
 */
@Timeout(value = 200, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FailedForceTest {
    private static final String REPLAY = "mvn test -Dtest=FailedForceTest and its seed";
    private static final int STEPS_PER_IMAGE = 5;
    private static final Tally TALLY = new Tally();
    private static long seed;
    private static int dropped;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

    @BeforeAll
    static void seed() {
        seed = Seed.random(FailedForceTest.class).nextLong();
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
    static void report() {
        System.out.println(TALLY.report("FailedForceTest"));
    }

    private Options options(int stripes) {
        return Options.defaults().withManualCheckpoints().withStripes(stripes);
    }

    private Rig rig(Options options, Random random) throws IOException {
        Rig rig = Rig.create(directory.toRealPath().resolve("store.cairn"), options, random);
        rig.machine().samples(1);
        rig.machine()
                .captureAt((step, _) ->
                        step.startsWith("P")
                                || step.equals("force")
                                || random.nextInt(STEPS_PER_IMAGE) == 0);
        return rig;
    }

    private Judge judge(Options options) throws IOException {
        return new Judge(directory.toRealPath().resolve("crash"), options, TALLY, REPLAY);
    }

    private static void work(Rig rig, int writes) {
        Random random = rig.random();
        for (int i = 0; i < writes; i++) {
            byte[] key = Content.key(random.nextInt(24), 8);
            if (random.nextInt(4) == 0) {
                rig.remove(key);
            } else {
                rig.put(key, random.nextInt(8) == 0 ? 9_000 : random.nextInt(900));
            }
        }
    }

    @RepeatedTest(12)
    void storeIsRightAgainFromTheNextCheckpointOn(RepetitionInfo repetition) throws IOException {
        Random random = new Random(seed + repetition.getCurrentRepetition());
        Options options = options(1 << random.nextInt(3));
        List<Crash> crashes = new ArrayList<>();
        try (Rig rig = rig(options, random)) {
            for (int round = 0; round < 4; round++) {
                work(rig, 12);
                if (random.nextBoolean()) {
                    rig.checkpoint();
                    work(rig, 6);
                }
                rig.put(30, 8, 100); // so that there is something to force
                rig.failForces(random.nextInt(2), 1 + random.nextInt(3));
                assertThat(rig.checkpointFails()).isTrue();
                assertThat(rig.store().stats().state()).isEqualTo(Stats.State.FAILED);
                int refused = rig.refused();
                rig.put(31, 8, 100);
                rig.remove(30, 8);
                assertThat(rig.refused()).isEqualTo(refused + 2);
                rig.requireEqual(); // reads go on
                for (int attempt = 0; attempt < 8 && rig.checkpointFails(); attempt++) {
                    rig.requireEqual();
                }
                rig.machine().fault(null);
                rig.checkpoint();
                assertThat(rig.store().stats().state()).isEqualTo(Stats.State.SOUND);
                work(rig, 4);
            }
            rig.requireEqual();
            crashes.addAll(rig.machine().takeCrashes());
            TALLY.steps(rig.machine().steps());
        }
        judge(options).check(crashes);
    }

    /** The kernel also drops such pages and reads the old ones back before the next checkpoint. */
    @RepeatedTest(12)
    void droppedPagesAreNoticedOrOfNoImportance(RepetitionInfo repetition) throws IOException {
        Random random = new Random(seed + 100 + repetition.getCurrentRepetition());
        Options options = options(1 << random.nextInt(3));
        List<Crash> crashes = new ArrayList<>();
        try (Rig rig = rig(options, random)) {
            work(rig, 12);
            rig.checkpoint();
            work(rig, 12);
            rig.put(30, 8, 100);
            rig.failForces(random.nextInt(2), 1);
            assertThat(rig.checkpointFails()).isTrue();
            rig.machine().fault(null);
            int pages = rig.machine().revert();
            try {
                rig.checkpoint();
                rig.requireEqual();
                work(rig, 6);
            } catch (CorruptStore _) {
                assertThat(pages).isPositive();
                dropped++;
                assertThatThrownBy(() -> rig.store().put(new byte[] {1}, new byte[1]))
                        .isInstanceOf(CheckpointFailed.class);
                assertThatThrownBy(rig::checkpoint).isInstanceOf(CorruptStore.class);
                rig.machine().attempt(null);
            }
            rig.machine().capture("behind");
            crashes.addAll(rig.machine().takeCrashes());
            TALLY.steps(rig.machine().steps());
        }
        judge(options).check(crashes);
        if (repetition.getCurrentRepetition() == repetition.getTotalRepetitions()) {
            assertThat(dropped).isPositive();
        }
    }

    /** Also forces of opening and closing fail; then it is opened again, or power fails. */
    @Test
    void failuresAtOpeningAndClosingLoseNothing() throws IOException {
        Options options = options(2);
        List<Crash> crashes = new ArrayList<>();
        for (int after = 0; after < 6; after++) {
            Random random = new Random(seed + 200 + after);
            Path file = directory.toRealPath().resolve("store" + after + ".cairn");
            try (Rig rig = Rig.create(file, options, random)) {
                rig.machine().samples(1);
                work(rig, 6);
                rig.checkpoint();
                work(rig, 6);
                int[] forces = {0};
                int failing = after;
                rig.machine()
                        .fault((cache, from, to) -> {
                            if (forces[0]++ != failing) {
                                return false;
                            }
                            cache.fail(from, to, random);
                            throw new IOException("simulated: input/output error");
                        });
                boolean closed = rig.tryToClose();
                assertThat(closed).isEqualTo(after >= 4); // log, slot, shared memory, mark
                if (!rig.tryToOpen()) {
                    rig.machine().fault(null);
                    rig.openStore();
                }
                rig.machine().fault(null);
                rig.requireEqual();
                work(rig, 4);
                rig.checkpoint();
                work(rig, 4);
                rig.closeStore();
                rig.openStore();
                rig.requireEqual();
                crashes.addAll(rig.machine().takeCrashes());
                TALLY.steps(rig.machine().steps());
            }
        }
        judge(options).check(crashes);
    }
}
