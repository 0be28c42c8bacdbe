package dev.cairn.bench.report;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What was measured of one contender in one case.
 *
 * @param what the case, with the measure if it has several, as "get, 1 thread" or "100 B, p99"
 * @param contender who was measured
 * @param unit of the values
 * @param values one for each round, in their order
 * @param others processors that others used meanwhile, at most, from 0 to all of them; 0 if unknown
 */
public record Figure(
        String what, String contender, String unit, List<Double> values, double others) {

    public Figure {
        if (values.isEmpty()) {
            throw new IllegalArgumentException("no value of " + contender + ": " + what);
        }
        values = List.copyOf(values);
    }

    /** The same of a case that has another name. */
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

    /** The median, and the least and the most if there were several rounds, for people. */
    public String printed() {
        return values.size() == 1
                ? printed(median())
                : printed(median()) + " (" + printed(least()) + " to " + printed(most()) + ")";
    }

    private static String printed(double value) {
        return String.format(Locale.ROOT, value >= 1000 ? "%,.0f" : "%.3g", value);
    }
}
