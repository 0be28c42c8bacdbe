package dev.cairn.bench.report;

import dev.cairn.bench.report.Chart.Scale;
import dev.cairn.bench.report.Plot.Cell;
import dev.cairn.bench.report.Plot.Form;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The charts of docs/benchmarks.md. */
public final class Charts {
    private static final String LESS = " (less is better)";
    private static final String MORE = " (more is better)";
    private static final String MILLION = ", a million entries of 100 bytes";

    private static final Set<String> ALONE = Set.of("get-1", "getAll-64-1", "put-1");
    private static final Map<String, String> MEMORY =
            Map.of(
                    "memory resident", "resident",
                    "memory once", "resident, a page once",
                    "memory files", "length of files");

    /* The names of cases in the set "scale": operation, entries and the size of values. */
    private static final Pattern OF_SIZE =
            Pattern.compile("(.+), ([0-9,]+) entries of ([0-9]+ K?i?B)");

    private static final List<Chart> ALL =
            List.of(
                    bars("points", "points", "Point operations of one thread" + MILLION)
                            .of("ns an operation" + LESS, Charts::asItIs),
                    bars("peers", "peers", "Durable each second" + MILLION)
                            .of("million operations a second" + MORE, Charts::rate),
                    bars("space", "peers", "Space of an aged store" + MILLION)
                            .of("bytes on disk for each byte of entries" + LESS, Charts::space),
                    bars("near", "near", "Near cache: reads of a map of records")
                            .logarithmic()
                            .of("ns a read" + LESS, Charts::asItIs),
                    lines("latency", "checkpoints", "Latency of puts of one thread" + MILLION)
                            .logarithmic()
                            .of("us a put" + LESS, Charts::latency),
                    bars("checkpoints", "checkpoints", "Making overwrites durable" + MILLION)
                            .logarithmic()
                            .of("ms" + LESS, figure -> millis(figure, "overwrites")),
                    bars("openings", "checkpoints", "Opening a store after a failure")
                            .logarithmic()
                            .of("ms" + LESS, figure -> millis(figure, "entries")),
                    bars("messages-rate", "messages", "Messages from one process to another")
                            .logarithmic()
                            .of("messages a second" + MORE, Charts::messages),
                    bars("messages-latency", "messages", "Messages that are answered, median")
                            .logarithmic()
                            .of("us, half a round trip" + LESS, Charts::answers),
                    lines("entries", "scale", "One thread, values of 100 bytes, by entries")
                            .of("ns a key" + LESS, Charts::byEntries),
                    lines("values", "scale", "One thread, by size of values")
                            .logarithmic()
                            .of("ns a key" + LESS, Charts::byValues),
                    bars("together", "scale", "Threads and processes, keys by zipf's law" + MILLION)
                            .of("million operations a second of all" + MORE, Charts::together),
                    bars("memory", "scale", "Memory, values of 100 bytes, by entries")
                            .logarithmic()
                            .of("bytes for each byte of entries" + LESS, Charts::memory));

    private Charts() {}

    private static Chart.Outline bars(String name, String set, String title) {
        return new Chart.Outline(name, set, title, Form.BARS, Scale.LINEAR);
    }

    private static Chart.Outline lines(String name, String set, String title) {
        return new Chart.Outline(name, set, title, Form.LINES, Scale.LINEAR);
    }

    private static Optional<Cell> asItIs(Figure figure) {
        return cell(figure.what(), figure.contender(), figure.median());
    }

    private static Optional<Cell> cell(String ofCase, String contender, double value) {
        return Optional.of(new Cell(ofCase, Names.contender(contender), value));
    }

    /** Rates in millions, except that of the load, which the compiler decides. */
    private static Optional<Cell> rate(Figure figure) {
        return figure.unit().equals("1/s") && !figure.what().equals("load")
                ? cell(Names.operation(figure.what()), figure.contender(), figure.median() / 1e6)
                : Optional.empty();
    }

    private static Optional<Cell> space(Figure figure) {
        return figure.what().equals("space") ? asItIs(figure) : Optional.empty();
    }

    private static Optional<Cell> latency(Figure figure) {
        String prefix = "latency-1 ";
        return figure.what().startsWith(prefix)
                ? cell(
                        figure.what().substring(prefix.length()),
                        figure.contender(),
                        figure.median())
                : Optional.empty();
    }

    private static Optional<Cell> millis(Figure figure, String what) {
        return figure.unit().equals("ms") && figure.what().endsWith(what)
                ? asItIs(figure)
                : Optional.empty();
    }

    private static Optional<Cell> messages(Figure figure) {
        return bySize(figure, ", one-way, messages");
    }

    private static Optional<Cell> answers(Figure figure) {
        return bySize(figure, ", ping-pong, p50");
    }

    /** There are too many contenders to give each a colour, so they stand along the axis. */
    private static Optional<Cell> bySize(Figure figure, String measure) {
        String what = figure.what();
        if (!what.endsWith(measure)) {
            return Optional.empty();
        }
        String size = what.substring(0, what.length() - measure.length());
        return Optional.of(new Cell(figure.contender(), size, figure.median()));
    }

    private static Optional<Cell> byEntries(Figure figure) {
        Matcher parts = OF_SIZE.matcher(figure.what());
        return parts.matches() && parts.group(3).equals("100 B")
                ? nanos(figure, parts.group(2) + " entries", parts.group(1))
                : Optional.empty();
    }

    private static Optional<Cell> byValues(Figure figure) {
        Matcher parts = OF_SIZE.matcher(figure.what());
        if (!parts.matches() || !isOfValues(parts.group(2), parts.group(3))) {
            return Optional.empty();
        }
        return nanos(figure, parts.group(2) + " of " + parts.group(3), parts.group(1));
    }

    /**
     * Whether a case belongs to the chart by values. Values of 100 bytes are measured with other
     * numbers of entries too.
     */
    private static boolean isOfValues(String entries, String bytes) {
        return !bytes.equals("100 B") || entries.equals("1,000,000");
    }

    private static Optional<Cell> nanos(Figure figure, String ofCase, String operation) {
        if (!figure.unit().equals("1/s") || !ALONE.contains(operation)) {
            return Optional.empty();
        }
        String series = Names.contender(figure.contender()) + ", " + Names.call(operation);
        return Optional.of(new Cell(ofCase, series, 1e9 / figure.median()));
    }

    private static Optional<Cell> together(Figure figure) {
        Matcher parts = OF_SIZE.matcher(figure.what());
        return parts.matches() && parts.group(1).startsWith("mix")
                ? cell(Names.operation(parts.group(1)), figure.contender(), figure.median() / 1e6)
                : Optional.empty();
    }

    private static Optional<Cell> memory(Figure figure) {
        Matcher parts = OF_SIZE.matcher(figure.what());
        if (!parts.matches() || !MEMORY.containsKey(parts.group(1))) {
            return Optional.empty();
        }
        String series = Names.contender(figure.contender()) + ", " + MEMORY.get(parts.group(1));
        return Optional.of(new Cell(parts.group(2) + " entries", series, figure.median()));
    }

    static Chart named(String name) {
        return ALL.stream().filter(chart -> chart.name().equals(name)).findFirst().orElseThrow();
    }

    /** Draws the charts whose results are in a directory, and says for which there are none. */
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
