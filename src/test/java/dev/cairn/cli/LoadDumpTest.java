package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

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
import java.util.List;

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
    void aDumpIntoAFileOfAStoreIsRefusedHoweverItIsSpelt() throws IOException {
        cairn.run("put", store, "k", "v");
        Path other = directory.resolve("other.cairn");
        cairn.run("put", other, "k", "v");
        Path link = Files.createSymbolicLink(directory.resolve("link"), store);
        Path linkToShared = Files.createSymbolicLink(directory.resolve("l"), beside(store, "-shm"));
        Files.createDirectory(directory.resolve("sub"));

        for (Path output :
                List.of(
                        store,
                        beside(store, "-shm"),
                        beside(store, "-lock"),
                        directory.resolve("sub/../test.cairn-shm"),
                        directory.resolve("./test.cairn-lock"),
                        link,
                        linkToShared,
                        other,
                        beside(other, "-shm"))) {
            byte[] before = Files.readAllBytes(output);

            Result result = cairn.run("dump", store, output);

            assertThat(result.exit()).as(output.toString()).isEqualTo(4);
            assertThat(result.err()).contains("it is a file of a store");
            assertThat(Files.readAllBytes(output)).isEqualTo(before);
        }
        assertThat(cairn.run("dump", link, beside(store, "-shm")).exit()).isEqualTo(4);
        assertThat(cairn.run("get", store, "k").out()).isEqualTo("v");
    }

    @Test
    void aFileThatMerelyHasSuchANameIsOverwritten() throws IOException {
        cairn.run("put", store, "k", "v");
        Path output = Files.writeString(directory.resolve("mine-lock"), "old");

        assertThat(cairn.run("dump", store, output).exit()).isZero();
        assertThat(output).hasContent("k\tv");
    }

    @Test
    void anOutputThatIsFullIsNamed() {
        Path full = Path.of("/dev/full");
        assumeThat(full).exists();
        cairn.run("put", store, "k", "v");

        Result result = cairn.run("dump", store, full);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err()).startsWith("cairn: /dev/full: No space left");
    }

    /** As the first character of a text it would be a byte order mark, which load refuses. */
    @Test
    void aKeyThatBeginsLikeAByteOrderMarkSurvives() {
        cairn.run("put", store, "\ufeffkey", "v");
        Path copy = directory.resolve("copy.cairn");

        byte[] dump = cairn.run("dump", store).bytes();

        assertThat(new String(dump, UTF_8)).isEqualTo("\\xef\\xbb\\xbfkey\tv\n");
        assertThat(cairn.with(dump).run("load", copy).exit()).isZero();
        assertThat(cairn.run("get", copy, "\ufeffkey").out()).isEqualTo("v");
    }

    private static Path beside(Path data, String suffix) {
        return data.resolveSibling(data.getFileName() + suffix);
    }
}
