package dev.cairn.bench.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * A colour for each contender, which is the same in every chart. The colours are those that Okabe
 * and Ito found to be told apart by the colour-blind too. What follows a contender's name, as in
 * "cairn-200ms" or "cairn, put", shows in the line or in the shade of the bar instead.
 */
final class Palette {
    private static final Map<String, Color> KNOWN =
            Map.of(
                    "cairn", new Color(0x0072B2),
                    "chronicle", new Color(0xD55E00),
                    "lmdb", new Color(0x009E73),
                    "rocksdb", new Color(0xE69F00),
                    "mapdb", new Color(0xCC79A7),
                    "concurrenthashmap", new Color(0x707070),
                    "caffeine", new Color(0x707070),
                    "ideal", new Color(0x000000));

    /** The colours of unknown contenders, in the order in which a chart has these. */
    private static final List<Color> OTHERS =
            List.of(
                    new Color(0xD55E00),
                    new Color(0x009E73),
                    new Color(0xE69F00),
                    new Color(0xCC79A7),
                    new Color(0x56B4E9),
                    new Color(0x707070));

    private static final float[][] DASHES = {{1}, {8, 5}, {2, 4}, {12, 4, 2, 4}};
    private static final float WIDTH = 2.4f;

    /** What tells a series from the others. */
    record Look(Color fill, Color colour, BasicStroke line) {}

    private Palette() {}

    static Map<String, Look> of(Set<String> series) {
        Map<String, Color> colours = colours(series);
        Map<String, Integer> variants = new LinkedHashMap<>();
        Map<String, Look> looks = new LinkedHashMap<>();
        for (String name : series) {
            int variant = variants.merge(contender(name), 1, Integer::sum) - 1;
            Color colour = colours.get(contender(name));
            looks.put(name, new Look(shade(colour, variant), colour, line(variant)));
        }
        return looks;
    }

    private static Map<String, Color> colours(Set<String> series) {
        Map<String, Color> colours = new LinkedHashMap<>();
        for (String name : series) {
            if (KNOWN.containsKey(contender(name))) {
                colours.put(contender(name), KNOWN.get(contender(name)));
            }
        }
        List<Color> left = new ArrayList<>(OTHERS);
        left.removeAll(colours.values());
        for (String name : series) {
            colours.computeIfAbsent(
                    contender(name), _ -> left.isEmpty() ? Color.DARK_GRAY : left.removeFirst());
        }
        return colours;
    }

    /** The first word, which names the contender. */
    private static String contender(String series) {
        return series.split("[-, ]", 2)[0].toLowerCase(Locale.ROOT);
    }

    /** The colour nearer to white, the more so the greater the variant. */
    private static Color shade(Color colour, int variant) {
        double kept = Math.pow(0.62, variant);
        return new Color(
                shade(colour.getRed(), kept),
                shade(colour.getGreen(), kept),
                shade(colour.getBlue(), kept));
    }

    private static int shade(int part, double kept) {
        return (int) Math.round(255 - (255 - part) * kept);
    }

    private static BasicStroke line(int variant) {
        int cap = BasicStroke.CAP_BUTT;
        int join = BasicStroke.JOIN_ROUND;
        if (variant == 0) {
            return new BasicStroke(WIDTH, cap, join);
        }
        return new BasicStroke(WIDTH, cap, join, 10, DASHES[variant % DASHES.length], 0);
    }
}
