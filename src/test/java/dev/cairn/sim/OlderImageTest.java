package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
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
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Attacks the rule that leftovers never pass for a later write. Behind the tail stand bytes of a
 * write that came to nothing, and the kernel has written them back. Other bytes are stored in their
 * place. Then a force fails, the kernel drops the page, and reads the older image back. It must not
 * pass for what was written there last.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OlderImageTest {
    private static final Options OPTIONS =
            Options.defaults().withManualCheckpoints().withStripes(1);

    /** What the write does that comes to nothing. */
    @SuppressWarnings("ImmutableEnumChecker") // a lambda without state
    enum Victim {
        PUT(_ -> {}, rig -> rig.put(2, 8, 100)),
        REMOVAL(rig -> rig.put(9, 8, 100), rig -> rig.remove(9, 8)),
        RUN(_ -> {}, rig -> rig.put(2, 8, 9_000)),
        LONG_KEY(rig -> rig.put(9, 5_000, 10), rig -> rig.remove(9, 5_000)),
        ROLL(rig -> rig.put(9, 8, 2_500), rig -> rig.put(2, 8, 2_500)),
        ROLL_TO_A_RUN(rig -> fill(rig, 3_500), rig -> rig.put(2, 3_000, 9_000)),
        FOLD(
                rig -> {
                    for (int i = 0; i < 7; i++) {
                        rig.put(8, 8, 450);
                    }
                },
                rig -> rig.put(2, 8, 1_000)),
        EVACUATION(
                rig -> {
                    for (int i = 10; i < 22; i++) {
                        rig.put(i, 8, 1_200);
                    }
                    for (int i = 10; i < 22; i++) {
                        if (i != 11) {
                            rig.put(i, 8, 60);
                        }
                    }
                },
                rig -> {
                    for (int i = 12; i < 20; i++) {
                        rig.put(i, 8, 600);
                    }
                });

        private final Consumer<Rig> before;
        private final Consumer<Rig> write;

        Victim(Consumer<Rig> before, Consumer<Rig> write) {
            this.before = before;
            this.write = write;
        }

        private static void fill(Rig rig, int bytes) {
            for (int i = 0; i < bytes / 500; i++) {
                rig.put(20 + i, 8, 460);
            }
        }

        void prepare(Rig rig) {
            rig.put(1, 8, 100);
            rig.put(2, 8, 100);
            rig.checkpoint();
            rig.put(3, 8, 100);
            before.accept(rig);
        }
    }

    private static long seed;
    private int plays;
    private int damaged;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

    @BeforeAll
    static void seed() {
        seed = Seed.random(OlderImageTest.class).nextLong();
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

    private Path newStore() throws IOException {
        return Files.createDirectory(directory.toRealPath().resolve("play" + plays++))
                .resolve("store.cairn");
    }

    private Rig create(Options options) throws IOException {
        Rig rig = Rig.create(newStore(), options, new Random(seed));
        rig.machine().captureAt((_, _) -> false);
        return rig;
    }

    /** The steps that the write takes. */
    private Set<String> steps(Victim victim) throws IOException {
        Set<String> steps = new LinkedHashSet<>();
        try (Rig rig = create(OPTIONS)) {
            victim.prepare(rig);
            rig.machine().afterEachStep(steps::add);
            victim.write.accept(rig);
            rig.machine().afterEachStep(_ -> {});
        }
        steps.remove("W14"); // it has committed and is not undone any more
        return steps;
    }

    private static void writeBack(Rig rig) {
        try {
            rig.machine().writeBack();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Writes values of the same and of other sizes in the place of what came to nothing. */
    private void goOn(Rig rig, Victim victim, String where) throws IOException {
        try {
            rig.put(4, 8, 100);
            victim.write.accept(rig);
            rig.put(5, 8, 30);
            rig.loseNextForce();
            damaged += rig.requireEqualOrDamaged() ? 1 : 0;
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(victim + " at " + where + ", seed " + seed, e);
        }
    }

    /** Does the same, but the first value that is written is as large as what came to nothing. */
    private void goOnAtOnce(Rig rig, Victim victim, String where) throws IOException {
        try {
            victim.write.accept(rig);
            rig.loseNextForce();
            damaged += rig.requireEqualOrDamaged() ? 1 : 0;
        } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(victim + " at " + where + ", seed " + seed, e);
        }
    }

    private void goOn(Rig rig, Victim victim, String where, boolean atOnce) throws IOException {
        if (atOnce) {
            goOnAtOnce(rig, victim, where);
        } else {
            goOn(rig, victim, where);
        }
    }

    @ParameterizedTest
    @EnumSource
    void ofWriteThatFailed(Victim victim) throws IOException {
        for (String step : steps(victim)) {
            for (boolean atOnce : new boolean[] {true, false}) {
                try (Rig rig = create(OPTIONS)) {
                    victim.prepare(rig);
                    rig.failAt(step, () -> victim.write.accept(rig));
                    writeBack(rig);
                    goOn(rig, victim, step, atOnce);
                }
            }
        }
        assertThat(damaged).isPositive();
    }

    /** The store is opened again in the same boot. */
    @ParameterizedTest
    @EnumSource
    void ofWriterThatWasKilled(Victim victim) throws IOException {
        for (String step : steps(victim)) {
            List<Killed> kills = new ArrayList<>();
            try (Rig rig = create(OPTIONS)) {
                victim.prepare(rig);
                killAtFirst(rig, step, kills, 2);
                victim.write.accept(rig);
            }
            for (Killed killed : kills) {
                Path left = newStore();
                Machine machine = new Machine(left, new Random(killed.seed()));
                machine.captureAt((_, _) -> false);
                machine.begin(killed);
                machine.writeBack();
                try (Rig rig = Rig.survive(left, OPTIONS, machine, killed)) {
                    goOn(rig, victim, step, killed.equals(kills.getFirst()));
                }
            }
        }
        assertThat(damaged).isPositive();
    }

    private static void killAtFirst(Rig rig, String step, List<Killed> kills, int times) {
        rig.machine()
                .afterEachStep(reached -> {
                    try {
                        while (reached.equals(step) && kills.size() < times) {
                            kills.add(rig.machine().kill(rig.standing(), step));
                        }
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }

    /** The store is recovered, so that what was lost stands behind its tails. */
    @ParameterizedTest
    @EnumSource
    void ofWhatPowerLossTookBack(Victim victim) throws IOException {
        for (boolean atOnce : new boolean[] {true, false}) {
            playPowerLoss(victim, false, atOnce);
        }
        assertThat(damaged).isPositive();
    }

    /** As if each write was made durable by itself. */
    @ParameterizedTest
    @EnumSource(names = {"PUT", "ROLL", "FOLD"})
    void ofWhatPowerLossTookBackInItsOwnCheckpoint(Victim victim) throws IOException {
        playPowerLoss(victim, true, true);
        assertThat(damaged).isPositive();
    }

    /** Each time the tail region is given up, a region dies. At most one of these may wait. */
    @Test
    void fileStaysBoundedHoweverOftenWritersFail() throws IOException {
        try (Rig rig = create(OPTIONS)) {
            for (Victim victim : Victim.values()) {
                victim.prepare(rig);
            }
            rig.checkpoint();
            long bytes = rig.store().stats().dataFileBytes();
            for (int time = 0; time < 100; time++) {
                int each = time;
                rig.failAt("W4", () -> rig.put(2, 8, 100 + each));
                rig.put(3, 8, 60);
                assertThat(rig.store().stats().waitingRegions()).isLessThanOrEqualTo(3);
                if (time % 20 == 19) {
                    rig.checkpoint();
                }
            }
            rig.requireEqual();
            assertThat(rig.store().verify().damages()).isEmpty();
            assertThat(rig.store().stats().dataFileBytes())
                    .isLessThanOrEqualTo(bytes + 4L * SmallScale.REGION_BYTES);
        }
    }

    /** A write that is refused before it writes anything must cost no region. */
    @Test
    void refusedWritesGiveNothingUp() throws IOException {
        try (Rig rig = create(OPTIONS)) {
            rig.put(1, 8, 100);
            rig.checkpoint();
            rig.put(1, 8, 100);
            rig.failForces(0, 1);
            assertThat(rig.checkpointFails()).isTrue();
            int refused = rig.refused();
            rig.put(1, 8, 100);
            assertThat(rig.refused()).isEqualTo(refused + 1);
            rig.machine().fault(null);
            rig.checkpoint();
            long regions = rig.store().stats().waitingRegions();
            rig.put(1, 8, 100);
            assertThat(rig.store().stats().waitingRegions()).isEqualTo(regions);
        }
    }

    private void playPowerLoss(Victim victim, boolean inCheckpoint, boolean atOnce)
            throws IOException {
        List<Crash> crashes = new ArrayList<>();
        Point point;
        try (Rig rig = create(OPTIONS)) {
            victim.prepare(rig);
            rig.checkpoint();
            point = rig.now();
            victim.write.accept(rig);
            if (inCheckpoint) {
                rig.machine()
                        .afterEachStep(step -> {
                            if (step.equals("P6")) {
                                crashes.add(crash(rig));
                            }
                        });
                rig.checkpoint();
                rig.machine().afterEachStep(_ -> {});
            } else {
                rig.put(4, 8, 100);
                crashes.add(crash(rig));
            }
        }
        Crash crash = crashes.getFirst();
        Judge disk = new Judge(newStore().resolveSibling("disk"), OPTIONS, new Tally(), "");
        Path data = disk.lay(crash);
        Machine machine = new Machine(data, new Random(seed));
        machine.captureAt((_, _) -> false);
        try (Rig rig = Rig.recover(data, OPTIONS, machine, point)) {
            goOn(rig, victim, crash.where(), atOnce);
        }
    }

    private static Crash crash(Rig rig) {
        try {
            return rig.machine().crash("behind a write");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
