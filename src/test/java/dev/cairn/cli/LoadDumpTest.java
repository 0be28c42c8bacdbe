package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.cli.CommandLineFixture.Result;
import dev.cairn.cli.text.TextFormat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/**
 * Attacks load, dump and scan: a dump must load into an equal store, in each format, and bad input
 * must harm nothing.
 */
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

    @ParameterizedTest
    @EnumSource(names = {"TSV", "JSONL"})
    void aDumpKeepsTimesToLive(TextFormat format) {
        cairn.run("put", store, "session", "v", "--ttl", "1h");
        cairn.run("put", store, "eternal", "v");
        Path dump = directory.resolve("dump." + format);
        Path copy = directory.resolve("copy.cairn");

        Result dumped = cairn.run("dump", store, dump);
        Result loaded = cairn.run("load", copy, dump);

        assertThat(dumped.err()).isEmpty();
        assertThat(loaded.out()).isEqualTo("2 entries loaded\n");
        assertThat(expires(copy, "eternal")).isNull();
        assertThat(expires(copy, "session"))
                .isCloseTo(expires(store, "session"), within(5, ChronoUnit.SECONDS));
    }

    private static Instant expires(Path path, String key) {
        try (CairnStore opened = Cairn.open(path, Options.defaults().withReadOnly(true))) {
            return opened.getVersioned(key.getBytes(UTF_8)).expires();
        }
    }

    @Test
    void aDumpThatCannotKeepTimesToLiveSaysSo() {
        cairn.run("put", store, "session", "v", "--ttl", "1h");
        cairn.run("put", store, "eternal", "v");

        Result dumped = cairn.run("dump", store, "--format", "mdb");

        assertThat(dumped.exit()).isZero();
        assertThat(dumped.err())
                .startsWith("cairn: " + store + ": entries with a time to live: 1; the format mdb")
                .contains("--format jsonl or tsv");
        assertThat(cairn.run("dump", store, "--help").out()).contains("mdb");
        cairn.run("del", store, "session");
        assertThat(cairn.run("dump", store, "--format", "mdb").err()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                """
                gone\tnew\t2020-01-31T12:00:00Z
                day\tv\t+292278994-08-17T07:12:55.807Z
                old\tv
                """,
                """
                {"key":"gone","value":"new","expires":"2020-01-31T12:00:00Z"}
                {"expires":"+292278994-08-17T07:12:55.807Z","key":"day","value":"v"}
                {"key":"old","value":"v"}
                """
            })
    void whatHasExpiredBeforeItIsLoadedIsCountedAndLeavesItsKeyAbsent(String dump) {
        cairn.run("put", store, "gone", "an older value");

        Result loaded =
                cairn.with(dump.getBytes(UTF_8))
                        .run("load", store, "--format", dump.startsWith("{") ? "jsonl" : "tsv");

        assertThat(loaded.exit()).isZero();
        assertThat(loaded.out()).isEqualTo("2 entries loaded, 1 had expired\n");
        assertThat(cairn.run("get", store, "gone").exit()).isEqualTo(1);
        assertThat(cairn.run("get", store, "old").out()).isEqualTo("v");
        assertThat(expires(store, "day")).isAfter(Instant.parse("+200000000-01-01T00:00:00Z"));
    }

    @Test
    void aScanShowsWhenEntriesExpire() {
        cairn.run("put", store, "session", "v", "--ttl", "1h");

        String when = expires(store, "session").toString();

        assertThat(cairn.run("scan", store).out()).isEqualTo("session\tv\t" + when + "\n");
        assertThat(cairn.run("scan", store, "--json").out())
                .isEqualTo("{\"key\":\"session\",\"value\":\"v\",\"expires\":\"" + when + "\"}\n");
    }

    @Test
    void entriesBeforeABadLineStayLoaded() throws IOException {
        Path input = Files.writeString(directory.resolve("in.tsv"), "a\t1\nb\t2\nno tab\nc\t3\n");

        Result result = cairn.run("load", store, input);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err())
                .isEqualTo(
                        "cairn: %s:3: expected KEY, a tab and VALUE, found no tab; loaded before that: 2 entries%n"
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
        assertThat(result.err()).startsWith("cairn: " + input + ": no such file or directory");
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
            assertThat(result.err()).contains("this file belongs to a store");
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

    /**
     * As the first character of a text, the key's beginning would be a byte order mark, which load
     * refuses.
     */
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
