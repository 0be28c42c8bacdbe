package dev.cairn.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.bench.report.Figure;
import dev.cairn.bench.report.Results;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import picocli.CommandLine;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Attacks the command line of the benchmarks, with sets that say nothing about any store. */
class BenchTest {
    private static final BenchSet TINY =
            new BenchSet("peers", "two stores of a few entries", BenchTest::tiny);
    private static final BenchSet FAILING =
            new BenchSet("points", "measures one thing and fails", BenchTest::failing);
    private static final BenchSet ABSENT =
            new BenchSet(
                    "near",
                    "a program that fails",
                    run -> {
                        new Program("dev.cairn.bench.NoProgram").run(run, List.of());
                    });

    @TempDir private Path directory;
    private final StringWriter out = new StringWriter();
    private final StringWriter errors = new StringWriter();

    @Test
    void unknownSetIsRefusedWithTheNamesOfTheKnown() throws IOException {
        assertThat(run(BenchSet.ALL, "pionts")).isEqualTo(CommandLine.ExitCode.USAGE);

        assertThat(errors.toString())
                .contains("\"pionts\" is no set")
                .contains("points, near, peers, checkpoints");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void helpListsTheSets() {
        assertThat(run(BenchSet.ALL, "--help")).isZero();

        for (BenchSet set : BenchSet.ALL) {
            assertThat(out.toString())
                    .contains("  " + set.name() + " ")
                    .contains(set.description());
        }
    }

    @Test
    void figuresAreKeptAndDrawnAndNothingIsLeft() throws IOException {
        assertThat(run(List.of(TINY, FAILING), "--quick", "peers")).isZero();

        Results results = Results.read(directory.resolve("peers.json"));
        assertThat(results.set()).isEqualTo("peers");
        assertThat(results.setting())
                .containsKeys("processor", "kernel", "file system", "date", "seconds")
                .containsEntry("quick", "true");
        assertThat(results.figures())
                .extracting(Figure::contender)
                .containsExactlyInAnyOrder("cairn", "ideal", "cairn", "ideal");
        assertThat(results.figure("tiny get-1", "cairn").orElseThrow().values()).hasSize(2);
        try (var files = Files.list(directory)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("peers.json", "bench-peers.svg");
        }
    }

    @Test
    void setThatFailsIsNamedAndTheOthersAreRun() throws IOException {
        assertThat(run(List.of(FAILING, ABSENT, TINY))).isEqualTo(CommandLine.ExitCode.SOFTWARE);

        assertThat(errors.toString())
                .contains("failed: points: java.io.IOException: no space")
                .contains("failed: near: NoProgram ended with 1");
        assertThat(Results.read(directory.resolve("points.json")).figures()).hasSize(1);
        assertThat(directory.resolve("near.json")).doesNotExist();
        assertThat(directory.resolve("peers.json")).exists();
    }

    @Test
    void drawingMeasuresNothing() throws IOException {
        assertThat(run(List.of(FAILING))).isEqualTo(CommandLine.ExitCode.SOFTWARE);
        Files.delete(directory.resolve("bench-points.svg"));

        assertThat(run(List.of(FAILING), "--draw")).isZero();

        assertThat(directory.resolve("bench-points.svg")).exists();
    }

    private int run(List<BenchSet> sets, String... arguments) {
        String[] all = new String[arguments.length + 3];
        all[0] = "--directory=" + directory;
        all[1] = "--results=" + directory;
        all[2] = "--images=" + directory;
        System.arraycopy(arguments, 0, all, 3, arguments.length);
        return Bench.line(sets)
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(errors, true))
                .execute(all);
    }

    private static void tiny(Run run) throws Exception {
        new Program("dev.cairn.bench.peers.PeerBenchmark")
                .run(
                        run,
                        List.of(
                                "peers=cairn,ideal",
                                "operations=load,get-1",
                                "rounds=2",
                                "windows=1",
                                "seconds=0.01",
                                "warmup=0",
                                "entries=100",
                                "heap=32m"),
                        what -> "tiny " + what);
    }

    private static void failing(Run run) throws IOException {
        run.add(new Figure("get", "cairn", "ns", List.of(1.0), 0));
        throw new IOException("no space");
    }
}
