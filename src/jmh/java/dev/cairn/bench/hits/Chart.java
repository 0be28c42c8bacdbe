package dev.cairn.bench.hits;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;

/**
 * A drawing of hit ratios against budgets, as SVG. It shows the mean over the recorded loads, and
 * below that small graphs of some loads.
 */
final class Chart {
    private static final List<Contender> LINES =
            List.of(Contender.CAIRN, Contender.CAFFEINE, Contender.LRU, Contender.FIFO);

    /** The loads that are drawn by themselves, as far as they were replayed. */
    private static final List<String> SINGLE =
            List.of(
                    "orm-night",
                    "web12",
                    "scarab-recs",
                    "corda",
                    "arc-OLTP",
                    "w106",
                    "lirs-multi1",
                    "zipf-0.9",
                    "zipf-0.9-scan20");

    private static final int COLUMNS = 3;
    private static final int SMALL_WIDTH = 280;
    private static final int WIDTH = COLUMNS * SMALL_WIDTH;
    private static final int LARGE_HEIGHT = 380;
    private static final int SMALL_HEIGHT = 210;

    private static final String STYLE =
            """
            <style>
              text { font: 13px system-ui, sans-serif; fill: #24292f; }
              .small { font-size: 11px; }
              .title { font-weight: 600; }
              .ground { fill: #ffffff; }
              .axis { stroke: #8c959f; fill: none; }
              .grid { stroke: #d8dee4; fill: none; }
              .line { fill: none; stroke-width: 2; }
              .cairn { stroke: #cf222e; } .caffeine { stroke: #0969da; }
              .lru { stroke: #57606a; } .fifo { stroke: #9a6700; }
              text.cairn { fill: #cf222e; stroke: none; } text.caffeine { fill: #0969da; stroke: none; }
              text.lru { fill: #57606a; stroke: none; } text.fifo { fill: #9a6700; stroke: none; }
              .line.lru { stroke-dasharray: 7 3; } .line.fifo { stroke-dasharray: 2 3; }
              @media (prefers-color-scheme: dark) {
                text { fill: #e6edf3; }
                .ground { fill: #0d1117; }
                .axis { stroke: #6e7681; } .grid { stroke: #30363d; }
                .cairn { stroke: #ff7b72; } .caffeine { stroke: #58a6ff; }
                .lru { stroke: #9da7b3; } .fifo { stroke: #d29922; }
                text.cairn { fill: #ff7b72; } text.caffeine { fill: #58a6ff; }
                text.lru { fill: #9da7b3; } text.fifo { fill: #d29922; }
              }
            </style>
            """;

    private final Formatter svg = new Formatter(Locale.ROOT);

    private Chart() {}

    /** A point of a line: a budget and a hit ratio, both in per cent. */
    private record Point(double budget, double hitRatio) {}

    /** Where a graph is drawn, in pixels. Values from 0 to {@code top} fit its height. */
    private record Frame(
            double left, double above, double width, double height, Range budgets, double top) {
        /**
         * The horizontal place of a budget. The scale is logarithmic, since each budget is a
         * multiple of the one before.
         */
        double x(double budget) {
            double span = Math.log(budgets.most / budgets.least);
            return left + (span == 0 ? 0.5 : Math.log(budget / budgets.least) / span) * width;
        }

        double y(double hitRatio) {
            return above + height * (1 - hitRatio / top);
        }
    }

    private record Range(double least, double most) {}

    /** The chart of entries of one length if there are any, and otherwise of the others. */
    static String of(List<Cell> cells) {
        Sizes sizes =
                cells.stream().anyMatch(cell -> cell.sizes() == Sizes.FIXED)
                        ? Sizes.FIXED
                        : Sizes.MIXED;
        return new Chart().draw(cells.stream().filter(cell -> cell.sizes() == sizes).toList());
    }

    private String draw(List<Cell> cells) {
        List<String> single =
                SINGLE.stream()
                        .filter(name -> cells.stream().anyMatch(cell -> cell.load().equals(name)))
                        .toList();
        int rows = (single.size() + COLUMNS - 1) / COLUMNS;
        int height = LARGE_HEIGHT + rows * SMALL_HEIGHT;
        svg.format(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\""
                        + " aria-label=\"Hit ratio against the size of the cache\">\n",
                WIDTH, height);
        svg.format("%s", STYLE);
        svg.format("<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n", WIDTH, height);
        mean(cells);
        for (int i = 0; i < single.size(); i++) {
            String name = single.get(i);
            int row = i / COLUMNS;
            int column = i % COLUMNS;
            List<Cell> ofLoad = cells.stream().filter(cell -> cell.load().equals(name)).toList();
            Frame frame =
                    new Frame(
                            column * SMALL_WIDTH + 36,
                            LARGE_HEIGHT + row * SMALL_HEIGHT + 26,
                            160,
                            140,
                            range(ofLoad),
                            top(ofLoad));
            graph(name, ofLoad, frame, "small");
        }
        svg.format("</svg>\n");
        return svg.toString();
    }

    private void mean(List<Cell> cells) {
        List<Cell> recorded =
                cells.stream().filter(cell -> cell.kind() != Load.Kind.SYNTHETIC).toList();
        List<Cell> shown = recorded.isEmpty() ? cells : recorded;
        long loads = shown.stream().map(Cell::load).distinct().count();
        Frame frame = new Frame(64, 44, 660, 270, range(shown), top(shown));
        String what = recorded.isEmpty() ? "drawn" : "recorded";
        String entries = cells.getFirst().sizes().title;
        String title =
                "Mean of %d %s loads, %s; all pay for an entry what Cairn pays"
                        .formatted(loads, what, entries);
        graph(title, shown, frame, "");
        text(
                frame.left + frame.width / 2,
                frame.above + frame.height + 42,
                "",
                "middle",
                "size of the cache, in per cent of all keys and values (logarithmic)");
        svg.format(
                "<text transform=\"translate(18 %.1f) rotate(-90)\" text-anchor=\"middle\">hit ratio"
                        + " in per cent</text>\n",
                frame.above + frame.height / 2);
    }

    /** Draws axes and lines, and at the right end of each line its name. */
    private void graph(String title, List<Cell> cells, Frame frame, String size) {
        text(frame.left, frame.above - 10, size + " title", "start", title);
        double step = frame.top > 50 ? 20 : frame.top > 20 ? 10 : 5;
        for (double tick = 0; tick <= frame.top + 0.01; tick += step) {
            svg.format(
                    "<path class=\"%s\" d=\"M%.1f %.1fh%.1f\"/>\n",
                    tick == 0 ? "axis" : "grid", frame.left, frame.y(tick), frame.width);
            text(frame.left - 6, frame.y(tick) + 4, size, "end", "%.0f".formatted(tick));
        }
        for (double budget : budgets(cells)) {
            svg.format(
                    "<path class=\"axis\" d=\"M%.1f %.1fv4\"/>\n",
                    frame.x(budget), frame.above + frame.height);
            text(
                    frame.x(budget),
                    frame.above + frame.height + 18,
                    size,
                    "middle",
                    String.format(Locale.ROOT, "%.0f %%", budget));
        }
        List<Contender> fromTop =
                LINES.stream()
                        .sorted(
                                Comparator.comparingDouble(
                                        line -> -points(cells, line).getLast().hitRatio))
                        .toList();
        double gap = size.isEmpty() ? 16 : 12;
        double last = frame.above - gap;
        double lowest = frame.above + frame.height + 4 - gap * fromTop.size();
        for (Contender line : fromTop) {
            List<Point> points = points(cells, line);
            polyline(points, line, frame);
            lowest += gap;
            double wanted = frame.y(points.getLast().hitRatio) + 4;
            last = Math.max(last + gap, Math.min(wanted, lowest));
            text(
                    frame.left + frame.width + 7,
                    last,
                    size + " " + line.column(),
                    "start",
                    line.title);
        }
    }

    private void polyline(List<Point> points, Contender line, Frame frame) {
        StringBuilder path = new StringBuilder();
        for (Point point : points) {
            path.append(
                    String.format(
                            Locale.ROOT,
                            "%s%.1f %.1f",
                            path.isEmpty() ? "M" : "L",
                            frame.x(point.budget),
                            frame.y(point.hitRatio)));
        }
        svg.format("<path class=\"line %s\" d=\"%s\"/>\n", line.column(), path);
    }

    private static List<Point> points(List<Cell> cells, Contender line) {
        List<Point> points = new ArrayList<>();
        for (double budget : budgets(cells)) {
            List<Cell> within = cells.stream().filter(cell -> cell.percent() == budget).toList();
            points.add(new Point(budget, Summary.mean(within, cell -> cell.hitRatio(line))));
        }
        return points;
    }

    private static List<Double> budgets(List<Cell> cells) {
        return cells.stream().map(Cell::percent).distinct().sorted().toList();
    }

    private static Range range(List<Cell> cells) {
        List<Double> budgets = budgets(cells);
        return new Range(budgets.getFirst(), budgets.getLast());
    }

    /** The top of the scale, a multiple of 10 above the highest line. */
    private static double top(List<Cell> cells) {
        double highest = 0;
        for (Contender line : LINES) {
            for (Point point : points(cells, line)) {
                highest = Math.max(highest, point.hitRatio);
            }
        }
        return Math.max(10, 10 * Math.ceil(highest / 10));
    }

    private void text(double x, double y, String style, String anchor, String content) {
        svg.format(
                "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">%s</text>\n",
                x, y, style.strip(), anchor, content);
    }
}
