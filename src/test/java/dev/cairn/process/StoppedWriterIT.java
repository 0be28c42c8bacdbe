package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Verification;
import dev.cairn.cli.CommandLineFixture;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Attacks the promises about a writer that is stopped inside a put, not killed. It may go on at any
 * time, so nobody may step in.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StoppedWriterIT {
    private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(1);

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    /** The steps are before the commit, after it, and when only the unlocking is left. */
    @ParameterizedTest
    @ValueSource(strings = {"W3", "W8", "W14"})
    void readersGoOnWritersAreToldAndNothingIsTakenFromIt(String step) throws IOException {
        Path file = directory.resolve("store.cairn");
        Options options = Options.defaults().withStripes(1).withLockTimeout(LOCK_TIMEOUT);
        try (CairnStore store = Cairn.open(file, options)) {
            store.put(bytes("other"), Values.of("other", 0, 1, 100));
            store.put(bytes("key"), Values.of("key", 0, 1, 100));
            Child writer = children.start();
            Child reader = children.start();
            writer.ask("open", file);
            reader.ask("view", file);
            writer.ask("park", step, 1);
            writer.tell("put", "key", 200);
            writer.awaitStep(step);
            Child.signal("STOP", writer.pid());

            String seen = reader.ask("get", "key");
            assertThat(seen).isEqualTo(step.equals("W3") ? "1" : "2");
            assertThat(reader.ask("get", "other")).isEqualTo("1");
            assertThat(Values.whole("key", store.get(bytes("key"))).sequence()).hasToString(seen);
            long start = System.nanoTime();
            assertThatThrownBy(() -> store.put(bytes("other"), Values.of("other", 0, 2, 100)))
                    .hasMessageContaining("process " + writer.pid() + ", which is alive")
                    .isInstanceOfSatisfying(
                            LockTimeout.class,
                            e -> {
                                assertThat(e.path()).isEqualTo(file);
                                assertThat(e.awaited()).isEqualTo("the lock of stripe 0");
                                assertThat(e.holder()).hasValue(writer.pid());
                                assertThat(e.waited())
                                        .isBetween(
                                                LOCK_TIMEOUT,
                                                Duration.ofNanos(System.nanoTime() - start));
                            });
            assertThat(reader.ask("get", "key")).isEqualTo(seen);

            Child.signal("CONT", writer.pid());
            writer.tell("go");
            long version = Long.parseLong(writer.answer());
            assertThat(reader.ask("get", "key")).isEqualTo("2");
            assertThat(store.put(bytes("other"), Values.of("other", 0, 3, 100)))
                    .isEqualTo(version + 1);
            assertThat(writer.ask("get", "other")).isEqualTo("3");
            assertThat(store.stats().takeovers()).isZero();
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /**
     * A reader cannot repair, so it computes the cut from the intent. If the intent is short, the
     * words that it leaves alone count as they stand. In new shared memory their companions were
     * never stored.
     */
    @ParameterizedTest
    @ValueSource(strings = {"W5", "W6", "W8", "W9", "W12", "W14"})
    void aReaderThatVerifiesBesideItFindsNothingWrong(String step) throws IOException {
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = Cairn.open(file, Options.defaults().withStripes(1))) {
            store.put(bytes("other"), Values.of("other", 0, 1, 100));
            store.put(bytes("key"), Values.of("key", 0, 1, 100));
        }
        Files.delete(directory.resolve("store.cairn-shm"));
        Child writer = children.start();
        Child reader = children.start();
        writer.ask("open", file);
        writer.ask("park", step, 1);
        writer.tell("put", "key", 200);
        writer.awaitStep(step);
        reader.ask("view", file);
        assertThat(reader.ask("verify")).isEqualTo("2");
        boolean pending = !step.equals("W5") && !step.equals("W14"); // between the two
        try (CairnStore view = Cairn.open(file, Options.defaults().withReadOnly(true))) {
            Verification found = view.verify();
            assertThat(found.damages()).isEmpty();
            assertThat(found.uncomparedStripes()).isEqualTo(pending ? 1 : 0);
        }
        String said = new CommandLineFixture().run("check", file).out();
        assertThat(said).contains(": sound: ");
        assertThat(said.contains("stripes not compared with the index")).isEqualTo(pending);
    }

    /**
     * All handles of a process share its locks, and wait as long as the longest of their timeouts.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void writersWaitAsLongAsTheMostPatientHandleOfTheirProcess(boolean patientFirst)
            throws IOException {
        Path file = directory.resolve("store.cairn");
        Options brief = Options.defaults().withStripes(1).withLockTimeout(Duration.ofMillis(100));
        Options patient = brief.withLockTimeout(Duration.ofMinutes(1));
        try (CairnStore first = Cairn.open(file, patientFirst ? patient : brief);
                CairnStore second = Cairn.open(file, patientFirst ? brief : patient)) {
            second.put(bytes("key"), Values.of("key", 0, 1, 100));
            Child writer = children.start();
            writer.ask("open", file);
            writer.ask("park", "W14", 1);
            writer.tell("put", "key", 200);
            writer.awaitStep("W14");
            List<CompletableFuture<Long>> puts =
                    Stream.of(first, second)
                            .map(store ->
                                    CompletableFuture.supplyAsync(
                                            () -> putThird(store),
                                            task -> Thread.ofPlatform().start(task)))
                            .toList();
            LockSupport.parkNanos(5 * brief.lockTimeout().toNanos());
            assertThat(puts).noneMatch(CompletableFuture::isDone);
            writer.tell("go");
            assertThat(Long.parseLong(writer.answer())).isPositive();
            assertThat(puts).allMatch(put -> put.join() > 0);
            assertThat(first.verify().damages()).isEmpty();
        }
    }

    private static long putThird(CairnStore store) {
        return store.put(bytes("key"), Values.of("key", 0, 3, 100));
    }

    /**
     * The reader is stopped in the middle of copying. When it goes on, the place belongs to another
     * value.
     */
    @Test
    void aStoppedReaderNeverReturnsAMixture() throws IOException {
        Path file = directory.resolve("store.cairn");
        int length = 4 << 20;
        try (CairnStore store = Cairn.open(file, Options.defaults().withStripes(1))) {
            store.put(bytes("key"), Values.of("key", 0, 1, length));
            Child reader = children.start();
            reader.ask("view", file);
            reader.tell("look", "key");
            reader.awaitStep("key");
            for (int sequence = 2; sequence <= 100; sequence += 2) {
                byte[] next = Values.of("key", 0, sequence, length);
                byte[] last = Values.of("key", 0, sequence + 1, length);
                Child.signal("STOP", reader.pid());
                store.put(bytes("key"), next);
                store.put(bytes("key"), last); // where the value before next was
                Child.signal("CONT", reader.pid());
                reader.requireNoComplaint();
            }
            reader.tell("go");
            assertThat(Long.parseLong(reader.answer())).isPositive();
            assertThat(store.stats().dataFileBytes()).isLessThan(10L * length);
        }
    }
}
