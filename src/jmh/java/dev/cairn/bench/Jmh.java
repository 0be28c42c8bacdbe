package dev.cairn.bench;

import dev.cairn.bench.processes.Scratch;
import dev.cairn.bench.report.Figure;

import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * JMH benchmarks as part of a set. The value of a figure is that of a fork, which is the mean of
 * its iterations.
 *
 * @param millis the length of an iteration
 */
record Jmh(int forks, int warmups, int iterations, int millis) {
    /** Names a case or a contender. */
    interface Naming extends Function<BenchmarkParams, String> {}

    /**
     * Runs all benchmarks of a class.
     *
     * @param parameters those that get other values than the class says, as {@code name=value}
     */
    void run(Run run, Class<?> benchmarks, Naming what, Naming contender, String... parameters)
            throws RunnerException {
        TimeValue length = TimeValue.milliseconds(millis);
        ChainedOptionsBuilder options =
                new OptionsBuilder()
                        .include("^" + benchmarks.getName().replace(".", "\\.") + "\\.")
                        .forks(forks)
                        .warmupIterations(warmups)
                        .warmupTime(length)
                        .measurementIterations(iterations)
                        .measurementTime(length)
                        .shouldFailOnError(true)
                        .jvmArgsPrepend("-D" + Scratch.PROPERTY + "=" + run.directory());
        for (String parameter : parameters) {
            String[] parts = parameter.split("=", 2);
            options = options.param(parts[0], parts[1]);
        }
        run.note(benchmarks.getSimpleName(), toString());
        for (RunResult result : new Runner(options.build()).run()) {
            List<Double> values = new ArrayList<>();
            for (BenchmarkResult fork : result.getBenchmarkResults()) {
                values.add(fork.getPrimaryResult().getScore());
            }
            BenchmarkParams params = result.getParams();
            String unit = result.getPrimaryResult().getScoreUnit().replace("/op", "");
            run.add(new Figure(what.apply(params), contender.apply(params), unit, values, 0));
        }
    }

    /** The name of the method. */
    static String method(BenchmarkParams params) {
        String name = params.getBenchmark();
        return name.substring(name.lastIndexOf('.') + 1);
    }
}
