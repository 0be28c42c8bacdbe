package dev.cairn.bench.report;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What was measured of one contender in one case.
 *
 * @param what the case, with the measure if it has several, such as "get, 1 thread" or "100 B, p99"
 * @param contender who was measured
 * @param unit the unit of the values
 * @param values one value for each round, in the order of the rounds
 * @param others the most processors that others used meanwhile, from 0 to all of them; 0 if unknown
 */
public record Figure(
        String what, String contender, String unit, List<Double> values, double others) {

    public Figure {
        if (values.isEmpty()) {
            throw new IllegalArgumentException("no value of " + contender + ": " + what);
        }
        values = List.copyOf(values);
    }

    /** The same figure for a case with another name. */
    public Figure withWhat(String name) {
        return new Figure(name, contender, unit, values, others);
    }

    public double median() {
        double[] sorted = sorted();
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    public double least() {
        return sorted()[0];
    }

    public double most() {
        return sorted()[values.size() - 1];
    }

    private double[] sorted() {
        double[] sorted = values.stream().mapToDouble(Double::doubleValue).toArray();
        Arrays.sort(sorted);
        return sorted;
    }

    /**
     * The median for people. If there were several rounds, the least and the greatest value follow.
     */
    public String printed() {
        return values.size() == 1
                ? printed(median())
                : printed(median()) + " (" + printed(least()) + " to " + printed(most()) + ")";
    }

    private static String printed(double value) {
        return String.format(Locale.ROOT, value >= 1000 ? "%,.0f" : "%.3g", value);
    }
}
