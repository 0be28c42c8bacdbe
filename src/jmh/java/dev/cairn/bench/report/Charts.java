package dev.cairn.bench.report;

import dev.cairn.bench.report.Chart.Scale;
import dev.cairn.bench.report.Plot.Cell;
import dev.cairn.bench.report.Plot.Form;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The charts of docs/benchmarks.md. */
public final class Charts {
    private static final List<Chart> ALL =
            List.of(
                    new Chart(
                            "points",
                            "points",
                            "Point operations of one thread, a million entries of 100 bytes",
                            "ns an operation (less is better)",
                            Form.BARS,
                            Scale.LINEAR,
                            Charts::asItIs),
                    new Chart(
                            "peers",
                            "peers",
                            "Beside other stores: a million entries of 100 bytes, durable each second",
                            "million operations a second (more is better)",
                            Form.BARS,
                            Scale.LINEAR,
                            figure -> rate(figure, Names.operation(figure.what()))),
                    new Chart(
                            "space",
                            "peers",
                            "Space of an aged store: a million entries of 100 bytes",
                            "bytes on disk for each byte of entries (less is better)",
                            Form.BARS,
                            Scale.LINEAR,
                            figure ->
                                    figure.what().equals("space")
                                            ? asItIs(figure)
                                            : Optional.empty()),
                    new Chart(
                            "near",
                            "near",
                            "Near cache: reads of a map of records",
                            "ns a read (less is better)",
                            Form.BARS,
                            Scale.LOGARITHMIC,
                            Charts::asItIs));

    private Charts() {}

    private static Optional<Cell> asItIs(Figure figure) {
        return Optional.of(new Cell(figure.what(), figure.contender(), figure.median()));
    }

    /** In millions, of figures that are rates. */
    private static Optional<Cell> rate(Figure figure, String ofCase) {
        return figure.unit().equals("1/s")
                ? Optional.of(new Cell(ofCase, figure.contender(), figure.median() / 1e6))
                : Optional.empty();
    }

    static Chart named(String name) {
        return ALL.stream().filter(chart -> chart.name().equals(name)).findFirst().orElseThrow();
    }

    /** Draws those whose results are in a directory, and says which are not. */
    public static void draw(Path results, Path images, PrintStream out) throws IOException {
        Files.createDirectories(images);
        for (Chart chart : ALL) {
            Path json = results.resolve(chart.set() + ".json");
            Path file = images.resolve("bench-" + chart.name() + ".svg");
            if (!Files.exists(json)) {
                out.println("not drawn: " + file.getFileName() + ", there is no " + json);
                continue;
            }
            Optional<Plot> plot = chart.plot(Results.read(json));
            if (plot.isPresent()) {
                Files.writeString(file, Painter.svg(plot.get()));
                out.println("drawn: " + file);
            } else {
                out.println("not drawn: " + file.getFileName() + ", nothing for it in " + json);
            }
        }
    }
}
