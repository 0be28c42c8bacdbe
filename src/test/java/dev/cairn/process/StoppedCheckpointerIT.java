package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Durability;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Stats;
import dev.cairn.Stats.State;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Attacks the promises about a checkpointer, or a writer that it waits for, that is stopped rather
 * than killed. It may go on at any time, so nobody may take over from it.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StoppedCheckpointerIT {
    private static final int STRIPES = 4;
    private static final Duration LOCK_TIMEOUT = Duration.ofMillis(500);
    private static final String STRIPE = "the lock of stripe";
    private static final String CHECKPOINTS = "the lock of checkpoints";

    private static final Options FOUR_STRIPES =
            Scenario.QUIET.withStripes(STRIPES).withLockTimeout(LOCK_TIMEOUT);

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private static void put(CairnStore store, String key, int sequence) {
        store.put(bytes(key), Values.of(key, 0, sequence, 100));
    }

    private static void assertToldOf(Child stopped, String awaited, Runnable action) {
        long start = System.nanoTime();
        assertThatThrownBy(action::run)
                .hasMessageContaining("process " + stopped.pid() + ", which is alive")
                .isInstanceOfSatisfying(
                        LockTimeout.class,
                        e -> {
                            assertThat(e.awaited()).startsWith(awaited);
                            assertThat(e.holder()).hasValue(stopped.pid());
                        });
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .isGreaterThanOrEqualTo(LOCK_TIMEOUT);
    }

    private Child stoppedAt(String step, Object... order) throws IOException {
        Child child = children.start();
        child.ask("open", file());
        child.ask("put", "theirs", 100);
        child.ask("park", step, 1);
        child.tell(order);
        child.awaitStep(step);
        Child.signal("STOP", child.pid());
        return child;
    }

    private void othersComeAndGo() {
        Child other = children.start();
        assertThat(other.ask("open", file())).isEqualTo("JOINED");
        assertThat(other.ask("get", "theirs")).isEqualTo("2");
        other.ask("close");
    }

    private static String goOn(Child child) throws IOException {
        Child.signal("CONT", child.pid());
        child.tell("go");
        return child.answer();
    }

    /** The stopped checkpointer holds the locks of all stripes. */
    @Test
    void inTheCutItHoldsUpWritersWhoAreToldOfItAndNoReader() throws IOException {
        try (CairnStore store = Cairn.open(file(), FOUR_STRIPES)) {
            put(store, "mine", 1);
            Child stopped = stoppedAt("P3", "checkpoint");
            assertThat(Values.whole("mine", store.get(bytes("mine"))).sequence()).isOne();
            assertThat(Values.whole("theirs", store.get(bytes("theirs"))).sequence()).isEqualTo(2);
            store.forEach((key, value) -> assertThat(value).isNotNull());
            assertThat(store.stats().state()).isEqualTo(State.SOUND);
            assertToldOf(stopped, STRIPE, () -> put(store, "mine", 2));
            assertToldOf(stopped, CHECKPOINTS, store::checkpoint);
            othersComeAndGo();
            assertThat(Values.whole("mine", store.get(bytes("mine"))).sequence()).isOne();
            long epoch = Long.parseLong(goOn(stopped));
            assertThat(store.stats().durableEpoch()).isEqualTo(epoch);
            put(store, "mine", 3);
            assertThat(store.checkpoint()).isEqualTo(epoch + 1);
            assertWhole(store);
        }
    }

    private static void assertWhole(CairnStore store) {
        assertThat(store.stats()).returns(0L, Stats::takeovers).returns(State.SOUND, Stats::state);
        assertThat(store.verify().damages()).isEmpty();
    }

    @Test
    void inTheForceItHoldsUpNobodyButOtherCheckpoints() throws IOException {
        try (CairnStore store = Cairn.open(file(), FOUR_STRIPES)) {
            put(store, "mine", 1);
            Child stopped = stoppedAt("P6", "checkpoint");
            long waits = store.stats().lockWaits();
            long longest = 0;
            for (int i = 0; i < 1000; i++) {
                long start = System.nanoTime();
                put(store, "mine" + i % 10, i);
                longest = Math.max(longest, System.nanoTime() - start);
            }
            assertThat(store.stats())
                    .returns(waits, Stats::lockWaits)
                    .returns(State.ATTEMPTED, Stats::state);
            assertToldOf(stopped, CHECKPOINTS, store::checkpoint);
            othersComeAndGo();
            put(store, "mine", 2);
            long epoch = Long.parseLong(goOn(stopped));
            assertThat(store.stats().durableEpoch()).isEqualTo(epoch);
            assertThat(store.checkpoint()).isEqualTo(epoch + 1);
            assertWhole(store);
            System.out.printf("StoppedCheckpointerIT: longest put %.1f ms%n", longest / 1e6);
        }
    }

    /** If a stripe's lock times out, nothing was written; here something was. */
    @Test
    void aDurableWriteThatWasAppliedAndNotForcedSaysSo() throws IOException {
        Options eachWrite = FOUR_STRIPES.withDurability(Durability.EACH_WRITE);
        try (CairnStore store = Cairn.open(file(), eachWrite)) {
            put(store, "mine", 1);
            Child stopped = stoppedAt("P6", "checkpoint");
            assertThatThrownBy(() -> store.putIfAbsent(bytes("new"), bytes("value")))
                    .isInstanceOf(CheckpointFailed.class)
                    .hasMessageContaining("the write is visible");
            assertThat(store.get(bytes("new"))).isEqualTo(bytes("value"));
            goOn(stopped);
            put(store, "mine", 2);
            assertWhole(store);
        }
    }

    /**
     * The cut must release what it holds, rather than wait for the last stripe while it holds the
     * others.
     */
    @Test
    void aWriterOfOneStripeHoldsUpCheckpointsAndNoWriterOfAnother() throws IOException {
        try (CairnStore store = Cairn.open(file(), FOUR_STRIPES)) {
            StripeKeys keys = new StripeKeys(file());
            String held = keys.of(2, "held");
            put(store, held, 1);
            Child stopped = stoppedAt("W8", "put", held, 200);
            AtomicBoolean over = new AtomicBoolean();
            AtomicLong longest = new AtomicLong();
            AtomicLong puts = new AtomicLong();
            Thread others =
                    Thread.ofPlatform()
                            .start(() -> {
                                while (!over.get()) {
                                    for (int stripe : new int[] {0, 1, 3}) {
                                        long start = System.nanoTime();
                                        put(store, keys.of(stripe, "free"), 1);
                                        longest.accumulateAndGet(
                                                System.nanoTime() - start, Math::max);
                                        puts.incrementAndGet();
                                    }
                                }
                            });
            try {
                assertToldOf(stopped, STRIPE + " 2", store::checkpoint);
                assertToldOf(stopped, STRIPE + " 2", () -> put(store, held, 3));
            } finally {
                over.set(true);
                join(others);
            }
            assertThat(puts.get()).as("puts to other stripes").isGreaterThan(100);
            System.out.printf(
                    "StoppedCheckpointerIT: %d puts to other stripes, longest %.1f ms%n",
                    puts.get(), longest.get() / 1e6);
            goOn(stopped);
            assertThat(Values.whole(held, store.get(bytes(held))).sequence()).isEqualTo(2);
            store.checkpoint();
            assertWhole(store);
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
