package dev.cairn.bench.peers;

import dev.cairn.bench.report.Figure;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * For each operation and entrant it has the median over the rounds. It also has the median of the
 * ratios to a base in the same round. The value of a round is the median of its windows.
 */
final class Table {
    private record Cell(String what, String entrant) {}

    private final List<String> entrants;
    private final Map<String, String> units = new LinkedHashMap<>();
    private final Map<Cell, Map<Integer, List<Row>>> rows = new LinkedHashMap<>();

    Table(List<String> entrants) {
        this.entrants = entrants;
    }

    void add(String entrant, int round, Row row) {
        units.put(row.what(), row.unit());
        rows.computeIfAbsent(new Cell(row.what(), entrant), _ -> new TreeMap<>())
                .computeIfAbsent(round, _ -> new ArrayList<>())
                .add(row);
    }

    /** The median over the rounds. */
    double value(String what, String entrant) {
        return median(rounds(what, entrant).values());
    }

    /** The median over the rounds in which both were measured, or NaN if there are none. */
    double ratio(String what, String entrant, String base) {
        Map<Integer, Double> bases = rounds(what, base);
        Map<Integer, Double> ratios = rounds(what, entrant);
        ratios.keySet().retainAll(bases.keySet());
        ratios.replaceAll((round, value) -> value / bases.get(round));
        return median(ratios.values());
    }

    /** The value of each round. */
    private Map<Integer, Double> rounds(String what, String entrant) {
        Map<Integer, Double> values = new TreeMap<>();
        rows.getOrDefault(new Cell(what, entrant), Map.of())
                .forEach((round, windows) ->
                        values.put(round, median(windows.stream().map(Row::value).toList())));
        return values;
    }

    private static double median(Collection<Double> values) {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        int half = sorted.length / 2;
        if (sorted.length == 0) {
            return Double.NaN;
        }
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    /** What was measured, for each figure and entrant. */
    List<Figure> figures() {
        List<Figure> figures = new ArrayList<>();
        units.forEach((what, unit) -> {
            for (String entrant : entrants) {
                List<Double> values = List.copyOf(rounds(what, entrant).values());
                if (!values.isEmpty()) {
                    figures.add(new Figure(what, entrant, unit, values, others(what, entrant)));
                }
            }
        });
        return figures;
    }

    /** The most processors that others used. */
    private double others(String what, String entrant) {
        return rows.get(new Cell(what, entrant)).values().stream()
                .flatMap(List::stream)
                .mapToDouble(Row::others)
                .max()
                .orElseThrow();
    }

    String print(String base) {
        StringBuilder text = new StringBuilder("| | unit |");
        entrants.forEach(entrant -> text.append(' ').append(entrant).append(" |"));
        text.append("\n|---|---|").append("---|".repeat(entrants.size())).append('\n');
        units.forEach((what, unit) -> {
            text.append("| ").append(what).append(" | ").append(unit).append(" |");
            entrants.forEach(entrant -> text.append(cell(what, entrant, base)));
            text.append('\n');
        });
        return text.toString();
    }

    private String cell(String what, String entrant, String base) {
        double value = value(what, entrant);
        if (Double.isNaN(value)) {
            return " - |";
        }
        double quotient = ratio(what, entrant, base);
        String ratio = Double.isNaN(quotient) ? "-" : String.format(Locale.ROOT, "%.2f", quotient);
        String figure =
                value >= 1000
                        ? String.format(Locale.ROOT, "%,.0f", value)
                        : String.format(Locale.ROOT, "%.3g", value);
        return " " + figure + flags(what, entrant) + " (" + ratio + ") |";
    }

    /** The marks of all its windows. */
    private String flags(String what, String entrant) {
        StringBuilder flags = new StringBuilder();
        for (String flag : List.of("!", "~")) {
            boolean set =
                    rows.get(new Cell(what, entrant)).values().stream()
                            .flatMap(List::stream)
                            .anyMatch(row -> row.flags().contains(flag));
            flags.append(set ? flag : "");
        }
        return flags.toString();
    }
}
