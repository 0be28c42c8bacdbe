package dev.cairn.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import javax.xml.parsers.DocumentBuilderFactory;

/** Attacks the drawing of charts from files of results, of which some may be missing. */
class ChartsTest {
    private static final List<String> CONTENDERS =
            List.of("cairn", "chronicle", "lmdb", "rocksdb", "mapdb");
    private static final List<String> NAMES =
            List.of("Cairn", "Chronicle Map", "LMDB", "RocksDB", "MapDB");
    private static final List<String> OPERATIONS =
            List.of("get-1", "get-2", "put-1", "put-2", "mix95-zipf-2", "mix50-zipf-1+1");

    @TempDir private Path directory;

    @Test
    void chartsAreDrawnFromFilesAndWhatIsMissingIsSaid() throws Exception {
        peers().write(directory.resolve("peers.json"));

        List<String> lines = draw();

        assertThat(lines)
                .contains("drawn: " + directory.resolve("bench-peers.svg"))
                .contains(
                        "not drawn: bench-near.svg, there is no " + directory.resolve("near.json"));
        assertThat(directory.resolve("bench-near.svg")).doesNotExist();
        Document svg =
                DocumentBuilderFactory.newDefaultNSInstance()
                        .newDocumentBuilder()
                        .parse(directory.resolve("bench-peers.svg").toFile());
        assertThat(svg.getElementsByTagName("title").item(0).getTextContent())
                .contains("Durable each second");
        assertThat(svg.getElementsByTagName("desc").item(0).getTextContent())
                .contains(NAMES)
                .contains("million operations a second")
                .contains("get, 1 thread 2.00")
                .contains("50 % gets, 2 processes not measured")
                .contains("A processor & such; 2 processors");
    }

    @Test
    void aSeriesOfEachContenderHasItsColour() {
        Plot plot = plot("peers", peers());
        var chart = Painter.chart(plot);

        assertThat(chart.getSeriesMap().keySet()).containsExactlyElementsOf(NAMES);
        assertThat(chart.getYAxisTitle()).contains("million operations a second");
        assertThat(chart.getSeriesMap().values())
                .extracting(series -> series.getFillColor())
                .doesNotHaveDuplicates();
        Plot fewer = plot("space", peers());
        assertThat(Painter.chart(fewer).getSeriesMap().get("LMDB").getFillColor())
                .isEqualTo(chart.getSeriesMap().get("LMDB").getFillColor());
    }

    @Test
    void aContenderThatIsMissingInACaseLeavesAGap() {
        var chart = Painter.chart(plot("peers", peers()));

        assertThat(List.<Object>copyOf(nullAsText(chart.getSeriesMap().get("MapDB").getYData())))
                .containsExactly("2.0", "2.1", "2.2", "2.3", "2.4", "null");
    }

    @Test
    void aChartOfTheScaleTakesTheCasesThatAreItsOwn() {
        Results results =
                new Results(
                        "scale",
                        Map.of(),
                        List.of(
                                figure("get-1, 10,000 entries of 100 B", "1/s", 2e6),
                                figure("get-1, 1,000,000 entries of 8 B", "1/s", 4e6),
                                figure("get-1, 1,000,000 entries of 100 B", "1/s", 1e6),
                                figure("mix95-zipf-1+1, 1,000,000 entries of 100 B", "1/s", 3e6),
                                figure("memory files, 1,000,000 entries of 100 B", "x", 2)));

        assertThat(plot("entries", results).described())
                .contains("Cairn, get: 10,000 entries 500, 1,000,000 entries 1.00e+03.");
        assertThat(plot("values", results).described())
                .contains("Cairn, get: 1,000,000 of 8 B 250, 1,000,000 of 100 B 1.00e+03.");
        assertThat(plot("together", results).described())
                .contains("Cairn: 95 % gets, 2 processes 3.00.");
        assertThat(plot("memory", results).described())
                .contains("Cairn, length of files: 1,000,000 entries 2.00.");
    }

    private static Figure figure(String what, String unit, double value) {
        return new Figure(what, "cairn", unit, List.of(value), 0);
    }

    private static List<String> nullAsText(Iterable<? extends Number> values) {
        List<String> texts = new ArrayList<>();
        values.forEach(value -> texts.add(String.valueOf(value)));
        return texts;
    }

    private static Plot plot(String name, Results results) {
        return Charts.named(name).plot(results).orElseThrow();
    }

    private List<String> draw() throws IOException {
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        Charts.draw(directory, directory, new PrintStream(lines, true, StandardCharsets.UTF_8));
        return lines.toString(StandardCharsets.UTF_8).lines().toList();
    }

    /** Results in which the last contender did not do the last operation. */
    private static Results peers() {
        List<Figure> figures = new ArrayList<>();
        for (int i = 0; i < OPERATIONS.size(); i++) {
            for (String contender : CONTENDERS) {
                if (i + 1 < OPERATIONS.size() || !contender.equals("mapdb")) {
                    double rate = 2e6 + i * 1e5;
                    figures.add(new Figure(OPERATIONS.get(i), contender, "1/s", List.of(rate), 0));
                }
            }
        }
        for (String contender : CONTENDERS.subList(1, 3)) {
            figures.add(new Figure("space", contender, "x", List.of(1.14), 0));
        }
        return new Results(
                "peers",
                Map.of("processor", "A processor & such", "processors", "2 processors"),
                figures);
    }
}
