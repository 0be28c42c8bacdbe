package dev.cairn.bench;

import dev.cairn.bench.report.Charts;
import dev.cairn.bench.report.Machine;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/**
 * {@code tools/bench}: runs sets of benchmarks, keeps their figures as JSON, and draws charts of
 * them.
 */
@Command(
        name = "bench",
        description =
                "Runs sets of benchmarks, keeps the figures as JSON, and draws charts of them.",
        sortOptions = false,
        usageHelpAutoWidth = true,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:done",
            "1:something failed; what was measured is kept",
            "2:the command line is wrong"
        })
public final class Bench implements Callable<Integer> {
    /** Names the checkout in which the benchmarks were built. */
    static final String CHECKOUT = "cairn.bench.checkout";

    private final List<BenchSet> sets;

    @Spec private CommandSpec spec;

    @Parameters(
            paramLabel = "SET",
            description = "Of the sets below; all of them unless any is named.")
    private List<String> names = new ArrayList<>();

    @Option(
            names = "--quick",
            description =
                    "Minutes rather than an hour; the figures say only that everything works.")
    private boolean quick;

    @Option(
            names = "--directory",
            paramLabel = "DIR",
            defaultValue = "${cairn.bench.checkout:-.}/target/bench",
            description =
                    "Where stores are made, on the file system that is to be measured. Default: target/bench.")
    private Path directory;

    @Option(
            names = "--results",
            paramLabel = "DIR",
            defaultValue = "${cairn.bench.checkout:-.}/target/bench",
            description = "Where figures are kept as SET.json. Default: target/bench.")
    private Path results;

    @Option(
            names = "--images",
            paramLabel = "DIR",
            defaultValue = "${cairn.bench.checkout:-.}/target/bench",
            description = "Where charts are drawn. Default: target/bench.")
    private Path images;

    @Option(
            names = "--draw",
            description = "Measures nothing; draws the charts of the figures that are there.")
    private boolean drawOnly;

    private Bench(List<BenchSet> sets) {
        this.sets = sets;
    }

    public static void main(String[] arguments) {
        System.exit(line(BenchSet.ALL).execute(arguments));
    }

    static CommandLine line(List<BenchSet> sets) {
        CommandLine line = new CommandLine(new Bench(sets));
        String list =
                sets.stream()
                        .map(set -> "  %-12s %s%n".formatted(set.name(), set.description()))
                        .collect(Collectors.joining());
        line.getCommandSpec()
                .addOption(
                        OptionSpec.builder("--help")
                                .type(boolean.class)
                                .usageHelp(true)
                                .description("Shows this.")
                                .build())
                .usageMessage()
                .footer("%nSets, in the order in which they are run:%n" + list);
        return line.setParameterExceptionHandler(Bench::refused);
    }

    private static int refused(ParameterException e, String[] arguments) {
        e.getCommandLine().getErr().println("bench: " + e.getMessage() + "; see --help");
        return ExitCode.USAGE;
    }

    @Override
    public Integer call() throws Exception {
        List<BenchSet> chosen = chosen();
        List<String> failures = new ArrayList<>();
        if (!drawOnly) {
            Files.createDirectories(directory);
            Map<String, String> machine =
                    Machine.setting(directory, Path.of(System.getProperty(CHECKOUT, ".")));
            for (BenchSet set : chosen) {
                failures.addAll(measure(set, machine));
            }
        }
        Charts.draw(results, images, System.out);
        failures.forEach(
                failure -> spec.commandLine().getErr().println("bench: failed: " + failure));
        return failures.isEmpty() ? ExitCode.OK : ExitCode.SOFTWARE;
    }

    private List<BenchSet> chosen() {
        Map<String, BenchSet> known = new LinkedHashMap<>();
        sets.forEach(set -> known.put(set.name(), set));
        for (String name : names) {
            if (!known.containsKey(name)) {
                throw new ParameterException(
                        spec.commandLine(),
                        "\""
                                + name
                                + "\" is no set; the sets are "
                                + String.join(", ", known.keySet()));
            }
        }
        return names.isEmpty() ? sets : names.stream().distinct().map(known::get).toList();
    }

    /** Measures a set, and returns what failed. The sets after it are run all the same. */
    private List<String> measure(BenchSet set, Map<String, String> machine) throws Exception {
        System.out.printf("%n== %s: %s%n", set.name(), set.description());
        Run run = new Run(set.name(), directory, quick, machine);
        long start = System.nanoTime();
        try {
            set.work().run(run);
        } catch (Exception e) {
            e.printStackTrace();
            run.fail(e.toString());
        }
        long seconds = (System.nanoTime() - start) / 1_000_000_000;
        run.note("seconds", Long.toString(seconds));
        if (run.results().figures().isEmpty()) {
            System.out.printf("== %s: no figures, %d s%n", set.name(), seconds);
        } else {
            Path json = results.resolve(set.name() + ".json");
            run.results().write(json);
            System.out.printf("== %s: %s, %d s%n", set.name(), json, seconds);
        }
        return run.failures();
    }
}
