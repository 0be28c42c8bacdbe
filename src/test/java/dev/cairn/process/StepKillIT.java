package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Recovery.Kind;
import dev.cairn.Stats;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A process is killed at each step of each protocol. This JVM has the same store open all the time:
 * it reads while the other stands at the step, and writes to the same stripe the moment it is dead.
 *
 * <p>The oracle: each scenario is first played without a kill. A scenario that was killed before its
 * commit and then done by the survivor, and one that was killed behind it, must end with the same
 * content, the same number of regions in use and the same size of the files; so nothing leaks.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StepKillIT {

    /** Behind the commit: the write that stands here is done, or will be. */
    private static final Set<String> COMMITTED =
            Set.of("W6", "W7", "W8", "W9", "W10", "W11", "D2", "W12", "W13", "W14");

    /** The steps of a redo. */
    private static final List<String> REDO =
            List.of("W6", "W7", "W8", "W9", "W10", "W11", "D2", "W12");

    /** Steps of creating, opening, publishing a checkpoint: they have a test of their own. */
    private static final Pattern OPENING = Pattern.compile("[COP]\\d? .*");

    private static final Options ONE_STRIPE =
            Options.defaults().withStripes(1).withLockTimeout(Duration.ofSeconds(5));

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final Map<Scenario, Played> played = new HashMap<>();
    private int stores;
    private long longestNanos;

    /**
     * How a scenario goes when nobody is killed.
     *
     * @param steps it reaches, as often as it does
     * @param end figures of the store behind it
     */
    private record Played(List<String> steps, Stats end) {
        Set<String> names() {
            return new LinkedHashSet<>(steps);
        }

        /** A write that finds no room begins again, and only the last time counts. */
        int times(String step) {
            return Collections.frequency(steps, step);
        }
    }

    private record Case(Scenario scenario, String step) {}

    @BeforeEach
    void smallRegionsAndTables() {
        System.setProperty(Children.REGION_BYTES, "4096");
        System.setProperty(Children.LEAST_BUCKETS, "0");
    }

    @AfterEach
    void usualRegionsAndTables() {
        System.clearProperty(Children.REGION_BYTES);
        System.clearProperty(Children.LEAST_BUCKETS);
    }

    /** Each step in the first scenario that reaches it; of the others, both sides of the commit. */
    @Test
    void everyStepOfAWriteSurvivesTheDeathOfItsProcess() throws IOException {
        playAll();
        Set<String> seen = new HashSet<>();
        List<Case> cases = new ArrayList<>();
        for (Scenario scenario : Scenario.values()) {
            for (String step : played.get(scenario).names()) {
                if (seen.add(step) || step.equals("W5") || step.equals("W8")) {
                    cases.add(new Case(scenario, step));
                }
            }
        }
        assertThat(seen).containsExactlyInAnyOrderElementsOf(stepsOfWriting());
        killAtEach(cases);
    }

    @Test
    @Tag("soak")
    void everyStepOfEveryScenarioSurvivesTheDeathOfItsProcess() throws IOException {
        playAll();
        List<Case> cases = new ArrayList<>();
        played.forEach((scenario, plan) ->
                plan.names().forEach(step -> cases.add(new Case(scenario, step))));
        killAtEach(cases);
    }

    private static Set<String> stepsOfWriting() throws IOException {
        Set<String> steps = stepsOfTheSource();
        steps.removeIf(OPENING.asMatchPredicate());
        return steps;
    }

    private static Set<String> stepsOfOpening() throws IOException {
        Set<String> steps = stepsOfTheSource();
        steps.removeIf(OPENING.asMatchPredicate().negate());
        return steps;
    }

    /** All names in the sources; one that is not a literal could not be found, so there is none. */
    private static Set<String> stepsOfTheSource() throws IOException {
        Set<String> names = new TreeSet<>();
        Pattern call = Pattern.compile("Steps\\s*\\.\\s*at\\(\\s*(\"([^\"]*)\"\\s*\\))?");
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            for (Path source : sources.filter(file -> file.toString().endsWith(".java")).toList()) {
                Matcher calls = call.matcher(Files.readString(source));
                while (calls.find()) {
                    assertThat(calls.group(2)).as("a name in " + source).isNotNull();
                    names.add(calls.group(2));
                }
            }
        }
        return names;
    }

    private void playAll() {
        Child child = children.start();
        for (Scenario scenario : Scenario.values()) {
            Path file = newStore();
            try (CairnStore survivor = Cairn.open(file, ONE_STRIPE)) {
                scenario.prepare(survivor);
                child.ask("open", file);
                child.ask("record");
                scenario.tell(child);
                child.answer();
                List<String> steps = List.of(child.ask("steps").split("\t", -1));
                child.ask("close");
                Scenario.put(survivor, Scenario.PROBE, Scenario.SMALL);
                assertThat(survivor.get(bytes(Scenario.TARGET))).isEqualTo(scenario.after());
                played.put(scenario, new Played(steps, survivor.stats()));
            }
        }
    }

    private Path newStore() {
        return directory.resolve("store" + stores++ + ".cairn");
    }

    private void killAtEach(Collection<Case> cases) {
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
        if (failures.getSuppressed().length > 0) {
            throw failures;
        }
    }

    private void killAt(Case where) {
        Path file = newStore();
        try (CairnStore survivor = Cairn.open(file, ONE_STRIPE)) {
            where.scenario.prepare(survivor);
            Map<String, byte[]> before = content(survivor);
            Child child = children.spare();
            child.ask("open", file);
            stopAtLast(child, where);
            where.scenario.tell(child);
            child.awaitStep(where.step);
            readersGoOn(survivor, where.scenario, before);
            child.kill();
            goesOn(survivor, where, before);
        }
    }

    private void stopAtLast(Child child, Case where) {
        child.ask("park", where.step, played.get(where.scenario).times(where.step));
    }

    private static Map<String, byte[]> content(CairnStore store) {
        Map<String, byte[]> content = new TreeMap<>();
        store.forEach((key, value) -> content.put(new String(key, UTF_8), value));
        return content;
    }

    private static void readersGoOn(
            CairnStore store, Scenario scenario, Map<String, byte[]> before) {
        before.forEach((key, value) -> {
            if (!key.equals(Scenario.TARGET)) {
                assertThat(store.get(bytes(key))).as(key).isEqualTo(value);
            }
        });
        byte[] found = store.get(bytes(Scenario.TARGET));
        assertThat(
                        Arrays.equals(found, before.get(Scenario.TARGET))
                                || Arrays.equals(found, scenario.after()))
                .as("old or new, and whole")
                .isTrue();
        assertThat(store.containsKey(bytes(Scenario.TARGET))).isEqualTo(found != null);
        assertThat(store.getAll(List.of(bytes("other1"), bytes(Scenario.TARGET))).get(1))
                .isEqualTo(found);
        assertThat(content(store))
                .hasSize(before.size() + change(before.get(Scenario.TARGET), found));
    }

    private static int change(byte[] from, byte[] to) {
        return (to == null ? 0 : 1) - (from == null ? 0 : 1);
    }

    /** Writes at once, then judges what is there, then does what the other did not. */
    private void goesOn(CairnStore store, Case where, Map<String, byte[]> before) {
        long start = System.nanoTime();
        Scenario.put(store, Scenario.PROBE, Scenario.SMALL);
        longestNanos = Math.max(longestNanos, System.nanoTime() - start);
        judge(store, where, before);
        assertThat(store.stats().takeovers()).as("takeovers").isEqualTo(1);
    }

    private void judge(CairnStore store, Case where, Map<String, byte[]> before) {
        Map<String, byte[]> expected = new TreeMap<>(before);
        expected.put(Scenario.PROBE, Values.of(Scenario.PROBE, 0, 1, Scenario.SMALL));
        if (COMMITTED.contains(where.step)) {
            expected.put(Scenario.TARGET, where.scenario.after());
            expected.values().removeIf(value -> value == null);
        }
        sameContent(store, expected);
        if (!COMMITTED.contains(where.step)) {
            where.scenario.play(store);
            assertThat(store.get(bytes(Scenario.TARGET))).isEqualTo(where.scenario.after());
        }
        assertThat(store.verify().damages()).isEmpty();
        sameFigures(store.stats(), played.get(where.scenario).end);
    }

    private static void sameContent(CairnStore store, Map<String, byte[]> expected) {
        Map<String, byte[]> found = content(store);
        assertThat(found.keySet()).isEqualTo(expected.keySet());
        found.forEach((key, value) -> assertThat(value).as(key).isEqualTo(expected.get(key)));
        assertThat(store.size()).as("size").isEqualTo(expected.size());
        assertThat(store.verify().damages()).isEmpty();
    }

    private static void sameFigures(Stats found, Stats expected) {
        assertThat(found.entries()).as("entries").isEqualTo(expected.entries());
        assertThat(found.liveBytes()).as("live bytes").isEqualTo(expected.liveBytes());
        assertThat(found.regions() - found.freeRegions())
                .as("regions in use")
                .isEqualTo(expected.regions() - expected.freeRegions());
        assertThat(found.dataFileBytes()).as("data").isEqualTo(expected.dataFileBytes());
        assertThat(found.indexSlots()).as("index").isEqualTo(expected.indexSlots());
        assertThat(found.sharedMemoryFileBytes())
                .as("shared memory")
                .isEqualTo(expected.sharedMemoryFileBytes());
    }

    /** The second process finds a committed write half done, and dies in finishing it. */
    @Test
    void everyStepOfARepairSurvivesTheDeathOfTheRepairer() {
        playAll();
        Scenario scenario = Scenario.RUN_OVER_RUN_AND_ROLL;
        assertThat(played.get(scenario).steps).containsAll(REDO).contains("W2 header", "N3 run");
        for (String step : REDO) {
            Case where = new Case(scenario, "W6");
            Path file = newStore();
            try (CairnStore survivor = Cairn.open(file, ONE_STRIPE)) {
                scenario.prepare(survivor);
                Map<String, byte[]> before = content(survivor);
                for (String next : List.of("W6", step)) {
                    Child child = children.spare();
                    child.ask("open", file);
                    child.ask("park", next, 1);
                    scenario.tell(child);
                    child.awaitStep(next);
                    readersGoOn(survivor, scenario, before);
                    child.kill();
                }
                goesOn(survivor, where, before);
            } catch (AssertionError e) {
                throw new AssertionError("repairer killed at " + step, e);
            }
        }
    }

    /** The count of the buckets it passed is no part of the redo: it has to be there before. */
    @Test
    void anEntryThatPassedAFullBucketIsFoundAfterTheDeathOfItsWriter() throws IOException {
        for (String step : List.of("W5", "W6", "W8")) {
            Path file = newStore();
            try (CairnStore survivor = Cairn.open(file, ONE_STRIPE)) {
                for (int i = 0; i < 300; i++) {
                    Scenario.put(survivor, "filler" + i, Scenario.SMALL);
                }
                String key = FullBucket.passingKey(file, sharedMemoryOf(file));
                Child child = children.spare();
                child.ask("open", file);
                child.ask("park", step, 1);
                child.tell("put", key, Scenario.SMALL);
                child.awaitStep(step);
                child.kill();
                assertThat(survivor.verify().damages()).isEmpty(); // takes the lock: repairs
                assertThat(survivor.containsKey(bytes(key)))
                        .as(key + " after a kill at " + step)
                        .isEqualTo(COMMITTED.contains(step));
                Scenario.put(survivor, key, Scenario.SMALL);
                assertThat(survivor.size()).isEqualTo(301);
                assertThat(survivor.verify().damages()).isEmpty();
            }
        }
    }

    /** What a killed writer had claimed is free again, however often that happens. */
    @Test
    @Tag("soak")
    void thirtyDeathsAtAStepLeakNothing() {
        playAll();
        for (Case each :
                List.of(
                        new Case(Scenario.ROLL, "N3"),
                        new Case(Scenario.ROLL, "W5"),
                        new Case(Scenario.RUN_OVER_RUN_AND_ROLL, "N3 run"),
                        new Case(Scenario.RUN_OVER_RUN_AND_ROLL, "W4"),
                        new Case(Scenario.INDEX_GROWTH, "G3"))) {
            Path file = newStore();
            try (CairnStore survivor = Cairn.open(file, ONE_STRIPE)) {
                each.scenario.prepare(survivor);
                Stats before = null;
                for (int death = 0; death < 30; death++) {
                    Child child = children.spare();
                    child.ask("open", file);
                    stopAtLast(child, each);
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
    void everyStepOfOpeningAndClosingSurvivesTheDeathOfItsProcess() throws IOException {
        Set<String> done = new HashSet<>();
        List<String> publishing =
                stepsOfOpening().stream().filter(step -> step.startsWith("P ")).toList();
        for (String step : List.of("C link", "C unlink", "O4 nonce", "O4 rename")) {
            Path file = newStore();
            openAndDie(file, step);
            assertContent(file, Set.of(Kind.CREATED, Kind.REBUILT), Map.of());
            done.add(step);
        }
        List<String> rebuilding = new ArrayList<>(publishing);
        rebuilding.addAll(List.of("O4 nonce", "O4 rename"));
        for (String step : rebuilding) {
            Path file = newStore();
            Map<String, byte[]> content = closedStore(file);
            Files.delete(sharedMemoryOf(file));
            openAndDie(file, step);
            assertContent(file, Set.of(Kind.REBUILT), content);
        }
        Path reopened = newStore();
        Map<String, byte[]> content = closedStore(reopened);
        openAndDie(reopened, "O4 open block");
        assertContent(reopened, Set.of(Kind.REPAIRED), content);
        done.add("O4 open block");
        List<String> closing = new ArrayList<>(publishing);
        closing.add("O mark");
        for (String step : closing) {
            closeAndDie(newStore(), step);
            done.add(step);
        }
        assertThat(done).isEqualTo(stepsOfOpening());
    }

    private Map<String, byte[]> closedStore(Path file) {
        try (CairnStore store = Cairn.open(file, ONE_STRIPE)) {
            Scenario.RUN_OVER_RUN_AND_ROLL.prepare(store);
            return content(store);
        }
    }

    private void openAndDie(Path file, String step) {
        Child child = children.spare();
        child.ask("park", step, 1);
        child.tell("open", file);
        dieHoldingTheOpenLock(child, file, step);
    }

    private void closeAndDie(Path file, String step) throws IOException {
        Map<String, byte[]> content = closedStore(file);
        Child child = children.spare();
        child.ask("open", file);
        child.ask("put", Scenario.TARGET, Scenario.SMALL);
        child.ask("park", step, 1);
        child.tell("close");
        dieHoldingTheOpenLock(child, file, step);
        content.put(Scenario.TARGET, Values.of(Scenario.TARGET, 1, 2, Scenario.SMALL));
        assertContent(file, Set.of(Kind.REPAIRED), content);
    }

    private static void dieHoldingTheOpenLock(Child child, Path file, String step) {
        child.awaitStep(step);
        assertThatThrownBy(
                        () -> Cairn.open(file, ONE_STRIPE.withLockTimeout(Duration.ofMillis(100))))
                .isInstanceOf(LockTimeout.class)
                .hasMessageContaining("opening or closing");
        child.kill();
        child.awaitDeath();
    }

    private void assertContent(Path file, Set<Kind> kinds, Map<String, byte[]> content)
            throws IOException {
        try (CairnStore store = Cairn.open(file, ONE_STRIPE)) {
            Recovery recovery = store.recovery();
            assertThat(kinds).as(recovery.toString()).contains(recovery.kind());
            sameContent(store, content);
            Scenario.put(store, Scenario.PROBE, Scenario.SMALL);
            assertThat(store.get(bytes(Scenario.PROBE))).isNotNull();
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.filter(each -> each.getFileName().toString().endsWith("-new")))
                    .isEmpty();
        }
    }

    private static Path sharedMemoryOf(Path file) {
        return file.resolveSibling(file.getFileName() + "-shm");
    }

    @Test
    void canaryASurvivorThatForgetsTheRedoIsCaught() {
        playAll();
        Case where = new Case(Scenario.OVERWRITE, "W8");
        assertThatThrownBy(() -> killAndForget(where, StripeWords.INTENT))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void canaryASurvivorThatForgetsToGiveClaimsBackIsCaught() {
        playAll();
        Case where = new Case(Scenario.RUN, "W5");
        assertThatThrownBy(() -> killAndForget(where, StripeWords.NEXT_RUN))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("regions in use");
    }

    /** Clears what tells the next holder of the lock that there is something to repair. */
    private void killAndForget(Case where, int field) throws IOException {
        Path file = newStore();
        try (CairnStore survivor = Cairn.open(file, ONE_STRIPE)) {
            where.scenario.prepare(survivor);
            Map<String, byte[]> before = content(survivor);
            Child child = children.spare();
            child.ask("open", file);
            stopAtLast(child, where);
            where.scenario.tell(child);
            child.awaitStep(where.step);
            child.kill();
            child.awaitDeath();
            try (Arena arena = Arena.ofConfined();
                    FileChannel channel =
                            FileChannel.open(
                                    sharedMemoryOf(file),
                                    StandardOpenOption.READ,
                                    StandardOpenOption.WRITE)) {
                Words.release(
                        channel.map(MapMode.READ_WRITE, 0, SharedLayout.stripeAt(1), arena),
                        SharedLayout.stripeAt(0) + field,
                        0);
            }
            goesOn(survivor, where, before);
        }
    }
}
