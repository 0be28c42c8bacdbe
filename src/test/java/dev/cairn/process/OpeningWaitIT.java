package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.LockTimeout;
import dev.cairn.OpeningProgress;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.SmallScale;
import dev.cairn.StoreClosed;
import dev.cairn.cli.CommandLineFixture;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Attacks the waiting of those who open a store while another process opens, recovers or closes it:
 * who waits, and for how long.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpeningWaitIT {
    private static final Options BRIEF = Scenario.QUIET.withLockTimeout(Duration.ofMillis(300));
    private static final Options PATIENT = Scenario.QUIET.withLockTimeout(Duration.ofMinutes(1));
    private static final Options READ_ONLY = BRIEF.withReadOnly(true);

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();

    @AfterEach
    void usualScale() {
        scale.close();
    }

    private Path closed(String name) {
        Path file = directory.resolve(name);
        try (CairnStore store = Cairn.open(file, Scenario.QUIET)) {
            Scenario.RUN_OVER_RUN_AND_ROLL.prepare(store);
        }
        return file;
    }

    /** A closed store whose shared-memory file is lost. */
    private Path lost(String name) throws IOException {
        Path file = closed(name);
        Files.delete(SharedWords.of(file));
        return file;
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() - deadline).isNegative();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }

    private static boolean isRecovering(@Nullable OpeningProgress progress) {
        return progress != null && progress.recovering();
    }

    private Child holding(Path file) {
        Child child = children.start();
        child.tell("lock", file);
        child.awaitStep("lock");
        return child;
    }

    @Test
    void storesOpenAndCloseWhileAnotherCannotBeOpened() {
        Path stuck = closed("stuck");
        CairnStore other = Cairn.open(directory.resolve("other"), Scenario.QUIET);
        Child holder = holding(stuck);
        CompletableFuture<CairnStore> opening =
                CompletableFuture.supplyAsync(
                        () -> Cairn.open(stuck, PATIENT), task -> Thread.ofPlatform().start(task));
        for (int i = 0; i < 20; i++) { // until the other thread surely waits, and longer
            Cairn.open(directory.resolve("third" + i % 2), Scenario.QUIET).close();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
        other.close();
        assertThat(opening).isNotDone();
        holder.tell("go");
        try (CairnStore store = opening.join()) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
        }
    }

    @Test
    void recoveryThatComesOnIsWaitedForBeyondTheTimeout() throws IOException {
        Path file = lost("store");
        Duration timeout = Duration.ofSeconds(2);
        Child child = children.start();
        child.ask("pace", "O progress", 250);
        child.tell("open", file);
        await(() -> isRecovering(Cairn.openingProgress(file)));
        long start = System.nanoTime();
        try (CairnStore store = Cairn.open(file, Scenario.QUIET.withLockTimeout(timeout))) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.JOINED);
            assertThat(System.nanoTime() - start)
                    .as("time that opening took, which must exceed the timeout")
                    .isGreaterThan(timeout.toNanos());
            assertThat(child.answer()).isEqualTo(Kind.REBUILT.toString());
            assertThat(Cairn.openingProgress(file)).isNull();
        }
    }

    @Test
    void recoveryOfAStoppedProcessTimesOutAndStatTellsHowFarItCame() throws IOException {
        Path file = lost("store");
        Child child = children.start();
        child.ask("park", "O progress", 3);
        child.tell("open", file);
        child.awaitStep("O progress");
        Child.signal("STOP", child.pid());
        for (Options options : new Options[] {BRIEF, READ_ONLY}) {
            assertThatThrownBy(() -> Cairn.open(file, options))
                    .isInstanceOfSatisfying(
                            LockTimeout.class,
                            e -> {
                                assertThat(e.path()).isEqualTo(file);
                                assertThat(e.awaited()).contains("opens or closes the store");
                                assertThat(e.holder()).isEmpty();
                                assertThat(e.waited())
                                        .isGreaterThanOrEqualTo(options.lockTimeout());
                            })
                    .hasMessageContaining(file.toString())
                    .hasMessageContaining("without any progress for")
                    .hasMessageContaining("is one stopped?");
        }
        OpeningProgress progress = Cairn.openingProgress(file);
        assertThat(progress).isNotNull();
        assertThat(progress.recovering()).isTrue();
        assertThat(progress.doneBytes()).isPositive().isLessThan(progress.allBytes());
        assertThat(progress.percent()).isBetween(1, 99);
        assertThat(progress.toString())
                .matches("recovering: .*\\d .+ of .*\\d .+, " + progress.percent() + " %");
        CommandLineFixture.Result text = new CommandLineFixture().run("stat", file);
        assertThat(text.out())
                .contains(file.toString())
                .contains("being recovered by another process")
                .contains(progress.percent() + " %");
        assertThat(text.exit()).isZero();
        assertThat(new CommandLineFixture().run("stat", file, "--json").out())
                .contains("\"opening\":{\"recovering\":true,\"doneBytes\":" + progress.doneBytes());
        Child.signal("CONT", child.pid());
        child.tell("go");
        assertThat(child.answer()).isEqualTo(Kind.REBUILT.toString());
        assertThat(new CommandLineFixture().run("stat", file).out()).contains("entries");
    }

    @Test
    void progressIsThatOfTheStoreAskedFor() throws IOException {
        Path file = closed("store");
        assertThat(Cairn.openingProgress(file)).isNull();
        assertThat(Cairn.openingProgress(directory.resolve("absent"))).isNull();
        Child holder = holding(file);
        assertThat(Cairn.openingProgress(file))
                .returns(false, OpeningProgress::recovering)
                .returns(0L, OpeningProgress::doneBytes)
                .returns(0L, OpeningProgress::allBytes)
                .returns(0, OpeningProgress::percent)
                .hasToString("opening or closing");
        assertThat(new CommandLineFixture().run("stat", file).out())
                .contains("being opened or closed by another process");
        assertThat(Cairn.openingProgress(closed("other"))).isNull();
        holder.tell("go");
        assertThat(holder.answer()).isEqualTo("unlocked");
        assertThat(Cairn.openingProgress(file)).isNull();
        assertThatThrownBy(() -> Cairn.openingProgress(directory.resolve("no/store")))
                .isInstanceOf(java.io.UncheckedIOException.class)
                .hasMessageContaining(directory.resolve("no").toString());
        assertThatThrownBy(() -> Cairn.openingProgress(null))
                .isInstanceOf(NullPointerException.class);
        Thread.currentThread().interrupt();
        assertThat(Cairn.openingProgress(file)).isNull();
        assertThat(Thread.interrupted()).isTrue();
    }

    /**
     * A reader without shared memory replays the log for itself alone, which may take as long as a
     * recovery.
     */
    @Test
    void readerWithoutSharedMemoryHoldsUpNobody() throws IOException {
        Path file = lost("store");
        Child reader = children.start();
        reader.ask("park", "O progress", 1);
        reader.tell("view", file);
        reader.awaitStep("O progress");
        try (CairnStore store = Cairn.open(file, BRIEF)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REBUILT);
            Scenario.put(store, Scenario.PROBE, Scenario.SMALL);
            reader.tell("go");
            // The recovery's checkpoint overtook the one that it read, so it looked again.
            assertThat(reader.answer()).isEqualTo(Kind.JOINED.toString());
            assertThat(reader.ask("get", Scenario.PROBE)).isEqualTo("1");
        }
    }

    /** What was written must be there and visible. Whether it is durable, nobody can say. */
    @Test
    void closeThatCannotHaveTheOpenLockLeavesTheStoreAsAfterAKill() {
        Path file = closed("store");
        CairnStore store = Cairn.open(file, BRIEF);
        Scenario.put(store, Scenario.PROBE, Scenario.SMALL);
        Child holder = holding(file);
        assertThatThrownBy(store::close)
                .isInstanceOf(LockTimeout.class)
                .hasMessageContaining("opening or closing");
        assertThatCode(store::close).doesNotThrowAnyException();
        assertThatThrownBy(store::size).isInstanceOf(StoreClosed.class);
        holder.tell("go");
        assertThat(holder.answer()).isEqualTo("unlocked");
        try (CairnStore again = Cairn.open(file, BRIEF)) {
            assertThat(again.recovery().kind()).isEqualTo(Kind.REPAIRED);
            assertThat(again.get(bytes(Scenario.PROBE))).isNotNull();
            assertThat(again.verify().damages()).isEmpty();
        }
        try (CairnStore again = Cairn.open(file, BRIEF)) {
            assertThat(again.recovery().kind()).isEqualTo(Kind.CLEAN);
        }
    }
}
