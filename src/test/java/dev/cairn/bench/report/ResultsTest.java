package dev.cairn.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Attacks the files of results: what is written must be read again, with median and spread. */
class ResultsTest {
    @Test
    void whatIsWrittenIsReadAgain(@TempDir Path directory) throws IOException {
        Figure figure = new Figure("get, 1 thread", "cairn", "ns", List.of(3.0, 1.0, 2.5), 0.1);
        Results results = new Results("points", Map.of("rounds", "3"), List.of(figure));
        Path file = directory.resolve("made/points.json");
        results.write(file);
        assertThat(Results.read(file)).isEqualTo(results);
        assertThat(Results.read(file).figure("get, 1 thread", "cairn")).contains(figure);
        assertThat(results.figure("get, 1 thread", "lmdb")).isEmpty();
    }

    @Test
    void aFigureHasAMedianAndASpread() {
        Figure odd = new Figure("get", "cairn", "ns", List.of(3.0, 1.0, 2.5), 0);
        assertThat(odd.median()).isEqualTo(2.5);
        assertThat(odd.printed()).isEqualTo("2.50 (1.00 to 3.00)");
        Figure even = new Figure("get", "cairn", "ns", List.of(4000.0, 1000.0), 0);
        assertThat(even.median()).isEqualTo(2500);
        assertThat(even.printed()).isEqualTo("2,500 (1,000 to 4,000)");
        assertThatThrownBy(() -> new Figure("get", "cairn", "ns", List.of(), 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
