package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CorruptStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Rounds;
import dev.cairn.SmallScale;
import dev.cairn.Stats;
import dev.cairn.format.BucketWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/**
 * Attacks the promise that a process may die at any step of any protocol without harm. A process is
 * killed at each step. This JVM has the same store open all the time. It reads while the other
 * stands at the step, and writes to the same stripe the moment the other is dead.
 *
 * <p>The oracle is the same scenario, played without a kill. If the process was killed before its
 * commit, the survivor does the write; if it was killed after it, the survivor repairs. Either way
 * the content, the number of regions in use and the size of the files must be the same as without a
 * kill. So nothing leaks. The canaries are survivors that forget a part of the repair.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StepKillIT {

    /** The steps on both sides of the store that commits. */
    private static final Set<String> COMMIT_SIDES = Set.of("W5", "W8", "X3", "X4");

    /** The steps whose stores commit. */
    private static final Set<String> COMMITS = Set.of("W5", "X3");

    /** The steps of an overwrite in place. */
    private static final List<String> IN_PLACE =
            List.of("X1", "X2", "X3", "X3a", "X4", "X5", "X6", "X7", "X8");

    /** Played once for all tests, as a scenario goes the same way each time. */
    private static final Map<Scenario, Played> PLAYED = new EnumMap<>(Scenario.class);

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    private int stores;
    private long longestNanos;

    /**
     * How a scenario goes when nobody is killed.
     *
     * @param steps the steps that it reaches, each as often as it is reached
     * @param end the figures of the store after it
     * @param durable the figures of the store after it and a checkpoint
     */
    private record Played(List<String> steps, Stats end, Stats durable) {
        Set<String> names() {
            return new LinkedHashSet<>(steps);
        }

        /**
         * How often it reaches a step. If a write finds no room it begins again: the last time
         * counts.
         */
        int times(String step) {
            return Collections.frequency(steps, step);
        }

        private int at(Case where) {
            int at = -1;
            for (int time = 0; time < where.time; time++) {
                do {
                    at++;
                } while (!steps.get(at).equals(where.step));
            }
            return at;
        }

        /** Whether the target's write, or a redo, will be done, as it is after the first commit. */
        boolean committed(Case where) {
            return steps.subList(0, at(where)).stream().anyMatch(COMMITS::contains);
        }

        /** The steps that a repairer goes through after a commit. */
        Set<String> redo(Case commit) {
            List<String> rest = steps.subList(at(commit) + 1, steps.size());
            int last = rest.indexOf(commit.step.equals("X3") ? "X8" : "W12");
            return new LinkedHashSet<>(rest.subList(0, last + 1));
        }

        /** The step that follows another. */
        Case behind(Case where) {
            int at = at(where) + 1;
            String step = steps.get(at);
            int time = Collections.frequency(steps.subList(0, at + 1), step);
            return new Case(where.scenario, step, time);
        }
    }

    /**
     * Where a process is killed.
     *
     * @param time which of the times it is that the process reaches the step
     */
    private record Case(Scenario scenario, String step, int time) {}

    @AfterEach
    void usualScale() {
        scale.close();
    }

    /**
     * Kills at each step in one scenario that reaches it, and beside each commit of all scenarios.
     */
    @Test
    void everyStepOfAWriteSurvivesTheDeathOfItsProcess() throws IOException {
        playAll();
        Set<String> seen = new HashSet<>();
        List<Case> cases = new ArrayList<>();
        for (Scenario scenario : Scenario.values()) {
            for (String step : PLAYED.get(scenario).names()) {
                if (scenario.evicts()) {
                    cases.add(lastTime(scenario, step)); // of some twenty commits
                } else if (COMMIT_SIDES.contains(step)) {
                    cases.addAll(everyTime(scenario, step));
                } else if (!seen.contains(step) || scenario == Scenario.OVERWRITE) {
                    cases.add(lastTime(scenario, step)); // the overwrite is the short commit
                }
                seen.add(step);
            }
        }
        cases.add(commitOfTheDrop());
        cases.add(PLAYED.get(Scenario.EVICTION).behind(commitOfTheDrop()));
        assertThat(PLAYED.get(Scenario.OVERWRITE).steps).doesNotContain("W7");
        for (Scenario scenario : Scenario.values()) {
            List<String> steps = new ArrayList<>(PLAYED.get(scenario).steps);
            steps.retainAll(IN_PLACE);
            assertThat(steps)
                    .as(scenario.name())
                    .isEqualTo(scenario.name().startsWith("OVERWRITE_IN") ? IN_PLACE : List.of());
        }
        assertThat(seen).containsExactlyInAnyOrderElementsOf(SourceSteps.ofWriting());
        killAtEach(cases);
    }

    @Test
    @Tag("soak")
    void everyStepOfEveryScenarioSurvivesTheDeathOfItsProcess() throws IOException {
        playAll();
        List<Case> cases = new ArrayList<>();
        PLAYED.forEach((scenario, plan) ->
                plan.names().forEach(step -> cases.addAll(everyTime(scenario, step))));
        killAtEach(cases);
    }

    private Case lastTime(Scenario scenario, String step) {
        return new Case(scenario, step, PLAYED.get(scenario).times(step));
    }

    /** The commit by which the first of the dropped regions leaves. */
    private Case commitOfTheDrop() {
        List<String> steps = PLAYED.get(Scenario.EVICTION).steps;
        int commit = steps.indexOf("W6 drop") - 1;
        assertThat(steps.get(commit)).isEqualTo("W5");
        return new Case(
                Scenario.EVICTION, "W5", Collections.frequency(steps.subList(0, commit + 1), "W5"));
    }

    private List<Case> everyTime(Scenario scenario, String step) {
        int times = PLAYED.get(scenario).times(step);
        return IntStream.rangeClosed(1, times)
                .mapToObj(time -> new Case(scenario, step, time))
                .toList();
    }

    private void playAll() throws IOException {
        if (!PLAYED.isEmpty()) {
            return;
        }
        Map<Scenario, Played> all = new EnumMap<>(Scenario.class);
        Child child = children.start();
        for (Scenario scenario : Scenario.values()) {
            Path file = newStore();
            try (CairnStore survivor = scenario.create(file)) {
                scenario.prepare(survivor, file);
                child.ask("open", file);
                child.ask("record");
                scenario.tell(child);
                child.answer();
                List<String> steps = new ArrayList<>(List.of(child.ask("steps").split("\t", -1)));
                steps.removeIf(SourceSteps::isWaiting);
                child.ask("close");
                Scenario.put(survivor, Scenario.PROBE, Scenario.SMALL);
                assertThat(survivor.get(bytes(Scenario.TARGET))).isEqualTo(scenario.after());
                Stats end = survivor.stats();
                checkpoint(survivor, scenario);
                all.put(scenario, new Played(steps, end, survivor.stats()));
            }
        }
        PLAYED.putAll(all);
    }

    private static void checkpoint(CairnStore store, Scenario scenario) {
        if (!scenario.evicts()) { // a cache has no checkpoints
            long _ = store.checkpoint();
        }
    }

    private Path newStore() {
        return directory.resolve("store" + stores++ + ".cairn");
    }

    private void killAtEach(Collection<Case> cases) throws IOException {
        AssertionError failures = new AssertionError("cases failed");
        long start = System.nanoTime();
        for (Case each : cases) {
            try {
                killAt(each);
            } catch (AssertionError | RuntimeException e) {
                failures.addSuppressed(new AssertionError(each.toString(), e));
            }
        }
        System.out.printf(
                "StepKillIT: %d kills at steps in %d ms, longest first write of the survivor %.1f ms%n",
                cases.size(),
                TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start),
                longestNanos / 1e6);
        assertThat(failures).hasNoSuppressedExceptions();
    }

    private void killAt(Case where) throws IOException {
        Path file = newStore();
        Child child = children.spare();
        try (CairnStore survivor = where.scenario.create(file)) {
            where.scenario.prepare(survivor, file);
            Map<String, byte[]> before = content(survivor);
            child.ask("open", file);
            child.ask("park", where.step, where.time);
            where.scenario.tell(child);
            child.awaitStep(where.step);
            readersGoOn(survivor, where.scenario, before);
            child.kill();
            goesOn(survivor, where, before);
        }
        if (where.scenario.evicts()) {
            child.awaitDeath(); // its memory may linger, and the files are used alone
            Evictions.requireNoRegionLeft(file, where.scenario);
        }
    }

    private static Map<String, byte[]> content(CairnStore store) {
        Map<String, byte[]> content = new TreeMap<>();
        store.forEach((key, value) -> content.put(new String(key, UTF_8), value));
        return content;
    }

    private static void readersGoOn(
            CairnStore store, Scenario scenario, Map<String, byte[]> before) {
        before.forEach((key, value) -> {
            byte[] found = store.get(bytes(key));
            if (!key.equals(Scenario.TARGET) && !(found == null && scenario.evicts())) {
                assertThat(found).as(key).isEqualTo(value);
            }
        });
        byte[] found = store.get(bytes(Scenario.TARGET));
        assertThat(
                        Arrays.equals(found, before.get(Scenario.TARGET))
                                || Arrays.equals(found, scenario.after()))
                .as("whether the value is whole, and the old or the new one")
                .isTrue();
        assertThat(store.containsKey(bytes(Scenario.TARGET))).isEqualTo(found != null);
        assertThat(store.getAll(List.of(bytes("other1"), bytes(Scenario.TARGET))).get(1))
                .isEqualTo(found);
        int most = before.size() + change(before.get(Scenario.TARGET), found);
        assertThat(content(store)).hasSizeBetween(scenario.evicts() ? 1 : most, most);
    }

    private static int change(byte[] from, byte[] to) {
        return (to == null ? 0 : 1) - (from == null ? 0 : 1);
    }

    /** Writes at once, then judges what is there, then does what the other process did not. */
    private void goesOn(CairnStore store, Case where, Map<String, byte[]> before) {
        long start = System.nanoTime();
        Scenario.put(store, Scenario.PROBE, Scenario.SMALL);
        longestNanos = Math.max(longestNanos, System.nanoTime() - start);
        judge(store, where, before);
        int most = where.scenario.evicts() ? 2 : 1; // one of the stripe, and one of evacuation
        assertThat(store.stats().takeovers()).as("takeovers").isBetween(1L, (long) most);
    }

    private void judge(CairnStore store, Case where, Map<String, byte[]> before) {
        Played plan = PLAYED.get(where.scenario);
        boolean committed = plan.committed(where);
        Map<String, byte[]> expected = new TreeMap<>(before);
        expected.put(Scenario.PROBE, Values.of(Scenario.PROBE, 0, 1, Scenario.SMALL));
        if (committed) {
            expected.put(Scenario.TARGET, where.scenario.after());
            expected.values().removeIf(value -> value == null);
        }
        if (where.scenario.evicts()) {
            expected.put(
                    Scenario.TARGET, store.get(bytes(Scenario.TARGET))); // either: see readersGoOn
            Evictions.judge(store, where.scenario, expected);
            return;
        }
        sameContent(store, expected, committed ? 0 : where.scenario.expired());
        if (!committed) {
            where.scenario.play(store);
            assertThat(store.get(bytes(Scenario.TARGET))).isEqualTo(where.scenario.after());
        }
        assertThat(store.verify().damages()).isEmpty();
        sameFigures(store.stats(), plan.end);
        store.checkpoint();
        sameFigures(store.stats(), plan.durable);
    }

    private static void sameContent(CairnStore store, Map<String, byte[]> expected, int expired) {
        Map<String, byte[]> found = content(store);
        assertThat(found.keySet()).isEqualTo(expected.keySet());
        found.forEach((key, value) -> assertThat(value).as(key).isEqualTo(expected.get(key)));
        assertThat(store.size()).as("size").isEqualTo(expected.size() + expired);
        assertThat(store.verify().damages()).isEmpty();
    }

    private static void sameFigures(Stats found, Stats expected) {
        assertThat(found.entries()).as("entries").isEqualTo(expected.entries());
        assertThat(found.liveBytes()).as("live bytes").isEqualTo(expected.liveBytes());
        assertThat(found.regions() - found.freeRegions())
                .as("regions in use")
                .isEqualTo(expected.regions() - expected.freeRegions());
        assertThat(found.waitingRegions())
                .as("regions that wait for a checkpoint")
                .isEqualTo(expected.waitingRegions());
        assertThat(found.dataFileBytes()).as("data file").isEqualTo(expected.dataFileBytes());
        assertThat(found.indexSlots()).as("index slots").isEqualTo(expected.indexSlots());
        assertThat(found.sharedMemoryFileBytes())
                .as("shared-memory file")
                .isEqualTo(expected.sharedMemoryFileBytes());
    }

    /** A second process finds a committed write half done, and dies while it finishes it. */
    @Test
    void everyStepOfARepairSurvivesTheDeathOfTheRepairer() throws IOException {
        playAll();
        AssertionError failures = new AssertionError("cases failed");
        Map<String, Integer> times = new HashMap<>();
        for (Case commit :
                List.of(
                        lastTime(Scenario.OVERWRITE, "W5"),
                        lastTime(Scenario.OVERWRITE_IN_PLACE, "X3"),
                        lastTime(Scenario.OVERWRITE_IN_PLACE_AGAIN, "X3"),
                        lastTime(Scenario.RUN_OVER_RUN_AND_ROLL, "W5"),
                        lastTime(Scenario.FOLD_BEHIND_ANOTHER, "W5"),
                        lastTime(Scenario.EVACUATION_OF_A_TOMBSTONE, "W5"),
                        commitOfTheDrop())) {
            Played plan = PLAYED.get(commit.scenario);
            for (String step : plan.redo(commit)) {
                try {
                    if (times.merge(step, 1, Integer::sum) <= Rounds.of(1, 7)) {
                        killTheRepairer(plan.behind(commit), step);
                    }
                } catch (AssertionError | RuntimeException e) {
                    failures.addSuppressed(new AssertionError(commit + ", redo at " + step, e));
                }
            }
        }
        assertThat(failures).hasNoSuppressedExceptions();
    }

    private void killTheRepairer(Case where, String step) throws IOException {
        Path file = newStore();
        try (CairnStore survivor = where.scenario.create(file)) {
            where.scenario.prepare(survivor, file);
            Map<String, byte[]> before = content(survivor);
            for (Case next : List.of(where, new Case(where.scenario, step, 1))) {
                Child child = children.spare();
                child.ask("open", file);
                child.ask("park", next.step, next.time);
                where.scenario.tell(child);
                child.awaitStep(next.step);
                readersGoOn(survivor, where.scenario, before);
                child.kill();
            }
            goesOn(survivor, where, before);
        }
    }

    /** The count of entries that passed a bucket is no part of the redo, so it is stored before. */
    @Test
    void anEntryThatPassedAFullBucketIsFoundAfterTheDeathOfItsWriter() throws IOException {
        for (String step : List.of("W5", "W6", "W8")) {
            Path file = newStore();
            try (CairnStore survivor = Cairn.open(file, Scenario.QUIET)) {
                for (int i = 0; i < 300; i++) {
                    Scenario.put(survivor, "filler" + i, Scenario.SMALL);
                }
                String key = FullBucket.passingKey(file, SharedWords.of(file));
                Child child = children.spare();
                child.ask("open", file);
                child.ask("park", step, 1);
                child.tell("put", key, Scenario.SMALL);
                child.awaitStep(step);
                child.kill();
                assertThat(survivor.verify().damages()).isEmpty(); // takes the lock: repairs
                assertThat(survivor.containsKey(bytes(key)))
                        .as(key + " after a kill at " + step)
                        .isEqualTo(!step.equals("W5"));
                Scenario.put(survivor, key, Scenario.SMALL);
                assertThat(survivor.size()).isEqualTo(301);
                assertThat(survivor.verify().damages()).isEmpty();
            }
        }
    }

    /** What a killed writer had claimed must be free again, however often that happens. */
    @Test
    @Tag("soak")
    void thirtyDeathsAtAStepLeakNothing() throws IOException {
        playAll();
        for (Case each :
                List.of(
                        lastTime(Scenario.ROLL, "N3"),
                        lastTime(Scenario.ROLL, "W5"),
                        lastTime(Scenario.RUN_OVER_RUN_AND_ROLL, "N3 run"),
                        lastTime(Scenario.RUN_OVER_RUN_AND_ROLL, "W4"),
                        lastTime(Scenario.FOLD_BEHIND_ANOTHER, "W2 copy"),
                        lastTime(Scenario.FOLD_BEHIND_ANOTHER, "W5"),
                        lastTime(Scenario.INDEX_GROWTH, "G3"))) {
            Path file = newStore();
            try (CairnStore survivor = Cairn.open(file, Scenario.QUIET)) {
                each.scenario.prepare(survivor, file);
                Stats before = null;
                for (int death = 0; death < 30; death++) {
                    Child child = children.spare();
                    child.ask("open", file);
                    child.ask("park", each.step, each.time);
                    each.scenario.tell(child);
                    child.awaitStep(each.step);
                    child.kill();
                    assertThat(survivor.verify().damages()).isEmpty(); // takes the lock: repairs
                    before = before == null ? survivor.stats() : before;
                    sameFigures(survivor.stats(), before);
                }
                assertThat(survivor.stats().takeovers()).isEqualTo(30);
            }
        }
    }

    @Test
    void canaryASurvivorThatForgetsTheRedoIsCaught() throws IOException {
        playAll();
        Case where = lastTime(Scenario.OVERWRITE, "W8");
        assertThatThrownBy(() -> killAndStore(where, StripeWords.INTENT, 0))
                .isInstanceOf(AssertionError.class);
    }

    /** After a table's growth, the last whole commit's companions still name the old table. */
    @Test
    void canaryARedoThatTakesAShortIntentForAWholeOneIsCaught() throws IOException {
        playAll();
        Case where = lastTime(Scenario.INDEX_GROWTH, "W8");
        assertThat(PLAYED.get(where.scenario).steps).doesNotContain("W7");
        assertThatThrownBy(() -> killAndStore(where, StripeWords.INTENT, StripeWords.WHOLE))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void canaryASurvivorThatForgetsTheRedoInPlaceIsCaught() throws IOException {
        playAll();
        for (String step : List.of("X4", "X6")) {
            Case where = lastTime(Scenario.OVERWRITE_IN_PLACE, step);
            assertThatThrownBy(() -> killAndStore(where, StripeWords.INTENT, 0))
                    .as(step)
                    .isInstanceOfAny(AssertionError.class, CorruptStore.class);
        }
    }

    /** The slot word says that all is done, but the record is unchanged, as its count tells. */
    @Test
    void canaryARedoThatDoesNotStoreTheImageIsCaught() throws IOException {
        playAll();
        for (String step : List.of("X4", "X5")) {
            Case where = lastTime(Scenario.OVERWRITE_IN_PLACE, step);
            assertThatThrownBy(() -> killAndSay(where, file -> sayItIsInItsPlace(file)))
                    .as(step)
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("overwritten 1 times");
        }
    }

    private static void sayItIsInItsPlace(Path file) throws IOException {
        long stripeAt = SharedLayout.stripeAt(0);
        long slotAt =
                BucketWords.slotAt(SharedWords.load(file, stripeAt + StripeWords.NEW_SLOT_AT));
        SharedWords.store(
                file, slotAt, SharedWords.load(file, stripeAt + StripeWords.NEW_SLOT_WORD));
    }

    /** Only three companions of such an intent count; the others are of the commit before it. */
    @Test
    void canaryARedoThatTakesAnIntentInPlaceForAShortOneIsCaught() throws IOException {
        playAll();
        Case where = lastTime(Scenario.OVERWRITE_IN_PLACE, "X5");
        for (long other : List.of(StripeWords.SHORT, StripeWords.WHOLE)) {
            assertThatThrownBy(() -> killAndStore(where, StripeWords.INTENT, other))
                    .as("intent %d", other)
                    .isInstanceOfAny(AssertionError.class, CorruptStore.class);
        }
    }

    /** The dropped entries are gone, and are still counted. */
    @Test
    void canaryASurvivorThatForgetsTheRestOfADropIsCaught() throws IOException {
        playAll();
        Played plan = PLAYED.get(Scenario.EVICTION);
        Case where = plan.behind(plan.behind(commitOfTheDrop()));
        assertThat(where.step).isIn("W6 drop", "W6");
        assertThatThrownBy(() -> killAndStore(where, StripeWords.INTENT, 0))
                .isInstanceOfAny(AssertionError.class, CorruptStore.class)
                .hasMessageNotContaining("was to reach step");
    }

    /** The redo takes the region for one of another life, so it drops nothing of it. */
    @Test
    void canaryARedoThatDropsNothingIsCaught() throws IOException {
        playAll();
        Case where = PLAYED.get(Scenario.EVICTION).behind(commitOfTheDrop());
        assertThatThrownBy(() -> killAndStore(where, StripeWords.DEAD_REGION_NUMBER, 1))
                .isInstanceOfAny(AssertionError.class, CorruptStore.class)
                .hasMessageNotContaining("was to reach step");
    }

    @Test
    void canaryASurvivorThatForgetsToGiveClaimsBackIsCaught() throws IOException {
        playAll();
        Case where = lastTime(Scenario.RUN, "W5");
        assertThatThrownBy(() -> killAndStore(where, StripeWords.NEXT_RUN, 0))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("regions in use");
    }

    /** Kills a process, and changes the word that tells the next holder what to repair. */
    private void killAndStore(Case where, int field, long word) throws IOException {
        killAndSay(where, file -> SharedWords.store(file, SharedLayout.stripeAt(0) + field, word));
    }

    private interface Lie {
        void tell(Path store) throws IOException;
    }

    private void killAndSay(Case where, Lie lie) throws IOException {
        Path file = newStore();
        Child child = children.spare();
        try (CairnStore survivor = where.scenario.create(file)) {
            where.scenario.prepare(survivor, file);
            Map<String, byte[]> before = content(survivor);
            child.ask("open", file);
            child.ask("park", where.step, where.time);
            where.scenario.tell(child);
            child.awaitStep(where.step);
            child.kill();
            child.awaitDeath();
            lie.tell(file);
            goesOn(survivor, where, before);
        }
    }
}
