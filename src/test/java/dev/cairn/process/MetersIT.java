package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.LockTimeout;
import dev.cairn.MemoryDirectory;
import dev.cairn.SmallScale;
import dev.cairn.Stats;
import dev.cairn.micrometer.CairnMetrics;

import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.MockClock;
import io.micrometer.core.instrument.simple.SimpleConfig;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Attacks the meters and figures: what they show of other processes, and after these died. */
class MetersIT {
    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @RegisterExtension final Children children = new Children();

    private final SmallScale scale = SmallScale.inPlace();

    private final MockClock clock = new MockClock();
    private final SimpleMeterRegistry registry =
            new SimpleMeterRegistry(SimpleConfig.DEFAULT, clock);

    @AfterEach
    void usualScale() {
        scale.close();
    }

    private double gauge(String name) {
        clock.add(1, TimeUnit.SECONDS);
        return registry.get(name).gauge().value();
    }

    private FunctionTimer lockWaits() {
        clock.add(1, TimeUnit.SECONDS);
        return registry.get("cairn.lock.wait").functionTimer();
    }

    private double takeovers() {
        clock.add(1, TimeUnit.SECONDS);
        return registry.get("cairn.lock.takeovers").functionCounter().count();
    }

    /** A wait that was in vain must be counted too, since operators most want to know of those. */
    @Test
    void waitsForAnotherProcesssLockAreCountedAndTimed() {
        Path file = directory.resolve("store.cairn");
        try (CairnStore store =
                Cairn.open(file, Scenario.QUIET.withLockTimeout(Duration.ofMillis(50)))) {
            CairnMetrics.monitor(registry, store, "s");
            Scenario.put(store, "mine", Scenario.SMALL);
            assertThat(lockWaits().count()).isZero();
            assertThat(gauge("cairn.processes")).isEqualTo(1);
            Child child = children.start();
            child.ask("open", file);
            assertThat(gauge("cairn.processes")).isEqualTo(2);
            child.ask("park", "W5", 1);
            child.tell("put", "theirs", Scenario.SMALL);
            child.awaitStep("W5");

            assertThatThrownBy(() -> Scenario.put(store, "mine", Scenario.SMALL))
                    .isInstanceOf(LockTimeout.class);
            assertThat(lockWaits().count()).isEqualTo(1);
            assertThat(lockWaits().totalTime(TimeUnit.NANOSECONDS))
                    .isPositive()
                    .isEqualTo((double) store.stats().lockWaitNanos())
                    .isEqualTo((double) store.stats().longestLockWaitNanos());
            assertThat(takeovers()).isZero();

            child.kill();
            child.awaitDeath();
            Scenario.put(store, "mine", Scenario.SMALL);
            assertThat(lockWaits().count()).isEqualTo(2);
            assertThat(takeovers()).isEqualTo(1);
            assertThat(gauge("cairn.processes")).isEqualTo(1);
            Stats stats = store.stats();
            assertThat(stats.lockWaitNanos())
                    .isGreaterThan(stats.longestLockWaitNanos())
                    .isLessThanOrEqualTo(2 * stats.longestLockWaitNanos());
        }
    }

    /**
     * Judges the figures once somebody took the dead process's lock and a checkpoint came. {@link
     * StepKillIT} says what they must be.
     */
    @ParameterizedTest
    @CsvSource({
        "ROLL, N2",
        "ROLL, N3",
        "ROLL, W5",
        "ROLL, W8",
        "RUN_OVER_RUN_AND_ROLL, N2 run",
        "RUN_OVER_RUN_AND_ROLL, N3 run",
        "RUN_OVER_RUN_AND_ROLL, W5",
        "RUN_OVER_RUN_AND_ROLL, D2",
        "OVERWRITE_IN_PLACE, X3"
    })
    void whoOnlyReadsSeesTheFiguresOfWhoRepaired(Scenario scenario, String step)
            throws IOException {
        Path file = directory.resolve("store.cairn");
        try (CairnStore survivor = scenario.create(file)) {
            scenario.prepare(survivor, file);
            Child child = children.spare();
            child.ask("open", file);
            child.ask("park", step, 1);
            scenario.tell(child);
            child.awaitStep(step);
            child.kill();
            child.awaitDeath();
            Child viewer = children.spare();
            viewer.ask("view", file);
            assertThat(viewer.ask("figures")).contains(" entries, "); // whatever was half done
            Scenario.put(survivor, Scenario.PROBE, Scenario.SMALL);
            survivor.checkpoint();
            assertThat(viewer.ask("figures")).isEqualTo(Acting.figures(survivor.stats()));
            assertThat(survivor.get(bytes(Scenario.PROBE))).isNotNull();
            assertThat(survivor.verify().damages()).isEmpty();
        }
    }
}
