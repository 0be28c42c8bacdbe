package dev.cairn.bench.report;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * What a chart shows: cases along its axis, and for each contender a value for each case. The value
 * is null if it was not measured.
 *
 * @param axis what the values are, with their unit
 * @param logarithmic whether the axis of the values is logarithmic
 * @param caption the machine and the time
 */
record Plot(
        String title,
        String axis,
        Form form,
        boolean logarithmic,
        List<String> cases,
        Map<String, List<Double>> series,
        String caption) {
    /** How values are drawn. */
    enum Form {
        BARS,
        LINES
    }

    /** Where a figure stands in a chart. */
    record Cell(String ofCase, String series, double value) {}

    /** The values of each series, in the order in which the cells have the series. */
    static Map<String, List<Double>> series(List<Cell> cells) {
        List<String> cases = cases(cells);
        Map<String, List<Double>> series = new LinkedHashMap<>();
        for (Cell cell : cells) {
            series.computeIfAbsent(
                            cell.series,
                            _ -> new ArrayList<>(Collections.nCopies(cases.size(), null)))
                    .set(cases.indexOf(cell.ofCase), cell.value);
        }
        return series;
    }

    static List<String> cases(List<Cell> cells) {
        Set<String> cases = new LinkedHashSet<>();
        cells.forEach(cell -> cases.add(cell.ofCase));
        return List.copyOf(cases);
    }

    static List<Cell> cells(Results results, Function<Figure, Optional<Cell>> place) {
        return results.figures().stream().flatMap(figure -> place.apply(figure).stream()).toList();
    }

    /** All of the chart as text, for whoever cannot see the picture. */
    String described() {
        StringBuilder text = new StringBuilder(axis).append('.');
        series.forEach((name, values) -> {
            text.append(' ').append(name).append(':');
            for (int i = 0; i < cases.size(); i++) {
                Double value = values.get(i);
                String printed =
                        value == null ? "not measured" : String.format(Locale.ROOT, "%.3g", value);
                text.append(i == 0 ? " " : ", ").append(cases.get(i)).append(' ').append(printed);
            }
            text.append('.');
        });
        return text.append(' ').append(caption).toString();
    }
}
