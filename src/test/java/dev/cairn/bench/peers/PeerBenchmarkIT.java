package dev.cairn.bench.peers;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Attacks the benchmark and the JVMs that it starts: each entrant must get its JVMs, and nothing
 * may be left behind.
 */
class PeerBenchmarkIT {
    @TempDir private Path directory;

    @Test
    void eachEntrantHasItsJvmsAndNothingIsLeftBehind() throws Exception {
        String build = Path.of("target/classes").toAbsolutePath().toString();
        Process benchmark =
                start(
                        "peers=cairn,cairn-before,chm",
                        "before=" + build,
                        "rounds=2",
                        "operations=load,put-1,mix50-zipf-1+1",
                        "warmup=0.1");

        List<String> lines;
        try (BufferedReader output = benchmark.inputReader()) {
            lines = output.readAllLines();
        }
        assertThat(benchmark.waitFor()).as("%s", lines).isZero();
        assertThat(lines).filteredOn(line -> line.contains("\tload\t")).hasSize(6);
        assertThat(lines).filteredOn(line -> line.contains("\tmix50-zipf-1+1\t")).hasSize(4);
        assertThat(lines.getLast()).startsWith("| mix50-zipf-1+1 | 1/s | ").endsWith(" - |");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void interruptEndsItsJvmsAndLeavesNothingBehind() throws Exception {
        Process benchmark = start("peers=cairn", "operations=put-1+1", "seconds=100");
        List<ProcessHandle> started = List.of();
        try (BufferedReader output = benchmark.inputReader()) {
            assertThat(output.readLine()).contains("\tload\t");
            while (started.size() < 2) {
                Thread.sleep(10);
                started = benchmark.descendants().toList();
                assertThat(benchmark.isAlive()).isTrue();
            }
            benchmark.destroy();
            benchmark.waitFor();
        }
        assertThat(started).noneMatch(ProcessHandle::isAlive);
        assertThat(directory).isEmptyDirectory();
    }

    private Process start(String... more) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "-XX:-UsePerfData",
                                "-cp",
                                System.getProperty("java.class.path"),
                                PeerBenchmark.class.getName(),
                                "directory=" + Files.createDirectories(directory),
                                "heap=64m",
                                "entries=300",
                                "turnovers=1",
                                "windows=1"));
        command.addAll(List.of(more));
        if (List.of(more).stream().noneMatch(argument -> argument.startsWith("seconds="))) {
            command.add("seconds=0.01");
        }
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }
}
