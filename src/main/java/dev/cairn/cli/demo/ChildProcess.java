package dev.cairn.cli.demo;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A separate JVM that plays a part of the demo. What it says becomes events. */
final class ChildProcess {
    private final String name;
    private final Process process;
    private final Writer commands;

    /** What a child did. */
    sealed interface Event {
        ChildProcess child();
    }

    /** The child said a line: a word and what follows it. */
    record Said(ChildProcess child, String word, String rest) implements Event {}

    /** The child has ended. Everything that it had said was heard before. */
    record Ended(ChildProcess child, int exitCode) implements Event {}

    private ChildProcess(String name, Process process) {
        this.name = name;
        this.process = process;
        commands = process.outputWriter(UTF_8);
    }

    /** Starts {@link DemoChild} with these arguments. */
    static ChildProcess start(
            String name, int heapMebibytes, List<String> arguments, BlockingQueue<Event> events)
            throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-XX:+UseSerialGC");
        command.add("-Xmx" + heapMebibytes + "m");
        command.add("-cp");
        command.add(classPath());
        command.add(DemoChild.class.getName());
        command.addAll(arguments);
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        ChildProcess child = new ChildProcess(name, process);
        Thread.ofPlatform().daemon().name(name).start(() -> child.listen(events));
        return child;
    }

    String name() {
        return name;
    }

    long pid() {
        return process.pid();
    }

    /** Says a line to the child. */
    void say(String line) {
        try {
            commands.write(line + "\n");
            commands.flush();
        } catch (IOException e) {
            // It has just ended, which its Ended event tells better.
        }
    }

    /** Kills the process at whatever instruction it is. What it had said is still heard. */
    void kill() {
        process.toHandle().destroyForcibly(); // Process's own method would close the streams too
    }

    void awaitEnd() {
        process.onExit().join();
    }

    private void listen(BlockingQueue<Event> events) {
        try (BufferedReader lines = process.inputReader(UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                int space = line.indexOf(' ');
                events.add(
                        space < 0
                                ? new Said(this, line, "")
                                : new Said(
                                        this, line.substring(0, space), line.substring(space + 1)));
            }
        } catch (IOException e) {
            events.add(new Said(this, "fault", e.toString()));
        }
        events.add(new Ended(this, process.onExit().join().exitValue()));
    }

    private static String classPath() {
        return Stream.of("jdk.module.path", "java.class.path")
                .map(property -> System.getProperty(property, ""))
                .filter(path -> !path.isEmpty())
                .collect(Collectors.joining(File.pathSeparator));
    }
}
