package dev.cairn.bench;

import dev.cairn.bench.processes.Scratch;
import dev.cairn.bench.report.Figure;
import dev.cairn.bench.report.Results;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;

/**
 * A separate program that measures. It is run in a child JVM, takes arguments of the form {@code
 * name=value}, makes its stores under {@code directory}, and writes its figures to the file {@code
 * json}.
 *
 * @param main the name of its class
 */
record Program(String main) {
    void run(Run run, List<String> arguments) throws IOException, InterruptedException {
        run(run, arguments, UnaryOperator.identity());
    }

    /**
     * Runs the program and adds its figures.
     *
     * @param what turns the program's name of a case into the set's name of that case
     */
    void run(Run run, List<String> arguments, UnaryOperator<String> what)
            throws IOException, InterruptedException {
        String name = main.substring(main.lastIndexOf('.') + 1);
        try (Scratch scratch = Scratch.create(run.directory(), name.toLowerCase(Locale.ROOT))) {
            Path json = scratch.path().resolve("figures.json");
            List<String> all = new ArrayList<>(arguments);
            all.add("directory=" + scratch.path());
            all.add("json=" + json);
            System.out.println(name + " " + String.join(" ", arguments));
            int exitCode = run(all, scratch);
            if (exitCode != 0) {
                run.fail(name + " ended with " + exitCode + ": " + String.join(" ", arguments));
            }
            if (Files.exists(json)) {
                Results results = Results.read(json);
                results.setting().forEach((key, value) -> run.note(name + " " + key, value));
                for (Figure figure : results.figures()) {
                    run.add(figure.withWhat(what.apply(figure.what())));
                }
            } else if (exitCode == 0) {
                run.fail(name + " wrote no figures: " + String.join(" ", arguments));
            }
        }
    }

    private int run(List<String> arguments, Scratch scratch)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"));
        command.add("-Xmx3g");
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
        command.addAll(arguments);
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                        .redirectError(ProcessBuilder.Redirect.INHERIT);
        Child child = new Child();
        Thread ending = new Thread(() -> child.end(scratch));
        Runtime.getRuntime()
                .addShutdownHook(ending); // refused after an interrupt, so nothing is started
        int exitCode = child.start(builder).waitFor();
        Runtime.getRuntime().removeShutdownHook(ending);
        return exitCode;
    }

    /** The JVM of the program. An interrupt of this JVM ends it. */
    private static final class Child {
        private boolean ended;
        private Process process;

        synchronized Process start(ProcessBuilder builder) throws IOException {
            if (ended) {
                throw new IOException("the run was stopped");
            }
            process = builder.start();
            return process;
        }

        /** Ends it gently, so that it can remove its stores. */
        synchronized void end(Scratch scratch) {
            ended = true;
            if (process != null) {
                process.destroy();
                process.onExit().join();
            }
            try {
                scratch.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
