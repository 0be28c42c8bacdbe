package dev.cairn.bench.messages;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.bench.report.Results;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Attacks the program and the JVMs that it starts: all messages must arrive, and nothing may be
 * left behind.
 */
class MessagesIT {
    @TempDir private Path directory;

    @Test
    void eachWayHandsOverAllMessagesAndNothingIsLeftBehind() throws Exception {
        Path json = directory.resolve("figures.json");
        Process program = start("json=" + json, "directions=one-way", "sizes=100", "seconds=0.02");

        List<String> lines = linesOf(program);

        assertThat(program.exitValue()).as("%s", lines).isZero();
        Results results = Results.read(json);
        for (String way : Way.ALL.split(",", -1)) {
            assertThat(lines).anyMatch(line -> line.startsWith("1\t" + way + ", 100 B, one-way\t"));
            assertThat(results.figure("100 B, one-way, messages", way).orElseThrow().median())
                    .isPositive();
        }
        Files.delete(json);
        assertNothingIsLeft(program);
    }

    @Test
    void deathOfAProcessEndsTheRun() throws Exception {
        Process program = start("ways=ring", "sizes=100", "seconds=100");

        children(program).getLast().destroyForcibly();

        assertThat(linesOf(program)).isEmpty();
        assertThat(program.exitValue()).isOne();
        assertNothingIsLeft(program);
    }

    @Test
    void silenceOfAProcessEndsTheRun() throws Exception {
        Process program = start("ways=fifo", "sizes=100", "seconds=1.5", "silence=1");

        ProcessHandle child = children(program).getLast();
        new ProcessBuilder("kill", "-STOP", Long.toString(child.pid())).start().waitFor();

        assertThat(linesOf(program)).isEmpty();
        assertThat(program.exitValue()).isOne();
        assertThat(child.isAlive()).isFalse();
        assertNothingIsLeft(program);
    }

    @Test
    void interruptEndsBothProcessesAndLeavesNothingBehind() throws Exception {
        Process program = start("ways=queue", "sizes=100", "seconds=100");
        List<ProcessHandle> children = children(program);

        program.destroy();
        program.waitFor();

        assertThat(children).noneMatch(ProcessHandle::isAlive);
        assertNothingIsLeft(program);
    }

    private void assertNothingIsLeft(Process program) throws IOException {
        assertThat(directory).isEmptyDirectory();
        String prefix = Places.MEMORY_PREFIX + program.pid() + "-";
        try (Stream<Path> files = Files.list(Places.SHARED_MEMORY)) {
            assertThat(files).noneMatch(file -> file.getFileName().toString().startsWith(prefix));
        }
    }

    private static List<String> linesOf(Process program) throws Exception {
        try (BufferedReader output = program.inputReader()) {
            List<String> lines = output.readAllLines();
            program.waitFor();
            return lines;
        }
    }

    /** Waits until the program has started both JVMs. The first of the list was started first. */
    private static List<ProcessHandle> children(Process program) throws Exception {
        while (true) {
            List<ProcessHandle> found =
                    program.children()
                            .sorted(Comparator.comparingLong(ProcessHandle::pid))
                            .toList();
            if (found.size() == 2) {
                return found;
            }
            assertThat(program.isAlive()).isTrue();
            Thread.sleep(10);
        }
    }

    private Process start(String... more) throws IOException {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "-XX:-UsePerfData",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Messages.class.getName(),
                                "directory=" + Files.createDirectories(directory),
                                "rounds=1",
                                "warmup=0",
                                "heap=32m"));
        command.addAll(List.of(more));
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }
}
