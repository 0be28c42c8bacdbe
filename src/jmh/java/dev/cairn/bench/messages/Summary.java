package dev.cairn.bench.messages;

import dev.cairn.bench.report.Figure;
import dev.cairn.bench.report.Results;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;

/**
 * What was measured, as tables and as figures. A ratio is the median of the ratios of the rounds,
 * because what happens to the machine in a round happens to all ways.
 */
final class Summary {
    private static final double MAX_OTHERS = 0.35;
    private static final double MIB = 1 << 20;

    private final Map<Case, List<Pair.Outcome>> outcomes = new LinkedHashMap<>();
    private final Map<Case, Double> calls = new LinkedHashMap<>();

    void add(Case what, Pair.Outcome outcome) {
        outcomes.computeIfAbsent(what, _ -> new ArrayList<>()).add(outcome);
    }

    /** Adds the number of system calls for each message. */
    void addCalls(Case what, double count) {
        calls.put(what, count);
    }

    Set<Case> cases() {
        return outcomes.keySet();
    }

    /** The line of an outcome for people. */
    static String line(Case what, Pair.Outcome outcome) {
        String figures =
                what.direction() == Direction.ONE_WAY
                        ? String.format(Locale.ROOT, "%,.0f/s", outcome.rate())
                        : String.format(
                                Locale.ROOT, "p50 %.2f p99 %.2f us", outcome.p50(), outcome.p99());
        return figures + String.format(Locale.ROOT, "\tothers %.2f", outcome.others());
    }

    String print(Setting setting) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int bytes : setting.sizes()) {
            for (Direction direction : setting.directions()) {
                List<Case> shown =
                        outcomes.keySet().stream()
                                .filter(each ->
                                        each.bytes() == bytes && each.direction() == direction)
                                .sorted(
                                        Comparator.comparingInt(
                                                each -> setting.ways().indexOf(each.way())))
                                .toList();
                if (!shown.isEmpty()) {
                    print(shown, text);
                }
            }
        }
        return text.toString();
    }

    private void print(List<Case> shown, StringBuilder text) throws IOException {
        Case any = shown.getFirst();
        boolean oneWay = any.direction() == Direction.ONE_WAY;
        ToDoubleFunction<Pair.Outcome> measure = oneWay ? Pair.Outcome::rate : Pair.Outcome::p50;
        Optional<Case> best =
                shown.stream()
                        .filter(each -> each.way().kind().isSystems())
                        .max(
                                Comparator.comparingDouble(
                                        each -> (oneWay ? 1 : -1) * median(each, measure)));
        Optional<Case> ring =
                shown.stream().filter(each -> each.way().kind() == Way.Kind.RING).findFirst();
        text.append("\n**").append(any.what()).append("**");
        best.ifPresent(
                each -> text.append("; the best of the system's: ").append(each.way().name()));
        text.append("\n\n| way | ")
                .append(oneWay ? "messages/s | MiB/s" : "p50, us | p99, us")
                .append(" | to the system's best | to the ring | switches of context a message |")
                .append(calls.isEmpty() ? "\n" : " system calls a message |\n")
                .append("|---|---|---|---|---|---|")
                .append(calls.isEmpty() ? "\n" : "---|\n");
        for (Case each : shown) {
            text.append("| ").append(each.way().name()).append(flags(each)).append(" | ");
            if (oneWay) {
                double rate = median(each, Pair.Outcome::rate);
                text.append(printed(rate)).append(" | ").append(printed(rate * each.bytes() / MIB));
            } else {
                text.append(printed(median(each, Pair.Outcome::p50)))
                        .append(" | ")
                        .append(printed(median(each, Pair.Outcome::p99)));
            }
            text.append(" | ")
                    .append(ratio(each, best, measure))
                    .append(" | ")
                    .append(ratio(each, ring, measure))
                    .append(" | ")
                    .append(printed(median(each, Pair.Outcome::voluntary)))
                    .append(" + ")
                    .append(printed(median(each, Pair.Outcome::involuntary)))
                    .append(calls.isEmpty() ? " |\n" : " | " + printed(calls.get(each)) + " |\n");
        }
        for (Case each : shown) {
            if (each.way().kind() == Way.Kind.QUEUE) {
                text.append(pieces(each.bytes()));
            }
        }
    }

    private static String pieces(int bytes) throws IOException {
        QueueEnd.Limits limits = QueueEnd.Limits.of(bytes);
        int pieces = limits.piecesOf(bytes);
        return pieces == 1
                ? ""
                : String.format(
                        Locale.ROOT,
                        "%nThe queue takes a message in %d pieces of %,d bytes, %d at a time.%n",
                        pieces,
                        limits.bytes(),
                        limits.messages());
    }

    /** The mark "!" if others were at work too. */
    private String flags(Case what) {
        return outcomes.get(what).stream().anyMatch(each -> each.others() > MAX_OTHERS) ? " !" : "";
    }

    private String ratio(Case what, Optional<Case> base, ToDoubleFunction<Pair.Outcome> measure) {
        if (base.isEmpty()) {
            return "-";
        }
        double[] values = values(what, measure);
        double[] bases = values(base.get(), measure);
        for (int i = 0; i < values.length; i++) {
            values[i] /= bases[i];
        }
        return String.format(Locale.ROOT, "%.2f", median(values));
    }

    private double median(Case what, ToDoubleFunction<Pair.Outcome> measure) {
        return median(values(what, measure));
    }

    private double[] values(Case what, ToDoubleFunction<Pair.Outcome> measure) {
        return outcomes.get(what).stream().mapToDouble(measure).toArray();
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        int half = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }

    private static String printed(double value) {
        if (value >= 1000) {
            return String.format(Locale.ROOT, "%,.0f", value);
        }
        return String.format(Locale.ROOT, value < 0.001 ? "%.1g" : "%.3g", value);
    }

    Results results(Setting setting) throws IOException {
        Map<String, String> how = new LinkedHashMap<>();
        how.put("arguments", String.join(" ", setting.arguments()));
        how.put("rounds", Integer.toString(setting.rounds()));
        how.put("seconds", Double.toString(setting.seconds()));
        how.put("Java", Runtime.version().toString());
        how.put("kernel", Files.readAllLines(Path.of("/proc/sys/kernel/osrelease")).getFirst());
        how.put("processors", Integer.toString(Runtime.getRuntime().availableProcessors()));
        List<Figure> figures = new ArrayList<>();
        outcomes.keySet().forEach(what -> addFigures(what, figures));
        return new Results("messages", how, figures);
    }

    private void addFigures(Case what, List<Figure> figures) {
        if (what.direction() == Direction.ONE_WAY) {
            figures.add(figure(what, "messages", "1/s", Pair.Outcome::rate));
            figures.add(figure(what, "bytes", "MiB/s", each -> each.rate() * what.bytes() / MIB));
        } else {
            figures.add(figure(what, "p50", "us", Pair.Outcome::p50));
            figures.add(figure(what, "p99", "us", Pair.Outcome::p99));
        }
        figures.add(figure(what, "voluntary switches", "1/message", Pair.Outcome::voluntary));
        figures.add(figure(what, "involuntary switches", "1/message", Pair.Outcome::involuntary));
        if (calls.containsKey(what)) {
            figures.add(
                    new Figure(
                            what.what() + ", system calls",
                            what.way().name(),
                            "1/message",
                            List.of(calls.get(what)),
                            0));
        }
    }

    private Figure figure(
            Case what, String measure, String unit, ToDoubleFunction<Pair.Outcome> values) {
        return new Figure(
                what.what() + ", " + measure,
                what.way().name(),
                unit,
                outcomes.get(what).stream().map(values::applyAsDouble).toList(),
                outcomes.get(what).stream().mapToDouble(Pair.Outcome::others).max().orElse(0));
    }
}
