package dev.cairn.process;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Starts child JVMs, and ensures that none outlives its test. */
public final class Children implements AfterEachCallback {
    /**
     * These properties make regions and tables small, so that logs roll and indexes grow after a
     * few writes.
     */
    static final String REGION_BYTES = "dev.cairn.region-bytes";

    static final String LEAST_BUCKETS = "dev.cairn.least-buckets-log2";

    /**
     * How many JVMs are started ahead for a test that took some already. A JVM takes some tenths of
     * a second to start, and tests can use that time.
     */
    private static final int SPARES = 2;

    private static final String NATIVE_ACCESS = "--enable-native-access=ALL-UNNAMED";
    private static final String DENIED = "--illegal-native-access=deny";

    /** What the names of jars begin with that {@link Acting} needs. */
    private static final List<String> NEEDED =
            List.of("cairn-", "hash4j-", "jspecify-", "caffeine-", "assertj-core-");

    private final List<Child> all = new ArrayList<>();
    private final Queue<Child> spares = new ArrayDeque<>();
    private int taken;

    /** Starts a child, without waiting for a spare one. */
    Child start() {
        return start(List.of());
    }

    /**
     * Starts a child behind another command.
     *
     * @param before the command that runs the JVM, such as {@code unshare}
     */
    Child start(List<String> before) {
        return start(before, List.of());
    }

    /**
     * Starts a child whose compiler may reorder as much as it can. It starts more slowly and runs
     * faster.
     */
    Child startOptimizing() {
        return start(List.of(), List.of("-XX:TieredStopAtLevel=4"));
    }

    /**
     * Starts a child with another class path, for a user who may not read this one.
     *
     * @param before the command that runs the JVM
     */
    Child start(List<String> before, String otherClassPath) {
        List<String> command = new ArrayList<>(before);
        command.addAll(command());
        replaceClassPath(command, otherClassPath);
        return launch(command);
    }

    /**
     * Starts a child whose JVM has no flight recorder: it has only the modules that the library and
     * its test need.
     */
    Child startWithoutFlightRecorder() {
        return start(List.of(), List.of("--limit-modules=java.base,java.logging"));
    }

    /** Starts a child that gives the library no native access. */
    Child startPortable(List<String> before) {
        return start(before, List.of(DENIED));
    }

    private Child start(List<String> before, List<String> flags) {
        List<String> command = new ArrayList<>(before);
        command.addAll(command());
        command.addAll(command.size() - 1, ChildrenCache.use());
        if (flags.contains(DENIED)) {
            command.remove(NATIVE_ACCESS);
        }
        command.addAll(command.size() - 1, flags);
        return launch(command);
    }

    /**
     * Starts a child that runs another program, at the library's usual scale.
     *
     * @param temporary its directory for temporary files, which it may leave there
     */
    public Child start(Class<?> program, Path temporary, List<String> arguments) {
        List<String> command = new ArrayList<>(command());
        command.removeIf(word -> word.startsWith("-Ddev.cairn.") || word.startsWith("-Xmx"));
        command.replaceAll(word ->
                word.startsWith("-Djava.io.tmpdir=") ? "-Djava.io.tmpdir=" + temporary : word);
        replaceClassPath(command, String.join(File.pathSeparator, wholePath()));
        command.removeLast();
        command.add(program.getName());
        command.addAll(arguments);
        return launch(command);
    }

    private Child launch(List<String> command) {
        try {
            Child child =
                    new Child(
                            new ProcessBuilder(command)
                                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                                    .start());
            all.add(child);
            return child;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    List<Child> start(int count) {
        return Stream.generate(this::start).limit(count).toList();
    }

    /** A child that was started ahead, for tests that need one after the other. */
    Child spare() {
        while (spares.size() <= Math.min(SPARES, taken)) {
            spares.add(start());
        }
        taken++;
        return spares.remove();
    }

    /** The command that starts a child JVM. */
    static List<String> command() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx256m",
                NATIVE_ACCESS,
                "-Djava.io.tmpdir=" + System.getProperty("java.io.tmpdir"),
                "-Ddev.cairn.steps=true",
                "-D" + REGION_BYTES + "=4096",
                "-D" + LEAST_BUCKETS + "=0",
                "-cp",
                classPath(),
                Acting.class.getName());
    }

    private static void replaceClassPath(List<String> command, String by) {
        command.set(command.indexOf("-cp") + 1, by);
    }

    /**
     * The class path of a child: of this JVM's one, what {@link Acting} needs. A JVM that asks for
     * its first logger looks into each jar, and here there are more than a hundred.
     */
    static String classPath() {
        return wholePath().stream()
                .filter(each -> Files.isDirectory(Path.of(each)) || isNeeded(Path.of(each)))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static boolean isNeeded(Path jar) {
        String name = jar.getFileName().toString();
        return NEEDED.stream().anyMatch(name::startsWith);
    }

    /** The class path of this JVM. */
    private static List<String> wholePath() {
        return Stream.of("jdk.module.path", "java.class.path")
                .flatMap(property ->
                        Stream.of(System.getProperty(property, "").split(File.pathSeparator, -1)))
                .filter(path -> !path.isEmpty())
                .toList();
    }

    @Override
    public void afterEach(ExtensionContext context) {
        for (Child child : all) {
            child.handle().descendants().forEach(ProcessHandle::destroyForcibly);
            child.kill();
        }
        all.forEach(Child::awaitDeath);
        all.clear();
        spares.clear();
        taken = 0;
    }
}
