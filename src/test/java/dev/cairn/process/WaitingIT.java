package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Change;
import dev.cairn.ChangeFeed;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Reached;
import dev.cairn.Replica;
import dev.cairn.SmallScale;
import dev.cairn.os.Futex;
import dev.cairn.os.Steps;
import dev.cairn.process.Ledger.Figure;
import dev.cairn.process.Workload.Mode;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks waiting for changes and following them across processes, while some are killed. No
 * wake-up may be lost, and a follower must end up with what the store has.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WaitingIT {
    private static final Duration PATIENCE = Duration.ofMinutes(3);

    /** A sleep is so long that a lost wake-up fails the test. */
    private static final String LONG_SLICE_MILLIS = "200000";

    private static final String SLICE_PROPERTY = "dev.cairn.wait-slice-millis";
    private static final int ROUNDS = 2_000;
    private static final int WRITERS = 3;
    private static final int KILLS = 6;
    private static final long LONGEST_LIFE_NANOS = 600_000_000;

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

    @AfterEach
    void asUsual() {
        Steps.listen(null);
        System.clearProperty(SLICE_PROPERTY);
        scale.close();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private interface Waited {
        Object result() throws InterruptedException;
    }

    private static CompletableFuture<Object> elsewhere(Waited work) {
        return CompletableFuture.supplyAsync(
                () -> {
                    try {
                        return work.result();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                },
                Thread.ofPlatform().daemon()::start); // the common pool may have one thread only
    }

    private static Object soon(CompletableFuture<Object> work)
            throws InterruptedException, ExecutionException, TimeoutException {
        return work.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    /**
     * Two sides each sleep until the other has written, thousands of times. Nothing else ends a
     * sleep.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 16})
    void noWakeUpIsLost(int stripes) throws InterruptedException {
        Assumptions.assumeTrue(Futex.isAvailable());
        System.setProperty(SLICE_PROPERTY, LONG_SLICE_MILLIS);
        Child child = children.start();
        child.ask("property", SLICE_PROPERTY, LONG_SLICE_MILLIS);
        SplittableRandom random = new SplittableRandom(stripes);
        try (CairnStore store = Cairn.open(file(), Options.defaults().withStripes(stripes))) {
            child.ask("open", file());
            child.tell("answer", "ping", "pong", ROUNDS);
            long seen = 0;
            for (int round = 1; round <= ROUNDS; round++) {
                store.put(bytes("ping"), Values.of("ping", 1, round, 0));
                if (random.nextInt(4) == 0) {
                    LockSupport.parkNanos(random.nextInt(200_000));
                }
                long now = store.awaitChange(bytes("pong"), seen, PATIENCE);
                assertThat(now).as("round %d", round).isNotEqualTo(seen);
                seen = now;
            }
            assertThat(child.answer()).isEqualTo(Integer.toString(ROUNDS));
            child.ask("close");
        }
    }

    @Test
    void aFeedSleepsThroughNothingEither() throws Exception {
        Assumptions.assumeTrue(Futex.isAvailable());
        System.setProperty(SLICE_PROPERTY, LONG_SLICE_MILLIS);
        Child child = children.start();
        child.ask("property", SLICE_PROPERTY, LONG_SLICE_MILLIS);
        try (CairnStore store = Cairn.open(file(), Options.defaults().withStripes(16));
                ChangeFeed<byte[]> feed = store.watch()) {
            child.ask("open", file());
            child.tell("answer", "ping", "pong", ROUNDS);
            for (int round = 1; round <= ROUNDS; round++) {
                long version = store.put(bytes("ping"), Values.of("ping", 1, round, 0));
                for (boolean answered = false; !answered; ) {
                    Change<byte[]> change = feed.poll(PATIENCE);
                    assertThat(change).as("round %d, %d", round, version).isNotNull();
                    answered =
                            change instanceof Change.Put<byte[]> put
                                    && new String(
                                                    put.key(),
                                                    java.nio.charset.StandardCharsets.UTF_8)
                                            .equals("pong");
                }
            }
            assertThat(child.answer()).isEqualTo(Integer.toString(ROUNDS));
            child.ask("close");
        }
    }

    /** The writer is killed when only the waking is left to do. */
    @ParameterizedTest
    @ValueSource(strings = {"W14", "W16", "W17"})
    void aWriterThatIsKilledBeforeItWakesCostsATimedSleep(String step) throws Exception {
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            store.put(bytes("other"), Values.of("other", 1, 1, 100)); // so that there is room
            Child child = children.start();
            child.ask("open", file());
            child.ask("park", step, 1);
            Reached asleep = Reached.by(Futex.isAvailable() ? "A3" : "A2");
            CompletableFuture<Object> waiting =
                    elsewhere(() -> store.awaitChange(bytes("key"), 0, PATIENCE));
            CompletableFuture<Object> both = elsewhere(() -> waits(store));
            asleep.await(2, 2);
            child.tell("put", "key", 100);
            if (Futex.isAvailable() || step.equals("W14")) {
                child.awaitStep(step);
            }
            child.kill();
            assertThat((long) soon(waiting)).isPositive();
            assertThat(soon(both)).isEqualTo("changed");
        }
    }

    private static Object waits(CairnStore store) throws InterruptedException {
        return store.awaitChange(bytes("key"), 0, PATIENCE) == 0 ? "not" : "changed";
    }

    @ParameterizedTest
    @ValueSource(strings = {"W7", "W8", "W9", "W10", "W14", "W16", "W17 feeds"})
    void aFeedTellsAWriteThatCanBeReadThoughItsWriterIsKilled(String step) throws Exception {
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            store.put(bytes("other"), Values.of("other", 1, 1, 100)); // so that there is room
            ChangeFeed<byte[]> feed = store.watch();
            Child child = children.start();
            child.ask("open", file());
            child.ask("park", step, 1);
            Reached asleep = Reached.by("B4");
            CompletableFuture<Object> waiting = elsewhere(() -> feed.poll(PATIENCE));
            if (Futex.isAvailable()) {
                asleep.await(1, 1);
            }
            boolean onlyOfWholeCommits = step.equals("W7") || step.equals("W10");
            child.tell("put", "key", onlyOfWholeCommits ? 100_000 : 100);
            if (Futex.isAvailable() || !step.matches("W1[67].*")) {
                child.awaitStep(step);
            }
            assertThat(store.get(bytes("key"))).isNotNull();
            child.kill();
            assertThat(soon(waiting)).isInstanceOf(Change.Put.class);
        }
    }

    /** Readers poll, and must hear of a write all the same. */
    @Test
    void readersAreToldToo() {
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            Child waits = children.start();
            Child follows = children.start();
            waits.ask("view", file());
            follows.ask("view", file());
            waits.tell("await", "key", 0);
            follows.tell("poll");
            follows.awaitStep("poll");
            long version = store.put(bytes("key"), Values.of("key", 1, 1, 100));
            assertThat(waits.answer()).isEqualTo(Long.toString(version));
            assertThat(follows.answer()).isEqualTo("Put");
        }
    }

    /** Writers come, clean, make checkpoints and are killed, while three processes follow them. */
    @Test
    void whoFollowsEndsUpWithWhatTheStoreHas() throws Exception {
        long seed = Long.getLong("cairn.seed", System.nanoTime());
        System.out.printf("WaitingIT: -Dcairn.seed=%d%n", seed);
        SplittableRandom random = new SplittableRandom(seed);
        Path notes = directory.resolve("ledger");
        try (CairnStore store = Cairn.open(file(), Mode.BUSY.options());
                Ledger ledger = Ledger.at(notes);
                Replica replica = new Replica(store, store.watch())) {
            Child sharing = children.start();
            Child viewing = children.start();
            sharing.tell("follow", file(), notes, "join");
            viewing.tell("follow", file(), notes, "view");
            sharing.awaitStep("follow");
            viewing.awaitStep("follow");
            List<Child> writers = new ArrayList<>();
            for (int lane = 0; lane < WRITERS; lane++) {
                writers.add(writer(notes, lane, random));
            }
            for (int kill = 0; kill < KILLS; kill++) {
                follow(replica, random.nextLong(LONGEST_LIFE_NANOS));
                int lane = kill % WRITERS;
                writers.get(lane).kill();
                writers.set(lane, writer(notes, lane, random));
            }
            do {
                follow(replica, LONGEST_LIFE_NANOS);
                writers.forEach(Child::requireNoComplaint);
            } while (ledger.sum(Figure.EVACUATIONS) == 0 || ledger.sum(Figure.FOLDED_COPIES) == 0);
            ledger.order(Ledger.STOP);
            writers.forEach(Child::answer);
            ledger.order(Ledger.JUDGE);
            replica.awaitEqual(PATIENCE);
            System.out.printf(
                    "WaitingIT: %d told, %d lagged, %d folded copies, %d evacuations; %s; %s%n",
                    replica.told(),
                    replica.lagged(),
                    ledger.sum(Figure.FOLDED_COPIES),
                    ledger.sum(Figure.EVACUATIONS),
                    sharing.answer(),
                    viewing.answer());
        }
    }

    private Child writer(Path notes, int lane, SplittableRandom random) {
        Child writer = children.spare();
        writer.tell("write", file(), notes, lane, random.nextLong(), Long.MAX_VALUE, 0, Mode.BUSY);
        return writer;
    }

    /** Follows the feed, but pauses half of the time, so that it may lag behind. */
    private static void follow(Replica replica, long nanos) throws InterruptedException {
        long start = System.nanoTime();
        Thread.sleep(Duration.ofNanos(nanos / 2));
        while (System.nanoTime() - start < nanos) {
            boolean _ = replica.next(Duration.ofMillis(10));
        }
    }
}
