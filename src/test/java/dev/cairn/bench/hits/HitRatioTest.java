package dev.cairn.bench.hits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.MemoryDirectory;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A store that evicts chooses well: small caches, a tenth of what is asked for. See docs/hit-ratios.md
 * for large ones.
 */
class HitRatioTest {
    private static final Sizes SIZES = Sizes.FIXED;
    private static final int KEYS = 50_000;
    private static final int REQUESTS = 300_000;

    /** Recordings are no part of the project; this says where they are. */
    private static final Path TRACES =
            Path.of(System.getProperty("cairn.traces", Traces.DIRECTORY.toString()));

    @TempDir(factory = MemoryDirectory.class)
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"zipf-0.9", "zipf-0.9-scan20"})
    void evictionIsBetterThanByLastUseAndNoBetterThanIsPossible(String name) throws IOException {
        Load load = drawn(name);

        double found = cairn(load);

        System.out.printf("%s %.2f lru %.2f opt %.2f%n", name, found, lru(load), optimal(load));
        assertThat(found).isBetween(lru(load) + 3, optimal(load));
    }

    @ParameterizedTest
    @ValueSource(strings = {"zipf-0.9", "zipf-0.9-scan20"})
    void thatFailsIfUseIsNotKnown(String name) throws IOException {
        Load load = drawn(name);

        double found = blind(load);

        System.out.printf(
                "blind %s %.2f lru %.2f opt %.2f%n", name, found, lru(load), optimal(load));
        assertThat(found).isLessThan(lru(load) + 3);
    }

    /** The least hit ratio in per cent, a little below what was measured. */
    @ParameterizedTest
    @CsvSource({"lirs-multi1, 30", "corda, 33", "orm-night, 60"})
    void recordedLoadsFindWhatTheyFound(String name, double least) throws IOException {
        Load load = recorded(name);

        double found = cairn(load);

        System.out.printf(
                "%s %.2f lru %.2f opt %.2f blind %.2f%n",
                name, found, lru(load), optimal(load), blind(load));
        assertThat(found).isBetween(least, optimal(load));
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

    /** That of a cache in the heap which pays as much for an entry as Cairn, and nothing else. */
    private static double lru(Load load) {
        return Policy.hitRatio(load, Contender.LRU.inHeap(load, SIZES, maxBytes(load)));
    }

    private static double optimal(Load load) {
        return Optimal.hitRatio(load, (int) (maxBytes(load) / SIZES.record(0)));
    }
}
