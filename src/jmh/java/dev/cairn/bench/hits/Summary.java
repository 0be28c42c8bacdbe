package dev.cairn.bench.hits;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * The results as tables in Markdown. For each way of sizing entries there are tables of all loads
 * together and of each kind.
 */
final class Summary {
    /** A difference of fewer points is not counted. */
    private static final double WORTH_COUNTING = 0.5;

    private static final int WORST = 8;

    private final List<Cell> cells;
    private final Model model;
    private final Formatter text = new Formatter(Locale.ROOT);

    Summary(List<Cell> cells, Model model) {
        this.cells = cells;
        this.model = model;
    }

    String markdown() {
        for (Sizes sizes : Sizes.values()) {
            List<Cell> ofSizes = cells.stream().filter(cell -> cell.sizes() == sizes).toList();
            if (!ofSizes.isEmpty()) {
                section(sizes, ofSizes);
            }
        }
        return text.toString();
    }

    private void section(Sizes sizes, List<Cell> ofSizes) {
        text.format(
                "## %s%s\n",
                sizes.title.substring(0, 1).toUpperCase(Locale.ROOT), sizes.title.substring(1));
        policies(ofSizes);
        kinds(ofSizes);
        worst("Where Cairn is worst beside LRU", ofSizes, cell -> cell.lead(Contender.LRU));
        worst(
                "Where Cairn is worst beside Caffeine",
                ofSizes,
                cell -> cell.lead(Contender.CAFFEINE));
        if (!model.isEmpty()) {
            beside(ofSizes);
        }
        all(ofSizes);
    }

    /** A table with one line for each policy, over all cells. */
    private void policies(List<Cell> of) {
        text.format("\n");
        text.format("Means over %d cells, in points of the hit ratio:\n", of.size());
        text.format("\n");
        text.format(
                "| policy | hit ratio | to Caffeine | to Caffeine, payload only | to LRU | worst |"
                        + " to LRU, payload only | worst | below LRU by over %s |\n",
                WORTH_COUNTING);
        text.format("|---|---|---|---|---|---|---|---|---|\n");
        for (Contender policy : Contender.values()) {
            text.format(
                    "| %s | %.2f | %s | %s | %s | %s | %s | %s | %d, %d |\n",
                    policy.title,
                    mean(of, cell -> cell.hitRatio(policy)),
                    signed(mean(of, difference(policy, Contender.CAFFEINE))),
                    signed(mean(of, difference(policy, Contender.CAFFEINE_PAYLOAD))),
                    signed(mean(of, difference(policy, Contender.LRU))),
                    lowest(of, difference(policy, Contender.LRU)),
                    signed(mean(of, difference(policy, Contender.LRU_PAYLOAD))),
                    lowest(of, difference(policy, Contender.LRU_PAYLOAD)),
                    below(of, difference(policy, Contender.LRU)),
                    below(of, difference(policy, Contender.LRU_PAYLOAD)));
        }
    }

    /** A table of Cairn alone, with one line for each kind of load. */
    private void kinds(List<Cell> of) {
        text.format("\n");
        text.format("Cairn by kind of load:\n");
        text.format("\n");
        text.format(
                "| kind | cells | Cairn | Caffeine | LRU | FIFO | to Caffeine | to Caffeine,"
                        + " payload only | to LRU | to LRU, payload only |\n");
        text.format("|---|---|---|---|---|---|---|---|---|---|\n");
        for (Load.Kind kind : Load.Kind.values()) {
            List<Cell> ofKind = of.stream().filter(cell -> cell.kind() == kind).toList();
            if (!ofKind.isEmpty()) {
                text.format(
                        "| %s | %d | %.1f | %.1f | %.1f | %.1f | %s | %s | %s | %s |\n",
                        kind.name().toLowerCase(Locale.ROOT),
                        ofKind.size(),
                        mean(ofKind, cell -> cell.hitRatio(Contender.CAIRN)),
                        mean(ofKind, cell -> cell.hitRatio(Contender.CAFFEINE)),
                        mean(ofKind, cell -> cell.hitRatio(Contender.LRU)),
                        mean(ofKind, cell -> cell.hitRatio(Contender.FIFO)),
                        signed(mean(ofKind, cell -> cell.lead(Contender.CAFFEINE))),
                        signed(mean(ofKind, cell -> cell.lead(Contender.CAFFEINE_PAYLOAD))),
                        signed(mean(ofKind, cell -> cell.lead(Contender.LRU))),
                        signed(mean(ofKind, cell -> cell.lead(Contender.LRU_PAYLOAD))));
            }
        }
    }

    private void worst(String title, List<Cell> of, ToDoubleFunction<Cell> lead) {
        text.format("\n");
        text.format(
                "%s: %s.\n",
                title,
                of.stream()
                        .sorted(Comparator.comparingDouble(lead))
                        .limit(WORST)
                        .map(cell -> signed(lead.applyAsDouble(cell)) + " (" + cell.title() + ")")
                        .collect(Collectors.joining(", ")));
    }

    /** A table of Cairn and the model of its policy. */
    private void beside(List<Cell> of) {
        List<Cell> modelled = of.stream().filter(cell -> model.hitRatio(cell).isPresent()).toList();
        if (modelled.isEmpty()) {
            return;
        }
        ToDoubleFunction<Cell> lead =
                cell -> cell.hitRatio(Contender.CAIRN) - model.hitRatio(cell).orElseThrow();
        text.format("\n");
        text.format(
                "Cairn to the model of its policy: %s on average over %d cells; more than a point"
                        + " off in %d, below it by that in %d.\n",
                signed(mean(modelled, lead)),
                modelled.size(),
                modelled.stream().filter(cell -> Math.abs(lead.applyAsDouble(cell)) > 1).count(),
                modelled.stream().filter(cell -> lead.applyAsDouble(cell) < -1).count());
        worst("Where it is worst beside the model", modelled, lead);
    }

    private void all(List<Cell> of) {
        text.format("\n");
        text.format(
                "| load, budget | MiB | stripes x regions of KiB | Cairn |%s Caffeine | LRU | FIFO |"
                        + " Caffeine, payload only | LRU, payload only |\n",
                model.isEmpty() ? "" : " model |");
        text.format("|---|---|---|---|%s---|---|---|---|---|\n", model.isEmpty() ? "" : "---|");
        for (Cell cell : of) {
            List<String> ratios = new ArrayList<>();
            ratios.add(ratio(cell.hitRatio(Contender.CAIRN)));
            if (!model.isEmpty()) {
                OptionalDouble modelled = model.hitRatio(cell);
                ratios.add(modelled.isPresent() ? ratio(modelled.getAsDouble()) : "");
            }
            for (Contender contender :
                    List.of(
                            Contender.CAFFEINE,
                            Contender.LRU,
                            Contender.FIFO,
                            Contender.CAFFEINE_PAYLOAD,
                            Contender.LRU_PAYLOAD)) {
                ratios.add(ratio(cell.hitRatio(contender)));
            }
            text.format(
                    "| %s | %.1f | %d x %d of %d | %s |\n",
                    cell.title(),
                    cell.maxBytes() / 1048576.0,
                    cell.shape().stripes(),
                    cell.shape().regions() / cell.shape().stripes(),
                    cell.shape().regionBytes() / 1024,
                    String.join(" | ", ratios));
        }
        text.format("\n");
    }

    private static ToDoubleFunction<Cell> difference(Contender policy, Contender base) {
        return cell -> cell.hitRatio(policy) - cell.hitRatio(base);
    }

    static double mean(List<Cell> of, ToDoubleFunction<Cell> figure) {
        return of.stream().mapToDouble(figure).average().orElse(Double.NaN);
    }

    private static long below(List<Cell> of, ToDoubleFunction<Cell> lead) {
        return of.stream().filter(cell -> lead.applyAsDouble(cell) < -WORTH_COUNTING).count();
    }

    private static String lowest(List<Cell> of, ToDoubleFunction<Cell> lead) {
        Cell lowest = of.stream().min(Comparator.comparingDouble(lead)).orElseThrow();
        return signed(lead.applyAsDouble(lowest)) + " " + lowest.title();
    }

    private static String ratio(double percent) {
        return String.format(Locale.ROOT, "%.1f", percent);
    }

    private static String signed(double points) {
        return String.format(Locale.ROOT, "%+.2f", points);
    }
}
