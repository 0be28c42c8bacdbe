package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.SmallScale;
import dev.cairn.Stats;
import dev.cairn.Stats.State;
import dev.cairn.format.SharedLayout;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that a process may die at any step of a checkpoint without harm. A process is
 * killed at each step, both while another has the store open and while nobody has. Afterwards the
 * content must be what the returned writes say, and the regions in use must be those that a
 * recovery would find. The canary is a survivor that forgets an attempt whose pages may be lost.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CheckpointKillIT {
    private static final int STRIPES = 4;
    private static final Options FOUR_STRIPES = Scenario.QUIET.withStripes(STRIPES);
    private static final String THEIRS = "theirs";
    private static final int KEYS = 24;
    private static final int HOT_BYTES = 900;

    /**
     * The steps at which the checkpointer holds the locks of all stripes. Nobody can write until it
     * is dead.
     */
    private static final Set<String> HOLDING = Set.of("P2", "P3", "P4");

    /** The steps at which the cut has no epoch of its own yet. */
    private static final Set<String> BEFORE_THE_EPOCH = Set.of("P2", "P3");

    /** The steps at which the word {@code attempt} is set. */
    private static final Set<String> ATTEMPTED = Set.of("P6", "P7", "P8", "P9", "P10");

    /** The steps at which the slot of the new checkpoint is whole, so that a recovery finds it. */
    private static final Set<String> WRITTEN = Set.of("P8", "P9", "P10");

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();

    private final String[] keys = new String[KEYS];
    private int stores;
    private long longestBesideNanos;
    private long longestAfterNanos;

    @AfterEach
    void usualScale() {
        scale.close();
    }

    private Path newFile() {
        return directory.resolve("store" + stores++ + ".cairn");
    }

    /** Creates a store, and chooses keys so that each stripe has as many of them. */
    private Path newStore() throws IOException {
        Path file = newFile();
        Cairn.open(file, FOUR_STRIPES).close();
        StripeKeys ofStripes = new StripeKeys(file);
        for (int i = 0; i < keys.length; i++) {
            keys[i] = ofStripes.of(i % STRIPES, "key" + i + "-");
        }
        return file;
    }

    private static Map<String, byte[]> content(CairnStore store) {
        Map<String, byte[]> content = new TreeMap<>();
        store.forEach((key, value) -> content.put(new String(key, UTF_8), value));
        return content;
    }

    private static void assertContent(CairnStore store, Map<String, byte[]> expected) {
        assertThat(content(store)).usingRecursiveComparison().isEqualTo(expected);
        assertThat(store.size()).as("size").isEqualTo(expected.size());
        assertThat(store.verify().damages()).isEmpty();
    }

    /**
     * Overwrites all keys of all stripes, so that tails roll and fold. Returns how long the longest
     * put took.
     */
    private long write(CairnStore store, int sequence) {
        long longest = 0;
        for (String key : keys) {
            long start = System.nanoTime();
            store.put(bytes(key), Values.of(key, 0, sequence, HOT_BYTES));
            longest = Math.max(longest, System.nanoTime() - start);
        }
        return longest;
    }

    private Map<String, byte[]> written(int sequence, boolean theirs) {
        Map<String, byte[]> content = new TreeMap<>();
        for (String key : keys) {
            content.put(key, Values.of(key, 0, sequence, HOT_BYTES));
        }
        if (theirs) {
            content.put(THEIRS, Values.of(THEIRS, 1, 2, HOT_BYTES));
        }
        return content;
    }

    /**
     * Makes a checkpoint, and then writes, the child's own write included. Returns the checkpoint's
     * epoch.
     */
    private long prepare(CairnStore store, Child child, Path file) {
        write(store, 1);
        long epoch = store.checkpoint();
        write(store, 2);
        child.ask("open", file);
        child.ask("put", THEIRS, HOT_BYTES);
        return epoch;
    }

    private static void parkInCheckpoint(Child child, String step) {
        child.ask("park", step, 1);
        child.tell("checkpoint");
        child.awaitStep(step);
    }

    @Test
    void everyStepSurvivesTheDeathOfItsProcess() throws IOException {
        for (String step : SourceSteps.ofCheckpoints()) {
            try {
                killAt(step, _ -> {});
            } catch (AssertionError e) {
                throw new AssertionError("killed at " + step, e);
            }
        }
        System.out.printf(
                "CheckpointKillIT: longest write beside a checkpoint %.1f ms, after a kill %.1f ms%n",
                longestBesideNanos / 1e6, longestAfterNanos / 1e6);
    }

    private interface Sabotage {
        void on(Path file) throws IOException;
    }

    private void killAt(String step, Sabotage sabotage) throws IOException {
        Path file = newStore();
        Child child = children.spare();
        long used;
        try (CairnStore survivor = Cairn.open(file, FOUR_STRIPES)) {
            long earlier = prepare(survivor, child, file);
            parkInCheckpoint(child, step);
            assertContent(survivor, step);
            State state = ATTEMPTED.contains(step) ? State.ATTEMPTED : State.SOUND;
            long durable = step.equals("P10") ? earlier + 1 : earlier;
            long epoch = earlier + (BEFORE_THE_EPOCH.contains(step) ? 1 : 2);
            assertThat(survivor.stats())
                    .returns(state, Stats::state)
                    .returns(durable, Stats::durableEpoch)
                    .returns(epoch, Stats::epoch);
            if (!HOLDING.contains(step)) {
                longestBesideNanos = Math.max(longestBesideNanos, write(survivor, 3));
                assertThat(survivor.stats().takeovers()).isZero();
            }
            child.kill();
            sabotage.on(file);
            longestAfterNanos = Math.max(longestAfterNanos, write(survivor, 3));
            assertThat(survivor.stats())
                    .returns(HOLDING.contains(step) ? (long) STRIPES : 0, Stats::takeovers)
                    .returns(state, Stats::state)
                    .returns(durable, Stats::durableEpoch)
                    .returns(epoch, Stats::epoch);
            assertThat(survivor.checkpoint()).isEqualTo(epoch);
            assertContent(survivor, written(3, true));
            assertThat(survivor.stats())
                    .returns(State.SOUND, Stats::state)
                    .returns(epoch, Stats::durableEpoch)
                    .returns(epoch + 1, Stats::epoch)
                    .returns(1 + (HOLDING.contains(step) ? (long) STRIPES : 0), Stats::takeovers)
                    .returns(0L, Stats::waitingRegions);
            used = used(survivor.stats());
        }
        assertNoMoreInUse(file, used, written(3, true));
    }

    /**
     * Requires that after a checkpoint only the regions of chains and runs are in use. A recovery
     * finds the same ones.
     */
    private static void assertNoMoreInUse(Path file, long used, Map<String, byte[]> content)
            throws IOException {
        Files.delete(SharedWords.of(file));
        try (CairnStore rebuilt = Cairn.open(file, FOUR_STRIPES)) {
            assertThat(used(rebuilt.stats())).as("regions in use").isEqualTo(used);
            assertContent(rebuilt, content);
        }
    }

    /** Compares by reads that take no lock, since the checkpointer may hold all of them. */
    private void assertContent(CairnStore store, String step) {
        assertThat(content(store))
                .as("beside a checkpoint at " + step)
                .usingRecursiveComparison()
                .isEqualTo(written(2, true));
    }

    private static long used(Stats stats) {
        return stats.regions() - stats.freeRegions();
    }

    private void assertReopens(Path file, Kind kind, Map<String, byte[]> content) {
        try (CairnStore store = Cairn.open(file, FOUR_STRIPES)) {
            assertThat(store.recovery().kind()).as(store.recovery().toString()).isEqualTo(kind);
            assertContent(store, content);
            store.put(bytes("probe"), bytes("probe"));
            store.checkpoint();
            assertThat(store.stats()).returns(State.SOUND, Stats::state);
            assertThat(store.remove(bytes("probe"))).isPositive();
        }
        try (CairnStore store = Cairn.open(file, FOUR_STRIPES)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertContent(store, content);
        }
    }

    /**
     * Two processes have the store open. One dies in a checkpoint, then the other dies doing
     * nothing.
     */
    @Test
    void whoeverOpensItAfterTheDeathOfAllFindsEverything() throws IOException {
        for (String step : List.of("P3", "P6", "P8", "P10")) {
            Path file = newStore();
            closed(file);
            Child child = children.spare();
            Child other = children.spare();
            child.ask("open", file);
            other.ask("open", file);
            child.ask("put", THEIRS, HOT_BYTES);
            parkInCheckpoint(child, step);
            child.kill();
            other.ask("put", "later", HOT_BYTES);
            other.kill();
            child.awaitDeath();
            other.awaitDeath();
            Map<String, byte[]> expected = written(2, true);
            expected.put("later", Values.of("later", 1, 2, HOT_BYTES));
            assertReopens(file, Kind.REPAIRED, expected);
        }
    }

    private void closed(Path file) {
        try (CairnStore store = Cairn.open(file, FOUR_STRIPES)) {
            write(store, 1);
            store.checkpoint();
            write(store, 2);
        }
    }

    /**
     * Losing the shared memory counts as a power loss. The store must open at one of the two
     * checkpoints.
     */
    @Test
    void withoutSharedMemoryItOpensAtTheCheckpointOrAtTheOneBefore() throws IOException {
        for (String step : SourceSteps.ofCheckpoints()) {
            Path file = newStore();
            closed(file);
            Child child = children.spare();
            child.ask("open", file);
            child.ask("put", THEIRS, HOT_BYTES);
            parkInCheckpoint(child, step);
            child.kill();
            child.awaitDeath();
            Files.delete(SharedWords.of(file));
            assertReopens(file, Kind.REBUILT, written(2, WRITTEN.contains(step)));
        }
    }

    /**
     * Whoever finds the attempt of the first dead checkpointer stores everything again, and is
     * killed in that too.
     */
    @Test
    void aSecondCheckpointerMayDieOfHealing() throws IOException {
        for (String step : List.of("P4", "P6", "P8", "P10")) {
            Path file = newStore();
            Child first = children.spare();
            Child second = children.spare();
            try (CairnStore survivor = Cairn.open(file, FOUR_STRIPES)) {
                long epoch = prepare(survivor, first, file);
                second.ask("open", file);
                parkInCheckpoint(first, "P8");
                first.kill();
                parkInCheckpoint(second, step);
                assertThat(survivor.stats().state()).isEqualTo(State.ATTEMPTED);
                second.kill();
                write(survivor, 3);
                assertThat(survivor.checkpoint()).isEqualTo(epoch + 3);
                assertThat(survivor.stats())
                        .returns(State.SOUND, Stats::state)
                        .returns(0L, Stats::waitingRegions);
                assertContent(survivor, written(3, true));
            }
        }
    }

    /**
     * Others wait for the checkpoint that is under way. After its death, one of them makes the
     * next.
     */
    @Test
    void whoeverWaitedForTheDeadOneGoesOn() throws IOException {
        for (String step : List.of("P3", "P6", "P8")) {
            Path file = newStore();
            Child child = children.spare();
            try (CairnStore survivor = Cairn.open(file, FOUR_STRIPES)) {
                long epoch = prepare(survivor, child, file);
                parkInCheckpoint(child, step);
                CompletableFuture<Long> waiting =
                        CompletableFuture.supplyAsync(survivor::checkpoint);
                LockSupport.parkNanos(20_000_000);
                assertThat(waiting).isNotDone();
                child.kill();
                assertThat(waiting)
                        .succeedsWithin(Duration.ofMinutes(1))
                        .isEqualTo(epoch + (BEFORE_THE_EPOCH.contains(step) ? 1 : 2));
                assertThat(survivor.stats()).returns(State.SOUND, Stats::state);
                assertContent(survivor, written(2, true));
            }
        }
    }

    /** A dying compaction holds the lock of evacuation and the lock of a stripe. */
    @Test
    void theDeathOfACompactionHoldsUpNobody() throws IOException {
        for (String step : List.of("E1", "E2", "W8", "W11 region")) {
            Path file = newFile();
            Child child = children.spare();
            try (CairnStore survivor = Cairn.open(file, Scenario.QUIET)) {
                Scenario.EVACUATION.prepare(survivor);
                Map<String, byte[]> content = content(survivor);
                child.ask("open", file);
                child.ask("park", step, 1);
                child.tell("compact");
                child.awaitStep(step);
                child.kill();
                survivor.compact();
                assertContent(survivor, content);
                assertThat(survivor.stats())
                        .returns(2L, Stats::takeovers)
                        .returns(0L, Stats::waitingRegions);
                assertThat(survivor.stats().garbageBytes())
                        .isLessThanOrEqualTo(survivor.stats().regionBytes());
            }
        }
    }

    /** The canary: a survivor that forgets that pages may be lost would call the store sound. */
    @Test
    void canaryAForgottenAttemptIsCaught() {
        assertThatThrownBy(() ->
                        killAt("P8", file -> SharedWords.store(file, SharedLayout.ATTEMPT, 0)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("SOUND");
    }

    /** A backup pins the regions of its checkpoint for as long as its process lives. */
    @Test
    void theDeathOfABackupFreesWhatItPinned() throws IOException {
        Path file = newStore();
        Path target = directory.resolve("backup.cairn");
        long used;
        try (CairnStore survivor = Cairn.open(file, FOUR_STRIPES)) {
            Child child = children.spare();
            prepare(survivor, child, file);
            survivor.checkpoint();
            child.ask("park", "C unlink", 1);
            child.tell("backup", target);
            child.awaitStep("C unlink");
            for (int sequence = 3; sequence < 6; sequence++) {
                write(survivor, sequence);
                survivor.checkpoint();
            }
            long pinned = used(survivor.stats());
            child.kill();
            child.awaitDeath();
            write(survivor, 6);
            survivor.checkpoint();
            used = used(survivor.stats());
            assertThat(used).as("regions in use; before them: " + pinned).isLessThan(pinned);
            assertContent(survivor, written(6, true));
        }
        assertNoMoreInUse(file, used, written(6, true));
        assertReopens(target, Kind.REBUILT, written(2, true));
    }

    /** A backup that is killed while it copies leaves a file that has no name yet. */
    @Test
    void whatADeadBackupLeftIsInTheWayOfNoOther() throws IOException {
        Path target = directory.resolve("backup.cairn");
        Files.write(directory.resolve(".backup.cairn.cairn-creating"), new byte[10_000]);
        try (CairnStore store = Cairn.open(newStore(), FOUR_STRIPES)) {
            write(store, 1);
            long epoch = store.checkpoint();
            assertThat(store.backup(target)).isEqualTo(epoch);
        }
        assertReopens(target, Kind.REBUILT, written(1, false));
    }
}
