package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Durability;
import dev.cairn.NeverInPlace;
import dev.cairn.Options;
import dev.cairn.cli.CommandLineFixture.Result;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;

/** Attacks the verbs that look after a store: checkpoint, backup and compact. */
@ExtendWith(NeverInPlace.class)
class MaintenanceTest {
    private static final byte[] KEY = "k".getBytes(UTF_8);

    private final CommandLineFixture cairn = new CommandLineFixture();

    @TempDir Path directory;
    private Path store;

    @BeforeEach
    void nameStore() {
        store = directory.resolve("test.cairn");
    }

    @Test
    void aCheckpointMakesDurableWhatAnotherWrote() throws IOException {
        Path copy = directory.resolve("copy.cairn");
        try (CairnStore other = manual()) {
            other.put(KEY, "v".getBytes(UTF_8));
            long before = other.stats().durableEpoch();

            Result result = cairn.run("checkpoint", store);

            long epoch = other.stats().durableEpoch();
            assertThat(epoch).isGreaterThan(before);
            assertThat(result.exit()).isZero();
            assertThat(result.out())
                    .startsWith(store + ": checkpoint " + epoch + " is durable; that took ")
                    .hasLineCount(1);
            Files.copy(store, copy); // as a power failure leaves it
        }

        assertThat(cairn.run("get", copy, "k").out()).isEqualTo("v");
    }

    @Test
    void aCheckpointOfNothingNewIsTheLast() {
        cairn.run("put", store, "k", "v");
        try (CairnStore other = manual()) {
            long epoch = other.stats().durableEpoch();

            assertThat(cairn.run("checkpoint", store, "--json").out())
                    .startsWith("{\"file\":")
                    .contains("\"epoch\":" + epoch + ",", "\"timeNanos\":");
        }
    }

    @Test
    void aBackupHoldsWhatWasWrittenBeforeAndIsAStoreOfItsOwn() {
        Path target = directory.resolve("backup.cairn");
        try (CairnStore other = manual()) {
            other.put(KEY, "before".getBytes(UTF_8));

            Result result = cairn.run("backup", store, target);

            assertThat(result.exit()).as(result.err()).isZero();
            assertThat(result.out())
                    .startsWith(target + ": contains checkpoint " + other.stats().durableEpoch())
                    .hasLineCount(1);
            other.put(KEY, "after".getBytes(UTF_8));
        }
        assertThat(cairn.run("check", target).exit()).isZero();
        assertThat(cairn.run("get", target, "k").out()).isEqualTo("before");
        assertThat(cairn.run("put", target, "k", "own").exit()).isZero();
        assertThat(cairn.run("get", store, "k").out()).isEqualTo("after");
    }

    @Test
    void aBackupOfTheLastCheckpointMakesNone() {
        Path target = directory.resolve("backup.cairn");
        cairn.run("put", store, "k", "durable");
        try (CairnStore other = manual()) {
            other.put(KEY, "not yet".getBytes(UTF_8));
            long epoch = other.stats().durableEpoch();

            assertThat(cairn.run("backup", store, target, "--last", "--json").out())
                    .contains("\"target\":\"" + target + "\"", "\"epoch\":" + epoch + ",");
            assertThat(other.stats().durableEpoch()).isEqualTo(epoch);
        }
        assertThat(cairn.run("get", target, "k").out()).isEqualTo("durable");
    }

    @Test
    void aBackupReplacesNothing() throws IOException {
        cairn.run("put", store, "k", "v");
        Path target = Files.writeString(directory.resolve("precious"), "data");

        Result result = cairn.run("backup", store, target);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err())
                .startsWith("cairn: " + target + ": the file exists already")
                .contains("name another")
                .hasLineCount(1);
        assertThat(target).hasContent("data");
        assertThat(cairn.run("backup", store, store).exit()).isEqualTo(4);
        assertThat(cairn.run("get", store, "k").out()).isEqualTo("v");
    }

    @Test
    void aBackupIntoNowhereIsTold() {
        cairn.run("put", store, "k", "v");
        Path target = directory.resolve("absent").resolve("backup.cairn");

        Result result = cairn.run("backup", store, target);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err())
                .startsWith("cairn: " + target + ": there is no directory ")
                .hasLineCount(1);
    }

    @Test
    void compactingGivesGarbageBack() {
        byte[] value = new byte[10_000];
        try (CairnStore other = manual()) {
            IntStream.range(0, 10_000).forEach(i -> other.put(key(i % 500), value));
        }

        Result result = cairn.run("compact", store);

        assertThat(result.exit()).as(result.err()).isZero();
        assertThat(result.out())
                .startsWith(store + ": ")
                .contains("MiB back to the file system in ", " live, ", " garbage (")
                .hasLineCount(1);
        assertThat(cairn.run("count", store).out()).isEqualTo("500\n");
        assertThat(cairn.run("check", store).exit()).isZero();
        assertThat(cairn.run("compact", store, "--json").out())
                .contains("\"givenBackBytes\":0,", "\"before\":{\"entries\":500", "\"after\":{");
    }

    @ParameterizedTest
    @ValueSource(strings = {"checkpoint", "backup"})
    void aStoreWithoutCheckpointsIsTold(String verb) {
        Cairn.open(store, Options.defaults().withDurability(Durability.NONE)).close();

        Result result =
                verb.equals("backup")
                        ? cairn.run(verb, store, directory.resolve("target"))
                        : cairn.run(verb, store);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err())
                .startsWith("cairn: " + store + ": a store of durability NONE")
                .hasLineCount(1);
    }

    @Test
    void aFullStoreIsToldAndKeepsWhatItHas() {
        byte[] line = ("%s\t" + "v".repeat(1000) + "\n").getBytes(UTF_8);
        StringBuilder input = new StringBuilder();
        IntStream.range(0, 5000)
                .forEach(i -> input.append(new String(line, UTF_8).formatted("key" + i)));
        Options small = Options.defaults().withStripes(1).withMaxBytes(1 << 20);

        try (CairnStore other = Cairn.open(store, small)) {
            Result result = cairn.with(input.toString().getBytes(UTF_8)).run("load", store);

            assertThat(result.exit()).isEqualTo(4);
            assertThat(result.err())
                    .startsWith("cairn: " + store + ": ")
                    .contains("remove entries", "loaded before that: " + other.size() + " entries")
                    .hasLineCount(1);
        }
        assertThat(cairn.run("check", store).exit()).isZero();
        assertThat(cairn.run("del", store, "key0").exit()).isZero();
    }

    @Test
    void aFailedCheckpointNamesTheWayOut() {
        assertThat(Failure.describe(new CheckpointFailed(store, "writes are refused", null)))
                .startsWith(store + ": writes are refused; ")
                .contains("'cairn checkpoint'");
    }

    private CairnStore manual() {
        return Cairn.open(store, Options.defaults().withManualCheckpoints());
    }

    private static byte[] key(int number) {
        return ("key" + number).getBytes(UTF_8);
    }
}
