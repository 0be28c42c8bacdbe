package dev.cairn.bench.hits;

import dev.cairn.bench.processes.Arguments;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How a run is made. The arguments have the form {@code name=value}, and each has a default.
 *
 * @param traces where the recorded loads are
 * @param loads names of loads, with commas between
 * @param sizes the sizes of the entries
 * @param budgets bounds, in per cent of the bytes of all keys and values
 * @param first how many requests of a recording are replayed from its beginning, and how many are
 *     drawn
 * @param requests the most requests of a load that consists of several copies
 * @param threads how many threads replay. Each replays a load of its own, and one thread replays a
 *     load
 * @param directory in which the stores are made
 * @param output the directory for the results
 * @param from a file of results to report on, instead of replaying anything; empty for none
 * @param model a file of hit ratios of a model of Cairn's policy, which are reported beside the
 *     others. It has a line {@code load,sizes,percent,hit ratio} for each of them; empty for none
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
        Arguments given = new Arguments(arguments);
        List<String> all = new ArrayList<>(Traces.KINDS.keySet());
        all.addAll(SYNTHETIC);
        Setting setting =
                new Setting(
                        Path.of(given.take("traces", Traces.DIRECTORY.toString())),
                        given.takeAll("loads", String.join(",", all)),
                        given.takeAll("sizes", "fixed,mixed").stream()
                                .map(name -> Sizes.valueOf(name.toUpperCase(Locale.ROOT)))
                                .toList(),
                        given.takeAll("budgets", "1,5,10,25").stream()
                                .map(Double::valueOf)
                                .toList(),
                        given.takeInt("first", 600000),
                        given.takeInt("requests", 6000000),
                        given.takeInt("threads", 2),
                        Path.of(given.take("directory", "target")),
                        Path.of(given.take("output", "target/hit-ratios")),
                        given.take("from", ""),
                        given.take("model", ""));
        given.requireNoMore();
        return setting;
    }
}
