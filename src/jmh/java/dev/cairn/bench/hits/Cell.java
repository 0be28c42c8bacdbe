package dev.cairn.bench.hits;

import dev.cairn.Stats;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One load, replayed within one bound.
 *
 * @param shape the shape of the store that Cairn made
 * @param hitRatios in per cent
 */
record Cell(
        String load,
        Load.Kind kind,
        int requests,
        int keys,
        int copies,
        Sizes sizes,
        double percent,
        long maxBytes,
        Shape shape,
        Map<Contender, Double> hitRatios) {

    private static final List<String> FIGURES =
            List.of(
                    "load",
                    "kind",
                    "requests",
                    "keys",
                    "copies",
                    "sizes",
                    "percent",
                    "max_bytes",
                    "stripes",
                    "regions",
                    "region_bytes",
                    "live_bytes");

    /**
     * The shape of a store at the end of a replay.
     *
     * @param regions the regions that the data file has
     * @param liveBytes the bytes of the records of entries
     */
    record Shape(int stripes, long regions, long regionBytes, long liveBytes) {
        static Shape of(Stats stats) {
            return new Shape(
                    stats.stripes(), stats.regions(), stats.regionBytes(), stats.liveBytes());
        }
    }

    double hitRatio(Contender contender) {
        return hitRatios.get(contender);
    }

    /** By how many points Cairn is better than another contender. */
    double lead(Contender other) {
        return hitRatio(Contender.CAIRN) - hitRatio(other);
    }

    /** The title in a table: the load and the budget. */
    String title() {
        return "%s, %s %%".formatted(load, percentText());
    }

    String percentText() {
        return percent == Math.rint(percent)
                ? Long.toString(Math.round(percent))
                : Double.toString(percent);
    }

    /** The first line of a file of results. */
    static String header() {
        return Stream.concat(
                        FIGURES.stream(), Arrays.stream(Contender.values()).map(Contender::column))
                .collect(Collectors.joining(","));
    }

    String line() {
        Stream<Object> figures =
                Stream.of(
                        load,
                        kind,
                        requests,
                        keys,
                        copies,
                        sizes,
                        percentText(),
                        maxBytes,
                        shape.stripes,
                        shape.regions,
                        shape.regionBytes,
                        shape.liveBytes);
        Stream<String> ratios =
                Arrays.stream(Contender.values())
                        .map(contender -> String.format(Locale.ROOT, "%.3f", hitRatio(contender)));
        return Stream.concat(figures, ratios)
                .map(Object::toString)
                .collect(Collectors.joining(","));
    }

    /** Reads what {@link #line} wrote. */
    static Cell parse(String line) {
        String[] parts = line.split(",", -1);
        int expected = FIGURES.size() + Contender.values().length;
        if (parts.length != expected) {
            throw new IllegalArgumentException(
                    "a line of results has %d figures, not %d: %s"
                            .formatted(expected, parts.length, line));
        }
        Map<Contender, Double> ratios = new EnumMap<>(Contender.class);
        int at = FIGURES.size();
        for (Contender contender : Contender.values()) {
            ratios.put(contender, Double.parseDouble(parts[at++]));
        }
        return new Cell(
                parts[0],
                Load.Kind.valueOf(parts[1]),
                Integer.parseInt(parts[2]),
                Integer.parseInt(parts[3]),
                Integer.parseInt(parts[4]),
                Sizes.valueOf(parts[5]),
                Double.parseDouble(parts[6]),
                Long.parseLong(parts[7]),
                new Shape(
                        Integer.parseInt(parts[8]),
                        Long.parseLong(parts[9]),
                        Long.parseLong(parts[10]),
                        Long.parseLong(parts[11])),
                ratios);
    }
}
