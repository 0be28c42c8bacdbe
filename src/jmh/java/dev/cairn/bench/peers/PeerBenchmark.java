package dev.cairn.bench.peers;

import dev.cairn.bench.processes.ChildJvm;
import dev.cairn.bench.processes.Scratch;
import dev.cairn.bench.report.Results;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Measures stores beside each other. In each round each entrant gets a fresh JVM with a fresh
 * store. The entrants of a round are run one after the other, and in another order in the next
 * round. See docs/benchmarks.md for how to run it, and {@link Setting} for its arguments.
 */
final class PeerBenchmark {
    private final Setting setting;
    private final Path scratch;
    private final PrintStream out;
    private final Table table;
    private boolean stopped;
    private Process child;

    private PeerBenchmark(Setting setting, PrintStream out) throws IOException {
        this.setting = setting;
        this.out = out;
        this.table = new Table(setting.peers());
        Files.createDirectories(setting.directory());
        this.scratch = Files.createTempDirectory(setting.directory(), "benchmark");
    }

    public static void main(String[] arguments) throws Exception {
        Setting setting = Setting.of(arguments);
        for (String peer : setting.peers()) {
            Entrant.of(peer).adapter(); // else a missing one would show hours later
        }
        PeerBenchmark benchmark = new PeerBenchmark(setting, System.out);
        Thread cleaning = new Thread(benchmark::stop);
        Runtime.getRuntime().addShutdownHook(cleaning);
        System.exit(benchmark.run() ? 0 : 1);
    }

    private boolean run() throws Exception {
        List<String> order = new ArrayList<>(setting.peers());
        boolean sound = true;
        for (int round = 0; round < setting.rounds(); round++) {
            for (String peer : order) {
                sound &= measure(peer, round);
            }
            Collections.rotate(order, 1);
        }
        for (String base : setting.bases()) {
            out.printf("%nIn brackets: divided by %s in the same round%n%n", base);
            out.print(table.print(base));
        }
        if (!setting.json().isEmpty()) {
            Map<String, String> how = Map.of("arguments", String.join(" ", setting.arguments()));
            new Results("peers", how, table.figures()).write(Path.of(setting.json()));
        }
        return sound;
    }

    private boolean measure(String peer, int round) throws Exception {
        Path directory = Files.createDirectory(scratch.resolve(peer));
        Path temporary = Files.createDirectory(scratch.resolve(Jvm.TEMPORARY));
        Process process = start(peer, round, directory);
        try (BufferedReader rows = process.inputReader(Jvm.CHARSET)) {
            for (String line = rows.readLine(); line != null; line = rows.readLine()) {
                out.printf("%d\t%s\t%s%n", round + 1, peer, line);
                table.add(peer, round, Row.of(line));
            }
        }
        boolean sound = process.waitFor() == 0;
        if (!sound) {
            out.printf("%d\t%s\tFAILED%n", round + 1, peer);
        }
        delete(directory);
        delete(temporary);
        return sound;
    }

    private synchronized Process start(String peer, int round, Path directory) throws Exception {
        if (stopped) {
            throw new InterruptedException("the run was stopped");
        }
        String classPath =
                Entrant.of(peer).before()
                        ? Jvm.classPathWith(setting.before())
                        : System.getProperty("java.class.path");
        Process process = Jvm.start(Worker.class, classPath, setting, peer, round, 0, directory);
        child = process;
        var _ =
                process.onExit()
                        .orTimeout(setting.minutes(), TimeUnit.MINUTES)
                        .whenComplete((_, late) -> {
                            if (late != null) {
                                ChildJvm.kill(process);
                            }
                        });
        return process;
    }

    /** Ends what still runs after an interrupt, and removes everything. */
    private synchronized void stop() {
        stopped = true;
        if (child != null) {
            ChildJvm.kill(child);
        }
        delete(scratch);
    }

    private synchronized void delete(Path directory) {
        try {
            Scratch.delete(directory);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
