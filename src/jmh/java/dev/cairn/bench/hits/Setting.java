package dev.cairn.bench.hits;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How a run is made, from arguments of the form {@code name=value}; each has a default.
 *
 * @param traces where the recorded loads are
 * @param loads names, with commas between
 * @param sizes of the entries
 * @param budgets bounds in per cent of the bytes of all keys and values
 * @param first of a recording so many requests are replayed, and so many are drawn
 * @param requests of a load at most, if it is of several copies
 * @param threads that replay, each a load of its own; a load is replayed by one thread
 * @param directory in which the stores are made
 * @param output directory for the results
 * @param from a file of results to report on, rather than to replay anything; empty for none
 * @param model a file of hit ratios of a model of Cairn's policy, to be reported beside: a line for each
 *     of them, {@code load,sizes,percent,hit ratio}; empty for none
 */
record Setting(
        Path traces,
        List<String> loads,
        List<Sizes> sizes,
        List<Double> budgets,
        int first,
        int requests,
        int threads,
        Path directory,
        Path output,
        String from,
        String model) {

    static final List<String> SYNTHETIC =
            List.of(
                    "zipf-0.7",
                    "zipf-0.9",
                    "zipf-1.1",
                    "zipf-0.9-scan20",
                    "zipf-0.9-shift200000",
                    "zipf-0.9-w30",
                    "zipf-0.9-shift100000-w30");

    Setting {
        if (first < 1 || requests < 1 || threads < 1) {
            throw new IllegalArgumentException("first, requests or threads are too few");
        }
        for (double budget : budgets) {
            if (!(budget > 0 && budget <= 100)) {
                throw new IllegalArgumentException("a budget is no percentage: " + budget);
            }
        }
    }

    static Setting of(String... arguments) {
        Map<String, String> given = new HashMap<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (equals < 1) {
                throw new IllegalArgumentException(
                        "no argument of the form name=value: " + argument);
            }
            given.put(argument.substring(0, equals), argument.substring(equals + 1));
        }
        List<String> all = new ArrayList<>(Traces.KINDS.keySet());
        all.addAll(SYNTHETIC);
        Setting setting =
                new Setting(
                        Path.of(take(given, "traces", Traces.DIRECTORY.toString())),
                        list(take(given, "loads", String.join(",", all))),
                        list(take(given, "sizes", "fixed,mixed")).stream()
                                .map(name -> Sizes.valueOf(name.toUpperCase(Locale.ROOT)))
                                .toList(),
                        list(take(given, "budgets", "1,5,10,25")).stream()
                                .map(Double::valueOf)
                                .toList(),
                        Integer.parseInt(take(given, "first", "600000")),
                        Integer.parseInt(take(given, "requests", "6000000")),
                        Integer.parseInt(take(given, "threads", "2")),
                        Path.of(take(given, "directory", "target")),
                        Path.of(take(given, "output", "target/hit-ratios")),
                        take(given, "from", ""),
                        take(given, "model", ""));
        if (!given.isEmpty()) {
            throw new IllegalArgumentException("unknown arguments: " + given.keySet());
        }
        return setting;
    }

    private static String take(Map<String, String> given, String name, String otherwise) {
        String value = given.remove(name);
        return value == null ? otherwise : value;
    }

    private static List<String> list(String text) {
        return Arrays.asList(text.split(",", -1));
    }
}
