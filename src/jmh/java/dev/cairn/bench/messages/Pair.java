package dev.cairn.bench.messages;

import dev.cairn.bench.processes.ChildJvm;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Two JVMs that talk to each other, and the places where they meet. */
final class Pair implements AutoCloseable {
    private static final File NOTHING = new File("/dev/null");

    private final Case what;
    private final Setting setting;
    private final boolean counted;
    private final Places places;
    private final List<Process> processes = new ArrayList<>();
    private final List<CompletableFuture<Optional<Report>>> reports = new ArrayList<>();

    /**
     * What both processes saw.
     *
     * @param total how many messages the first sent or received altogether
     * @param rate messages a second that the second received
     * @param p50 half of a round trip in microseconds, 0 if there are none
     * @param voluntary context switches for each message, of both processes together
     * @param others how many processors others used meanwhile
     * @param calls system calls of both, from their start to their end; 0 unless they were counted
     */
    record Outcome(
            long total,
            double rate,
            double p50,
            double p99,
            double voluntary,
            double involuntary,
            double others,
            long calls) {}

    /** @param counted whether strace counts the calls of the processes */
    Pair(Case what, Setting setting, boolean counted) throws IOException {
        this.what = what;
        this.setting = setting;
        this.counted = counted;
        this.places = Places.create(setting.directory());
        try {
            start();
        } catch (IOException | RuntimeException e) {
            try (this) {
                throw e;
            }
        }
    }

    private void start() throws IOException {
        switch (what.way().kind()) {
            case PIPE -> startWithPipes();
            case FIFO -> {
                places.makeFifos();
                startWithout();
            }
            default -> startWithout();
        }
    }

    private void startWithout() throws IOException {
        start(true, Redirect.from(NOTHING), Redirect.INHERIT);
        start(false, Redirect.from(NOTHING), Redirect.INHERIT);
    }

    /** Connects the standard output of each process to the standard input of the other. */
    private void startWithPipes() throws IOException {
        Posix.Pipe there = Posix.pipe();
        Posix.Pipe back = Posix.pipe();
        try {
            start(true, Redirect.from(file(back.readEnd())), Redirect.to(file(there.writeEnd())));
            start(false, Redirect.from(file(there.readEnd())), Redirect.to(file(back.writeEnd())));
        } finally {
            for (Posix.Pipe pipe : List.of(there, back)) {
                Posix.close(pipe.readEnd()); // else they would not see each other's death
                Posix.close(pipe.writeEnd());
            }
        }
    }

    private static File file(int descriptor) {
        return new File("/proc/self/fd/" + descriptor);
    }

    private void start(boolean first, Redirect input, Redirect output) throws IOException {
        List<String> command = new ArrayList<>();
        if (counted) {
            String file = places.calls(first).toString();
            command.addAll(List.of("strace", "-f", "-c", "-U", "calls,name", "-o", file));
        }
        command.addAll(ChildJvm.java());
        command.addAll(
                List.of(
                        "-XX:+AlwaysPreTouch",
                        "-XX:-UsePerfData",
                        "-Xms" + setting.heap(),
                        "-Xmx" + setting.heap(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName()));
        command.addAll(Child.arguments(what, setting, places, first));
        Process process =
                new ProcessBuilder(command).redirectInput(input).redirectOutput(output).start();
        processes.add(process);
        reports.add(
                CompletableFuture.supplyAsync(
                        () -> readReport(process),
                        task -> Thread.ofPlatform().daemon().start(task)));
    }

    /** Reads the report of a process. Other lines are passed on. */
    private static Optional<Report> readReport(Process process) {
        Optional<Report> report = Optional.empty();
        try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (Report.isReport(line)) {
                    report = Optional.of(Report.of(line));
                } else {
                    System.err.println(line);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return report;
    }

    /**
     * Waits until both have ended.
     *
     * @throws IllegalStateException if one failed, or if messages were lost
     */
    Outcome await() throws Exception {
        CompletableFuture<?>[] exits =
                processes.stream()
                        .map(process -> process.onExit().thenAccept(this::endBothUnlessSound))
                        .toArray(CompletableFuture<?>[]::new);
        double limit = setting.warmup() + setting.seconds() + setting.silence();
        try {
            CompletableFuture.allOf(exits).get((long) (limit * 1e3), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new IllegalStateException(
                    what + ": one was silent for " + setting.silence() + " s", e);
        }
        if (processes.stream().anyMatch(process -> process.exitValue() != 0)) {
            throw new IllegalStateException(
                    "%s: the first process ended with %d, the second with %d"
                            .formatted(
                                    what,
                                    processes.getFirst().exitValue(),
                                    processes.getLast().exitValue()));
        }
        return outcome(
                reports.getFirst().get().orElseThrow(), reports.getLast().get().orElseThrow());
    }

    private void endBothUnlessSound(Process ended) {
        if (ended.exitValue() != 0) {
            processes.forEach(Process::destroyForcibly);
        }
    }

    private Outcome outcome(Report first, Report second) throws IOException {
        if (first.total() != second.total() || first.measured() != second.measured()) {
            throw new IllegalStateException(
                    what + ": messages were lost: " + first + ", " + second);
        }
        double messages = (double) first.measured() * what.messagesEach();
        double others = first.machine() - first.ours() - second.ours();
        return new Outcome(
                first.total(),
                second.measured() / second.seconds(),
                first.p50(),
                first.p99(),
                (first.switches().voluntary() + second.switches().voluntary()) / messages,
                (first.switches().involuntary() + second.switches().involuntary()) / messages,
                Math.max(0, others / first.seconds()),
                counted ? calls(places.calls(true)) + calls(places.calls(false)) : 0);
    }

    private static long calls(Path file) throws IOException {
        String total = Files.readAllLines(file).getLast().trim();
        if (!total.endsWith("total")) {
            throw new IllegalStateException("no total of strace: " + total);
        }
        return Long.parseLong(total.split(" +", -1)[0]);
    }

    @Override
    public void close() throws IOException {
        processes.forEach(ChildJvm::kill);
        places.remove();
    }
}
