package dev.cairn.bench.hits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.MemoryDirectory;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;

import javax.xml.parsers.DocumentBuilderFactory;

/**
 * Attacks the choice of what a cache evicts, with small caches that hold a tenth of what is asked
 * for. docs/hit-ratios.md has large ones. The canary is an eviction that goes by nothing that was
 * read.
 */
class HitRatioTest {
    private static final Sizes SIZES = Sizes.FIXED;
    private static final int KEYS = 50_000;
    private static final int REQUESTS = 300_000;

    /** Points of the hit ratio, which are two thirds of what was measured. */
    private static final double LEAST_LEAD = 4;

    /** Where the recordings are, which are not part of the project. */
    private static final Path TRACES =
            Path.of(System.getProperty("cairn.traces", Traces.DIRECTORY.toString()));

    @TempDir(factory = MemoryDirectory.class)
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"zipf-0.9", "zipf-0.9-scan20"})
    void evictionIsBetterThanByLastUse(String name) throws IOException {
        Load load = drawn(name);

        assertThat(cairn(load)).isBetween(lru(load) + LEAST_LEAD, optimal(load));
    }

    /**
     * The canary: what is required above must fail where eviction goes by nothing that was read.
     */
    @ParameterizedTest
    @ValueSource(strings = {"zipf-0.9", "zipf-0.9-scan20"})
    void blindEvictionIsNot(String name) throws IOException {
        Load load = drawn(name);

        assertThat(blind(load)).isLessThan(lru(load));
    }

    /** The figures are hits in a hundred reads, a little below those that were measured. */
    @ParameterizedTest
    @CsvSource({"lirs-multi1, 44.5", "corda, 33.0", "orm-night, 75.0"})
    void recordedLoadsFindWhatTheyFound(String name, double least) throws IOException {
        Load load = recorded(name);

        assertThat(cairn(load)).isBetween(least, optimal(load));
    }

    /** The cells of a run must be those of its file, so that a chart can be drawn of them. */
    @Test
    void aRunWritesItsResults() throws Exception {
        HitRatios.main(
                new String[] {
                    "traces=" + directory,
                    "loads=web12,zipf-0.9",
                    "sizes=fixed",
                    "budgets=10,25",
                    "first=50000",
                    "requests=50000",
                    "directory=" + directory,
                    "output=" + directory
                });

        List<String> lines = Files.readAllLines(directory.resolve("cells.csv"));
        assertThat(lines).hasSize(3).first().isEqualTo(Cell.header());
        assertThat(lines.stream().skip(1).map(line -> Cell.parse(line).line()))
                .containsExactlyElementsOf(lines.subList(1, 3));
        assertThat(directory.resolve("summary.md")).content().contains("| zipf-0.9, 25 % |");
        var chart =
                DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(directory.resolve("hit-ratios.svg").toFile());
        assertThat(chart.getElementsByTagName("path").getLength()).isPositive();
    }

    @Test
    void aRecordingThatIsCutOffIsRefused() throws IOException {
        Path file = Traces.file(directory, "cut");
        try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(new byte[] {0, 2, (byte) 0x80}); // keys 0 and 1, then half a number
        }

        assertThat(Traces.read(directory, "cut", 2)).containsExactly(0, 1);
        assertThatThrownBy(() -> Traces.read(directory, "cut", 3))
                .isInstanceOf(EOFException.class)
                .hasMessageContaining(file.toString());
    }

    private static Load drawn(String name) {
        int[] requests = Synthetic.requests(name, KEYS, REQUESTS);
        return Load.of(name, Load.Kind.SYNTHETIC, requests, KEYS, REQUESTS);
    }

    private static Load recorded(String name) throws IOException {
        Path file = Traces.file(TRACES, name);
        assumeTrue(
                Files.exists(file),
                "no recorded loads: there is no "
                        + file
                        + "; -Dcairn.traces names their directory");
        int[] requests = Traces.read(TRACES, name, REQUESTS);
        return Load.of(name, Traces.KINDS.get(name), requests, KEYS, REQUESTS);
    }

    private static long maxBytes(Load load) {
        return load.footprint(SIZES) / 10;
    }

    private double cairn(Load load) throws IOException {
        try (CairnPolicy cairn = open(load)) {
            return Policy.hitRatio(load, cairn);
        }
    }

    private double blind(Load load) throws IOException {
        try (Blind blind = new Blind(open(load))) {
            return Policy.hitRatio(load, blind);
        }
    }

    private CairnPolicy open(Load load) throws IOException {
        return new CairnPolicy(directory, load.keys(), SIZES, maxBytes(load));
    }

    /**
     * The hit ratio of a cache in the heap that pays as much for an entry as Cairn, and for nothing
     * else.
     */
    private static double lru(Load load) {
        return Policy.hitRatio(load, Contender.LRU.inHeap(load, SIZES, maxBytes(load)));
    }

    private static double optimal(Load load) {
        return Optimal.hitRatio(load, (int) (maxBytes(load) / SIZES.record(0)));
    }
}
