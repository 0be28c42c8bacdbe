package dev.cairn.bench.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.cairn.bench.report.Figure;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Attacks the benchmark in one JVM, at a scale that says nothing about any store. */
class PeerBenchmarkTest {
    private static final int ENTRIES = 300;
    private static final String ALL =
            "load,get-1,get-2,get-zipf-1,put-1,put-zipf-2,mix95-zipf-2,mix50-zipf-2,"
                    + "getAll-64-1,latency-1,sync-10,space,memory";

    @TempDir private Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {"cairn", "cairn-none", "cairn-20ms", "cairn-manual", "chm", "ideal-manual"})
    void measuresWhateverMeansAnythingForTheEntrant(String entrant) throws Exception {
        List<Row> rows = new ArrayList<>();

        Worker.measure(tiny("operations=" + ALL), entrant, 0, directory, rows::add);

        List<String> expected = new ArrayList<>(List.of(ALL.split(",", -1)));
        replace(expected, "latency-1", "p50", "p90", "p99", "p99.9", "p99.99", "longest");
        if (!entrant.endsWith("-manual")) {
            expected.remove("sync-10");
        }
        if (entrant.equals("chm")) {
            expected.remove("space");
            expected.remove("memory");
        } else {
            replace(expected, "memory", "resident", "once", "files");
        }
        assertThat(rows).extracting(Row::what).containsOnlyOnceElementsOf(expected);
        assertThat(rows).hasSameSizeAs(expected).allMatch(row -> row.value() > 0);
        assertThat(rows).extracting(Row::others).allMatch(others -> others >= 0);
        assertThat(rows).extracting(row -> Row.of(row.line()).what()).containsAll(expected);
    }

    private static void replace(List<String> names, String name, String... measures) {
        names.remove(name);
        for (String measure : measures) {
            names.add(name + " " + measure);
        }
    }

    /** Each of the other processes must open the same store and have keys of its own. */
    @Test
    void severalProcessesWorkTogether() throws Exception {
        List<Row> rows = new ArrayList<>();
        Path store = Files.createDirectory(directory.resolve("store"));
        Files.createDirectory(directory.resolve(Jvm.TEMPORARY));
        String operations = "operations=mix50-zipf-1,mix50-zipf-1+1+1";

        Worker.measure(tiny(operations, "heap=32m"), "cairn", 0, store, rows::add);

        assertThat(rows)
                .extracting(Row::what)
                .containsExactly("load", "mix50-zipf-1", "mix50-zipf-1+1+1");
    }

    @Test
    void valueOfOneWordIsReadAndJudged() throws Exception {
        List<Row> rows = new ArrayList<>();

        Worker.measure(
                tiny("operations=get-1,put-1,getAll-7-2", "value=8"),
                "cairn",
                0,
                directory,
                rows::add);

        assertThat(rows).hasSize(4).allMatch(row -> row.value() > 0);
    }

    @Test
    void figuresAreTheValuesOfTheRounds() {
        Table table = new Table(List.of("a", "b"));
        table.add("a", 0, new Row("get-1", "1/s", 1, 0.1, 0));
        table.add("a", 0, new Row("get-1", "1/s", 3, 0.5, 0));
        table.add("a", 1, new Row("get-1", "1/s", 7, 0.2, 0));

        assertThat(table.figures())
                .containsExactly(new Figure("get-1", "a", "1/s", List.of(2.0, 7.0), 0.5));
    }

    @Test
    void readOfALostEntryFailsTheRun() throws Exception {
        Entrant ideal = Entrant.of("ideal");
        Setting setting = tiny();
        try (Peer peer = ideal.open(directory, setting);
                Client client = new Client(peer, setting, new Keys(ENTRIES, 0, 0, 0))) {
            client.load(ENTRIES / 2);

            assertThatThrownBy(() -> client.work(100, ENTRIES))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("lost or wrong");
        }
    }

    /** No two keys in a row of one thread may be two in a row of another. */
    @Test
    void noStreamIsAnotherOneShifted() {
        int count = 200_000;
        Set<Long> pairs = new HashSet<>();
        for (int process = 0; process < 2; process++) {
            for (int thread = 0; thread < 2; thread++) {
                Keys keys = new Keys(1 << 30, 1, process, thread);
                long last = 0;
                for (int entry : keys.draw(count).entries()) {
                    pairs.add(last << 32 | entry);
                    last = entry;
                }
            }
        }
        assertThat(pairs).hasSize(4 * count);
    }

    @Test
    void mostFrequentEntryOfZipfHasItsShare() {
        int entries = 1000;
        int count = 100_000;
        Keys keys = new Keys(entries, 0, 0, 0);
        keys.chooseByZipf(true);
        int[] times = new int[entries];
        for (int entry : keys.draw(count).entries()) {
            times[entry]++;
        }
        double sum = 0;
        for (int rank = 1; rank <= entries; rank++) {
            sum += Math.pow(rank, -0.99);
        }
        int most = 0;
        for (int time : times) {
            most = Math.max(most, time);
        }
        assertThat(most / (double) count).isCloseTo(1 / sum, within(0.3 / sum));
    }

    @Test
    void everyKeyLeadsBackToItsEntry() {
        Set<List<Long>> keys = new HashSet<>();
        byte[] key = new byte[16];
        for (int entry = 0; entry < 10_000; entry++) {
            Keys.write(key, entry);
            assertThat(Keys.entry(key)).isEqualTo(entry);
            keys.add(List.of(Keys.word(key, 0), Keys.word(key, 8)));
        }
        assertThat(keys).hasSize(10_000);
    }

    @Test
    void tableDividesWithinTheRound() {
        Table table = new Table(List.of("a", "b"));
        double[] ofMachine = {1, 10, 100};
        for (int round = 0; round < 3; round++) {
            for (double window : new double[] {0.5, 1, 9}) {
                table.add("a", round, new Row("get-1", "1/s", window * ofMachine[round], 0, 0));
                table.add(
                        "b", round, new Row("get-1", "1/s", 2 * window * ofMachine[round], 0.4, 0));
            }
        }
        table.add("b", 0, new Row("space", "x", 3, 0, 0.5));

        assertThat(table.value("get-1", "b")).isEqualTo(20);
        assertThat(table.ratio("get-1", "b", "a")).isEqualTo(2);
        assertThat(table.print("a"))
                .isEqualTo(
                        """
                        | | unit | a | b |
                        |---|---|---|---|
                        | get-1 | 1/s | 10.0 (1.00) | 20.0! (2.00) |
                        | space | x | - | 3.00~ (-) |
                        """);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "peers=nobody",
                "peers=cairn-often",
                "peers=cairn-before",
                "base=chm",
                "operations=get-1,gte-2",
                "key=15",
                "round=3",
                "fast"
            })
    void wrongArgumentsAreRefused(String argument) {
        assertThatThrownBy(() -> Setting.of("peers=cairn,ideal", argument))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void anotherBuildStandsInThePlaceOfThisOne() throws Exception {
        String own = Path.of("target/classes").toAbsolutePath().toString();
        List<String> now = entries(System.getProperty("java.class.path"));
        List<String> expected = new ArrayList<>(List.of("before.jar"));
        now.stream().filter(entry -> !entry.equals(own)).forEach(expected::add);

        assertThat(now).contains(own);
        assertThat(entries(Jvm.classPathWith("before.jar"))).isEqualTo(expected);
    }

    private static List<String> entries(String classPath) {
        return List.of(classPath.split(File.pathSeparator, -1));
    }

    private static Setting tiny(String... more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                "entries=" + ENTRIES,
                                "turnovers=2",
                                "windows=1",
                                "seconds=0.005",
                                "warmup=0"));
        arguments.addAll(List.of(more));
        return Setting.of(arguments.toArray(String[]::new));
    }
}
