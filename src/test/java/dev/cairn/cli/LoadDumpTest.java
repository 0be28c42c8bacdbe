package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.cli.CommandLineFixture.Result;
import dev.cairn.cli.text.TextFormat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class LoadDumpTest {
    private final CommandLineFixture cairn = new CommandLineFixture();

    @TempDir Path directory;
    private Path store;

    @BeforeEach
    void nameStore() {
        store = directory.resolve("test.cairn");
    }

    @ParameterizedTest
    @EnumSource(TextFormat.class)
    void aDumpLoadsIntoAnEqualStore(TextFormat format) {
        byte[] value = {'v', 0, -1, '\n', '\t', '\\'};
        cairn.with(value).run("put", store, "binary", "-");
        cairn.run("put", store, "text", "wört");
        Path dump = directory.resolve("dump." + format);
        Path copy = directory.resolve("copy.cairn");

        assertThat(cairn.run("dump", store, dump).exit()).isZero();
        Result loaded = cairn.run("load", copy, dump);

        assertThat(loaded.exit()).isZero();
        assertThat(loaded.out()).isEqualTo("2 entries loaded\n");
        assertThat(cairn.run("count", copy).out()).isEqualTo("2\n");
        assertThat(cairn.run("get", copy, "binary").bytes()).isEqualTo(value);
        assertThat(cairn.run("get", copy, "text").out()).isEqualTo("wört");
    }

    @ParameterizedTest
    @EnumSource(TextFormat.class)
    void standardStreamsServeAsFiles(TextFormat format) {
        cairn.run("put", store, "k", "v");
        Path copy = directory.resolve("copy.cairn");

        byte[] dump = cairn.run("dump", store, "--format", format.toString()).bytes();
        Result loaded = cairn.with(dump).run("load", copy, "-", "--format", format.toString());

        assertThat(loaded.exit()).isZero();
        assertThat(cairn.run("get", copy, "k").out()).isEqualTo("v");
    }

    @Test
    void entriesBeforeABadLineStayLoaded() throws IOException {
        Path input = Files.writeString(directory.resolve("in.tsv"), "a\t1\nb\t2\nno tab\nc\t3\n");

        Result result = cairn.run("load", store, input);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err())
                .isEqualTo(
                        "cairn: %s:3: expected KEY, a tab and VALUE, found no tab; 2 entries before it loaded%n"
                                .formatted(input));
        assertThat(cairn.run("count", store).out()).isEqualTo("2\n");
        assertThat(cairn.run("get", store, "b").out()).isEqualTo("2");
    }

    @Test
    void aWrongFormatCreatesNoStore() {
        Result result =
                cairn.with("a\tb\n".getBytes(UTF_8)).run("load", store, "--format", "jsonl");

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err()).startsWith("cairn: standard input:1: expected");
        assertThat(store).doesNotExist();
    }

    @Test
    void aMissingInputCreatesNoStore() {
        Path input = directory.resolve("absent.tsv");

        Result result = cairn.run("load", store, input);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err()).startsWith("cairn: " + input + ": there is no such file");
        assertThat(store).doesNotExist();
    }

    @Test
    void aDumpIntoTheStoreItselfIsRefused() {
        cairn.run("put", store, "k", "v");

        assertThat(cairn.run("dump", store, store).exit()).isEqualTo(4);
        assertThat(cairn.run("get", store, "k").out()).isEqualTo("v");
    }
}
