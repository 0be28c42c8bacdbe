package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CairnMap;
import dev.cairn.MemoryDirectory;
import dev.cairn.Recovery.Kind;
import dev.cairn.Seed;
import dev.cairn.SmallScale;
import dev.cairn.cli.CommandLineFixture;
import dev.cairn.process.Ledger.Figure;
import dev.cairn.process.Storm.Honesty;
import dev.cairn.process.Storm.Variant;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks all promises about killed processes at once. Several processes with everything switched
 * on are killed at random instants, including during opening and closing. They are killed one at a
 * time beside the others, or all at once. After each kill, the store must have what the {@link
 * Ledger} says was acknowledged, and may have what was begun. The canary acknowledges writes before
 * they are done.
 */
@Timeout(value = 1200, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StormIT {
    private static final int LANES = 3;

    /** One in so many kills is of all processes at once. */
    private static final int ONE_OF_ALL = 4;

    private static final int LONGEST_LIFE_NANOS = 250_000_000;
    private static final int LONGEST_INSTANT_NANOS = 500_000;
    private static final Duration MOST = Duration.ofMinutes(4);

    /** What must happen besides kills, in any of the processes. */
    private static final List<Figure> OF_ALL =
            List.of(
                    Figure.OPERATIONS,
                    Figure.JOINED,
                    Figure.REPAIRED,
                    Figure.CHECKPOINTS,
                    Figure.INCREMENTS_RETURNED,
                    Figure.BACKUPS,
                    Figure.COMPACTIONS,
                    Figure.TOLD,
                    Figure.WOKEN,
                    Figure.CONFIRMED,
                    Figure.ABSENT_READS);

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();
    private final Random random = Seed.random(StormIT.class);
    private final Child[] victims = new Child[LANES];
    private final Map<Long, Integer> killedAt = new TreeMap<>();
    private final Map<Kind, Integer> found = new EnumMap<>(Kind.class);
    private int audits;
    private int allKilled;

    @AfterEach
    void usualScale() {
        scale.close();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private Path notes() {
        return directory.resolve("ledger");
    }

    @ParameterizedTest
    @EnumSource
    void whateverIsKilledWhatWasAcknowledgedIsThere(Variant variant) throws IOException {
        rage(variant, 4, Duration.ZERO);
    }

    @ParameterizedTest
    @EnumSource
    @Tag("soak")
    void whateverIsKilledForMinutesWhatWasAcknowledgedIsThere(Variant variant) throws IOException {
        rage(variant, 100, Duration.ofSeconds(150));
    }

    @Test
    void canaryAnAcknowledgementBeforeTheWriteIsNoticed() throws IOException {
        long deadline = System.nanoTime() + MOST.toNanos();
        assertThatThrownBy(
                        () -> {
                            try (Ledger ledger = begin(Variant.STORE)) {
                                start(ledger, 0, Variant.STORE, Honesty.HASTY);
                                while (System.nanoTime() < deadline) {
                                    kill(ledger, 0);
                                    victims[0] = null;
                                    audit(ledger, Variant.STORE);
                                    start(ledger, 0, Variant.STORE, Honesty.HASTY);
                                }
                            }
                        })
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("had returned");
    }

    private Ledger begin(Variant variant) throws IOException {
        Files.createDirectory(directory.resolve("backups"));
        Storm.open(file(), variant.options()).close();
        return Ledger.at(notes());
    }

    private void rage(Variant variant, int kills, Duration atLeast) throws IOException {
        long start = System.nanoTime();
        try (Ledger ledger = begin(variant)) {
            for (int lane = 0; lane < LANES; lane++) {
                start(ledger, lane, variant, Honesty.HONEST);
            }
            int killed = 0;
            while (killed < kills
                    || System.nanoTime() - start < atLeast.toNanos()
                    || !unmet(ledger, variant).isEmpty()) {
                assertThat(System.nanoTime() - start)
                        .as("not met: %s", unmet(ledger, variant))
                        .isLessThan(atLeast.plus(MOST).toNanos());
                killed +=
                        random.nextInt(ONE_OF_ALL) == 0
                                ? killAll(ledger, variant)
                                : killOne(ledger, variant);
            }
            awaitBegun(ledger);
            ledger.order(Ledger.STOP);
            for (Child each : victims) {
                assertThat(each.answer()).isEqualTo("over");
            }
            report(variant, killed, ledger, System.nanoTime() - start);
            assertThat(audit(ledger, variant)).isEqualTo(Kind.CLEAN);
            awaitEndOfTheFleeting(variant);
        }
    }

    private void start(Ledger ledger, int lane, Variant variant, Honesty honesty) {
        ledger.set(lane, Figure.STATE, Ledger.STARTING);
        victims[lane] = children.spare();
        victims[lane].tell(
                "storm",
                file(),
                notes(),
                lane,
                LANES,
                random.nextLong(),
                variant,
                honesty,
                directory.resolve("backups"));
    }

    private int killOne(Ledger ledger, Variant variant) throws IOException {
        int lane = random.nextInt(LANES);
        kill(ledger, lane);
        if (random.nextBoolean()) { // otherwise those that live repair what it left
            try (CairnMap<String, Blow> map = Storm.open(file(), variant.options())) {
                Blow.judgeLane(map, ledger, lane, variant.evicts());
                requireSound(map);
                Blow.judgeLane(map, ledger, lane, variant.evicts());
            }
        }
        start(ledger, lane, variant, Honesty.HONEST);
        return 1;
    }

    private int killAll(Ledger ledger, Variant variant) throws IOException {
        kill(ledger, random.nextInt(LANES));
        for (Child each : victims) {
            each.kill();
        }
        for (Child each : victims) {
            each.awaitDeath();
        }
        if (++allKilled % 2 == 1) { // otherwise the next process repairs
            audit(ledger, variant);
        }
        for (int lane = 0; lane < LANES; lane++) {
            start(ledger, lane, variant, Honesty.HONEST);
        }
        return LANES;
    }

    /**
     * Waits until each process has opened the store once more. Then the last to close it leaves
     * nothing to repair.
     */
    private void awaitBegun(Ledger ledger) {
        for (int lane = 0; lane < LANES; lane++) {
            while (ledger.figure(lane, Figure.STATE) == Ledger.STARTING) {
                requireNoComplaint();
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    /** Kills a process at an instant while it works, opens or closes the store. */
    private void kill(Ledger ledger, int lane) {
        Child victim = victims[lane];
        long state =
                switch (random.nextInt(4)) {
                    case 0 -> Storm.OPENING;
                    case 1 -> Storm.CLOSING;
                    default -> Ledger.WORKING;
                };
        while (ledger.figure(lane, Figure.STATE) != state) {
            requireNoComplaint();
            LockSupport.parkNanos(20_000);
        }
        LockSupport.parkNanos(
                random.nextInt(
                        state == Ledger.WORKING ? LONGEST_LIFE_NANOS : LONGEST_INSTANT_NANOS));
        requireNoComplaint();
        victim.kill();
        victim.awaitDeath();
        killedAt.merge(ledger.figure(lane, Figure.STATE), 1, Integer::sum);
    }

    private void requireNoComplaint() {
        for (Child each : victims) {
            if (each != null) {
                each.requireNoComplaint();
            }
        }
    }

    /** Judges everything while nobody has the store open. */
    private Kind audit(Ledger ledger, Variant variant) throws IOException {
        audits++;
        check();
        Kind kind;
        try (CairnMap<String, Blow> map = Storm.open(file(), variant.options())) {
            kind = map.store().recovery().kind();
            found.merge(kind, 1, Integer::sum);
            assertThat(kind).isNotEqualTo(Kind.CREATED);
            for (int lane = 0; lane < LANES; lane++) {
                Blow.judgeLane(map, ledger, lane, variant.evicts());
            }
            if (!variant.evicts()) {
                judgeCounters(map, ledger);
            }
            requireSound(map);
        }
        check();
        return kind;
    }

    private void check() {
        var result = new CommandLineFixture().run("check", file());
        assertThat(result.exit()).as(result.out() + result.err()).isZero();
        assertThat(result.out()).contains("sound");
    }

    private static void requireSound(CairnMap<String, Blow> map) {
        assertThat(map.store().verify().damages()).isEmpty();
    }

    private static void judgeCounters(CairnMap<String, Blow> map, Ledger ledger) {
        long counted = 0;
        for (int counter = 0; counter < Storm.COUNTERS; counter++) {
            counted += Blow.count(counter, map.get(Storm.counterKey(counter)));
        }
        assertThat(counted)
                .isBetween(
                        ledger.sum(Figure.INCREMENTS_RETURNED),
                        ledger.sum(Figure.INCREMENTS_BEGUN));
    }

    private void awaitEndOfTheFleeting(Variant variant) throws IOException {
        try (CairnMap<String, Blow> map = Storm.open(file(), variant.options())) {
            long deadline = System.nanoTime() + MOST.toNanos();
            for (int lane = 0; lane < LANES; lane++) {
                for (int key = 0; key < Ledger.KEYS; key++) {
                    while (Blow.fleeting(key) && map.containsKey(Blow.key(lane, key))) {
                        assertThat(System.nanoTime()).isLessThan(deadline);
                        LockSupport.parkNanos(1_000_000);
                    }
                }
            }
        }
    }

    /** What has not happened yet, so that the storm goes on. */
    private List<Object> unmet(Ledger ledger, Variant variant) {
        List<Object> unmet = new ArrayList<>();
        List<Figure> figures = new ArrayList<>(OF_ALL);
        if (variant.evicts()) {
            figures.add(Figure.EVICTED);
        }
        figures.stream().filter(figure -> ledger.sum(figure) == 0).forEach(unmet::add);
        for (long state : new long[] {Ledger.WORKING, Storm.OPENING, Storm.CLOSING}) {
            if (!killedAt.containsKey(state)) {
                unmet.add("killed at " + state);
            }
        }
        if (!found.containsKey(Kind.REPAIRED)) {
            unmet.add("repaired by this process");
        }
        return unmet;
    }

    private void report(Variant variant, int killed, Ledger ledger, long nanos) {
        Map<Kind, Long> opened = new EnumMap<>(Kind.class);
        for (Kind kind : List.of(Kind.JOINED, Kind.CLEAN, Kind.REPAIRED, Kind.REBUILT)) {
            opened.put(kind, ledger.sum(Figure.opened(kind)));
        }
        System.out.printf(
                "StormIT: %s, %d kills (working %d, opening %d, closing %d) in %d s, %d operations, %d reads%n",
                variant,
                killed,
                killedAt.get(Ledger.WORKING),
                killedAt.get(Storm.OPENING),
                killedAt.get(Storm.CLOSING),
                nanos / 1_000_000_000,
                ledger.sum(Figure.OPERATIONS),
                ledger.sum(Figure.READS));
        System.out.printf(
                "StormIT: %d audits found %s; processes opened it %s; %d takeovers%n",
                audits, found, opened, ledger.sum(Figure.TAKEOVERS));
        Map<Figure, Long> figures = new EnumMap<>(Figure.class);
        OF_ALL.forEach(figure -> figures.put(figure, ledger.sum(figure)));
        figures.put(Figure.LAGGED, ledger.sum(Figure.LAGGED));
        figures.put(Figure.EVICTED, ledger.greatest(Figure.EVICTED));
        System.out.println("StormIT: " + figures);
    }
}
