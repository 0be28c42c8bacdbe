package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnCache;
import dev.cairn.CairnStore;
import dev.cairn.SetClocks;
import dev.cairn.Stats;
import dev.cairn.cli.CommandLineFixture.Result;
import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Attacks the verbs of the command line that read and write entries: what they print, and their
 * exit codes.
 */
class VerbsTest {
    private final CommandLineFixture cairn = new CommandLineFixture();

    @TempDir Path directory;
    private Path store;

    @BeforeEach
    void nameStore() {
        store = directory.resolve("test.cairn");
    }

    @Test
    void whatWasPutIsGot() {
        assertThat(cairn.run("put", store, "schlüssel", "wört").exit()).isZero();

        Result got = cairn.run("get", store, "schlüssel");

        assertThat(got.exit()).isZero();
        assertThat(got.out()).isEqualTo("wört");
        assertThat(got.err()).isEmpty();
    }

    @Test
    void aValueOfAnyBytesComesFromStandardInput() {
        byte[] value = {0, -1, '\n', '\r', 0};

        assertThat(cairn.with(value).run("put", store, "k", "-").exit()).isZero();

        assertThat(cairn.run("get", store, "k").bytes()).isEqualTo(value);
    }

    @Test
    void wordsThatLookSpecialAreOrdinaryKeysAndValues() {
        assertThat(cairn.run("put", store, "@key", "").exit()).isZero();
        assertThat(cairn.run("put", store, "--", "-k", "--json").exit()).isZero();

        assertThat(cairn.run("get", store, "@key")).matches(r -> r.exit() == 0);
        assertThat(cairn.run("get", store, "--", "-k").out()).isEqualTo("--json");
    }

    @Test
    void whatScanShowsNamesTheEntryByEscapes() {
        byte[] key = {'k', (byte) 0xff, '\\', '\t'};
        assertThat(cairn.run("put", store, "--escaped", "k\\xff\\\\\\t", "v\\x00").exit()).isZero();

        String[] shown = cairn.run("scan", store).out().strip().split("\t", -1);

        assertThat(shown).containsExactly("k\\xff\\\\\\t", "v\\x00");
        assertThat(cairn.run("get", store, "-e", shown[0]).bytes()).isEqualTo(new byte[] {'v', 0});
        assertThat(cairn.run("has", store, "-e", shown[0]).exit()).isZero();
        assertThat(cairn.run("scan", store, "-e", "--prefix", "k\\xff").out()).isNotEmpty();
        assertThat(cairn.run("scan", store, "-e", "--prefix", "k\\xfe").out()).isEmpty();
        try (CairnStore opened = Cairn.open(store)) {
            assertThat(opened.get(key)).isNotNull();
        }
        assertThat(cairn.run("del", store, "-e", shown[0]).exit()).isZero();
        assertThat(cairn.run("count", store).out()).isEqualTo("0\n");
    }

    @Test
    void aWordThatHasNoEscapesIsTakenAsItIs() {
        assertThat(cairn.run("put", store, "a\\x00", "\\q").exit()).isZero();

        assertThat(cairn.run("get", store, "a\\x00").out()).isEqualTo("\\q");
    }

    @Test
    void anEscapeThatIsNoneCreatesNoStore() {
        for (String word : new String[] {"\\q", "\\", "\\x", "\\x1", "\\xg0"}) {
            Result result = cairn.run("put", store, "-e", word, "v");

            assertThat(result.exit()).isEqualTo(2);
            assertThat(result.err()).startsWith("cairn: KEY '" + word + "': expected");
        }
        assertThat(cairn.run("put", store, "-e", "k", "\\q").err()).contains("VALUE '\\q'");
        assertThat(cairn.run("scan", store, "-e", "--prefix", "\\q").exit()).isNotZero();
        assertThat(store).doesNotExist();
    }

    @Test
    void theWayToWriteWordsThatBeginWithADashIsTold() {
        assertThat(cairn.run("put", store, "-k", "v").err())
                .contains("; write -- before a KEY or VALUE");
        assertThat(cairn.run("get", store).err()).doesNotContain("write --");
    }

    @Test
    void aFailureNamesTheStoreHoweverShortItsName() {
        Path brief = directory.resolve("s");

        Result result = cairn.run("put", brief, "k", "v", "--ttl", "1s");
        assertThat(result.exit()).isZero();
        assertThat(cairn.run("dump", brief, directory).err())
                .startsWith("cairn: " + directory + ": ");
        assertThat(cairn.run("load", brief, directory).err())
                .startsWith("cairn: " + directory + ": ")
                .doesNotContain("unexpected");
    }

    @Test
    void aMissingKeyExitsWithOneAndPrintsNothing() {
        cairn.run("put", store, "k", "v");

        for (String verb : new String[] {"get", "has", "del"}) {
            Result result = cairn.run(verb, store, "other");
            assertThat(result.exit()).isEqualTo(1);
            assertThat(result.out() + result.err()).isEmpty();
        }
        assertThat(cairn.run("has", store, "k").exit()).isZero();
        assertThat(cairn.run("del", store, "k").exit()).isZero();
        assertThat(cairn.run("has", store, "k").exit()).isEqualTo(1);
    }

    @Test
    void anEntryWithATimeToLiveEnds() throws InterruptedException {
        assertThat(cairn.run("put", store, "k", "v", "--ttl", "1h").exit()).isZero();
        assertThat(cairn.run("put", store, "brief", "v", "--ttl", "1ms").exit()).isZero();
        Thread.sleep(50);

        assertThat(cairn.run("has", store, "k").exit()).isZero();
        assertThat(cairn.run("has", store, "brief").exit()).isEqualTo(1);
    }

    @Test
    void scanListsCountsAndEscapes() {
        cairn.run("put", store, "a1", "x\ty");
        cairn.run("put", store, "a2", "z");
        cairn.run("put", store, "b", "z");

        assertThat(cairn.run("scan", store).out().lines())
                .containsExactlyInAnyOrder("a1\tx\\ty", "a2\tz", "b\tz");
        assertThat(cairn.run("scan", store, "--prefix", "a").out().lines())
                .containsExactlyInAnyOrder("a1\tx\\ty", "a2\tz");
        assertThat(cairn.run("scan", store, "--limit", "2").out().lines()).hasSize(2);
        assertThat(cairn.run("scan", store, "--limit", "0").out()).isEmpty();
        assertThat(cairn.run("scan", store, "--json", "--prefix", "b").out())
                .isEqualTo("{\"key\":\"b\",\"value\":\"z\"}\n");
        assertThat(cairn.run("count", store).out()).isEqualTo("3\n");
        assertThat(cairn.run("count", store, "--json").out()).isEqualTo("{\"entries\":3}\n");
    }

    @Test
    void statTellsThatAFileLostItsName() throws IOException {
        try (CairnStore open = Cairn.open(store)) {
            assertThat(cairn.run("stat", store).out()).containsPattern("file names +unchanged\\n");
            Files.delete(directory.resolve("test.cairn-lock"));
            assertThat(open.stats().naming()).isEqualTo(Stats.Naming.COMPANION_LOST);
            assertThat(cairn.run("stat", store).out())
                    .contains("LOST: the shared-memory or the lock file");
            assertThat(cairn.run("stat", store, "--json").out())
                    .contains("\"naming\":\"COMPANION_LOST\"");
        }
    }

    @Test
    void statTellsAllFigures() {
        cairn.run("put", store, "k", "v");

        assertThat(cairn.run("stat", store).out())
                .startsWith(store + "\n")
                .containsPattern("entries +1\n")
                .contains("stripes", "data file", "checkpoint", "opened")
                .contains("garbage", "waiting for a checkpoint")
                .containsPattern("state +sound\n");
        assertThat(cairn.run("stat", store, "--json").out())
                .startsWith("{\"file\":")
                .contains("\"entries\":1,", "\"longestLockWaitNanos\":", "\"recovery\":{\"kind\":")
                .contains("\"garbageBytes\":0,", "\"waitingRegions\":0,", "\"state\":\"SOUND\"");
    }

    @Test
    void statTellsWhatCachesDid() {
        cairn.run("put", store, "k", "v");
        assertThat(cairn.run("stat", store).out()).doesNotContain("cache reads", "cache loads");
        try (CairnCache<String, Long> cache =
                Cairn.cache(Codecs.utf8(), Codecs.int64()).open(store)) {
            assertThat(cache.get("a", _ -> 1L)).isEqualTo(1);
            assertThat(cache.getIfPresent("a")).isEqualTo(1);
            assertThat(cache.getIfPresent("a")).isEqualTo(1);
        }

        assertThat(cairn.run("stat", store).out())
                .containsPattern("cache reads +2 hits, 1 misses \\(66.7 % hits\\)\n")
                .containsPattern("cache loads +1, 0 failed, 0 in the background, .+ each\n");
        assertThat(cairn.run("stat", store, "--json").out())
                .contains("\"hits\":2,\"misses\":1,\"loads\":1,\"loadFailures\":0,")
                .contains("\"refreshes\":0,");
        assertThat(cairn.run("top", store, "--times", "1", "--json").out())
                .contains("\"hits\":2,\"misses\":1,");
        assertThat(cairn.run("top", store, "--times", "1").out())
                .endsWith("  sound, 66.7 % of 3 cache reads are hits\n");
    }

    @Test
    void statTellsHowFarTheClockOfTheStoreIsAhead() {
        cairn.run("put", store, "k", "v", "--ttl", "1h");
        assertThat(cairn.run("stat", store).out())
                .containsPattern("clock +same as the wall clock\n");
        try (SetClocks clocks = new SetClocks()) {
            clocks.setWall(Duration.ofDays(3652));
            cairn.run("put", store, "k", "v", "--ttl", "1h");
        }

        assertThat(cairn.run("stat", store).out())
                .containsPattern(
                        "clock +3,65[12] d \\d+ h ahead of the wall clock; entries expire");
        assertThat(cairn.run("stat", store, "--json").out())
                .containsPattern("\"clockAheadMillis\":3155\\d{8}\\D");
    }

    @Test
    void aSoundStoreChecks() {
        cairn.run("put", store, "k", "v");

        Result text = cairn.run("check", store);
        assertThat(text.exit()).isZero();
        assertThat(text.out()).startsWith(store + ": sound: 1 entry, ");
        assertThat(cairn.run("check", store, "--json").out())
                .contains("\"sound\":true", "\"entries\":1", "\"damages\":[]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "get",
                "has",
                "del",
                "scan",
                "count",
                "dump",
                "stat",
                "top",
                "watch",
                "check",
                "checkpoint",
                "backup",
                "compact"
            })
    void aStoreThatIsNotThereIsToldAndNotCreated(String verb) throws IOException {
        boolean needsAWord = Set.of("get", "has", "del", "backup").contains(verb);

        Result result =
                needsAWord
                        ? cairn.run(verb, store, directory.resolve("word"))
                        : cairn.run(verb, store);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err())
                .startsWith("cairn: " + store + ": there is no such store")
                .hasLineCount(1);
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).isEmpty();
        }
    }

    @Test
    void aForeignFileIsToldInOneLineAndStaysAsItIs() throws IOException {
        byte[] foreign =
                "no store at all, but long enough to be looked at\n".repeat(1000).getBytes(UTF_8);
        Files.write(store, foreign);

        Result result = cairn.run("put", store, "k", "v");

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err()).startsWith("cairn: " + store + ": ").hasLineCount(1);
        assertThat(Files.readAllBytes(store)).isEqualTo(foreign);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "frobnicate",
                "put",
                "put f k",
                "get f k extra",
                "put f k v --ttl 5x",
                "put f k v --ttl 0s",
                "put f k v --ttl PT-1S",
                "scan f --limit many",
                "dump f --format xml",
                "dump f x.json",
                "load f x.csv",
                "checkpoint",
                "checkpoint f g",
                "backup f",
                "compact f g",
                "top f --every 0s",
                "top f --times many",
                "watch f --timeout 0s",
                "watch f --limit many",
                "get f k --unknown",
                "shm",
                "shm frobnicate",
                "shm list more",
                "shm rm",
                "shm rm a/b",
                "shm rm sound ..",
                "shm rm . --leftovers"
            })
    void aWrongCommandLineExitsWithTwoAndOneLine(String line) {
        Result result = cairn.run((Object[]) line.strip().split(" +", -1));

        assertThat(result.exit()).isEqualTo(2);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).startsWith("cairn: ").contains("--help'").hasLineCount(1);
    }

    @Test
    void helpAndVersionGoToStandardOutput() {
        assertThat(cairn.run("--help").out())
                .contains("put", "check", "watch", "shm", "demo", "Exit codes:", "141");
        assertThat(cairn.run("put", "--help").out()).contains("--ttl", "FILE", "KEY", "VALUE");
        assertThat(cairn.run("--version").out()).startsWith("cairn ").contains("Java 2");
    }

    /**
     * If a verb is named, only that one is learnt, by a name beside that of its annotation. The two
     * names must agree.
     */
    @Test
    void eachVerbOfTheHelpIsKnownWhenItStandsAlone() {
        List<String> verbs =
                Pattern.compile("(?m)^  ([a-z]+) +[A-Z]")
                        .matcher(cairn.run("--help").out())
                        .results()
                        .map(verb -> verb.group(1))
                        .toList();
        assertThat(verbs).contains("put", "shm", "demo").hasSize(19);
        for (String verb : verbs) {
            assertThat(cairn.run(verb, "--help").out()).startsWith("Usage: cairn " + verb + " ");
        }
    }
}
