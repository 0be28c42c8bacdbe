package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.LockTimeout;
import dev.cairn.Recovery;
import dev.cairn.Recovery.Kind;
import dev.cairn.SmallScale;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Attacks the promise that a process may die at any step of creating, opening, recovering and
 * closing a store. A process is killed at each step, and the next must open the store with all its
 * content.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpeningKillIT {
    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();

    private int stores;

    @AfterEach
    void usualScale() {
        scale.close();
    }

    private Path newStore() {
        return directory.resolve("store" + stores++ + ".cairn");
    }

    @Test
    void everyStepOfOpeningAndClosingSurvivesTheDeathOfItsProcess() throws IOException {
        Set<String> done = new HashSet<>();
        Set<String> publishing = SourceSteps.ofPublishing();
        for (String step : List.of("C link", "C unlink", "O4 nonce", "O4 rename")) {
            Path file = newStore();
            openAndDie(file, step);
            assertContent(file, Set.of(Kind.CREATED, Kind.REBUILT), Map.of());
            done.add(step);
        }
        List<String> rebuilding = new ArrayList<>(publishing);
        rebuilding.addAll(List.of("O progress", "O4 nonce", "O4 rename"));
        for (String step : rebuilding) {
            Path file = newStore();
            Map<String, byte[]> content = closedStore(file);
            Files.delete(SharedWords.of(file));
            openAndDie(file, step);
            assertContent(file, Set.of(Kind.REBUILT), content);
        }
        Path reopened = newStore();
        Map<String, byte[]> content = closedStore(reopened);
        openAndDie(reopened, "O4 open block");
        assertContent(reopened, Set.of(Kind.REPAIRED), content);
        done.add("O4 open block");
        List<String> closing = new ArrayList<>(publishing);
        closing.addAll(List.of("O progress", "O mark"));
        for (String step : closing) {
            closeAndDie(newStore(), step);
            done.add(step);
        }
        assertThat(done).isEqualTo(SourceSteps.ofOpening());
    }

    private Map<String, byte[]> closedStore(Path file) {
        try (CairnStore store = Cairn.open(file, Scenario.QUIET)) {
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
        assertThatThrownBy(() ->
                        Cairn.open(file, Scenario.QUIET.withLockTimeout(Duration.ofMillis(100))))
                .isInstanceOf(LockTimeout.class)
                .hasMessageContaining("opening or closing");
        child.kill();
        child.awaitDeath();
    }

    private void assertContent(Path file, Set<Kind> kinds, Map<String, byte[]> content)
            throws IOException {
        try (CairnStore store = Cairn.open(file, Scenario.QUIET)) {
            Recovery recovery = store.recovery();
            assertThat(kinds).as(recovery.toString()).contains(recovery.kind());
            assertThat(content(store)).usingRecursiveComparison().isEqualTo(content);
            assertThat(store.size()).as("size").isEqualTo(content.size());
            assertThat(store.verify().damages()).isEmpty();
            Scenario.put(store, Scenario.PROBE, Scenario.SMALL);
            assertThat(store.get(bytes(Scenario.PROBE))).isNotNull();
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.filter(each -> each.getFileName().toString().endsWith("-new")))
                    .isEmpty();
        }
    }

    private static Map<String, byte[]> content(CairnStore store) {
        Map<String, byte[]> content = new TreeMap<>();
        store.forEach((key, value) -> content.put(new String(key, UTF_8), value));
        return content;
    }
}
