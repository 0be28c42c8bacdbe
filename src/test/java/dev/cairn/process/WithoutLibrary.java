package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Runs a program in a JVM of its own, on the class path of the tests or on a part of it. */
final class WithoutLibrary {
    private static final int PATIENCE_SECONDS = 60;

    private WithoutLibrary() {}

    /** What the program prints if no jar whose name has this prefix is on its class path. */
    static String run(Class<?> program, Path directory, String jars)
            throws IOException, InterruptedException {
        String classPath =
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .filter(entry -> !new File(entry).getName().startsWith(jars))
                        .collect(Collectors.joining(File.pathSeparator));
        return runOn(classPath, program, directory);
    }

    /** What the program prints if its class path is that of the tests. */
    static String runWithAll(Class<?> program, Path directory)
            throws IOException, InterruptedException {
        return runOn(System.getProperty("java.class.path"), program, directory);
    }

    private static String runOn(String classPath, Class<?> program, Path directory)
            throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:-UsePerfData",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                classPath,
                                program.getName(),
                                directory.toString())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output;
    }
}
