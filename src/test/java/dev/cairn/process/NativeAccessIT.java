package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Attacks the promise that a store works without native access, and that the JVM prints no warning.
 * The programs give the library no native access, or forbid it. The canary is a restricted method,
 * for which the JVM must warn.
 */
class NativeAccessIT {
    private static final int PATIENCE_SECONDS = 60;

    @TempDir Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--illegal-native-access=warn",
                "--illegal-native-access=deny",
                "--enable-native-access=ALL-UNNAMED"
            })
    void storeWorksAndTheJvmPrintsNoWarning(String flag) throws Exception {
        Path store = directory.resolve("plain.cairn");
        assertThat(cairn(flag, "put", store.toString(), "key", "value")).isEmpty();
        assertThat(cairn(flag, "get", store.toString(), "key")).startsWith("value");
        assertThat(cairn(flag, "check", store.toString())).contains("sound");
    }

    /**
     * The canary: the JVM does warn here when somebody calls a restricted method without
     * permission.
     */
    @Test
    void restrictedMethodWarns() throws Exception {
        Path source = directory.resolve("Restricted.java");
        java.nio.file.Files.writeString(
                source,
                """
                void main() {
                    java.lang.foreign.MemorySegment.NULL.reinterpret(1);
                }
                """);
        assertThat(run(List.of("--illegal-native-access=warn", source.toString())))
                .contains("WARNING");
    }

    private static String cairn(String flag, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(flag);
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add("dev.cairn.cli.Main");
        command.addAll(List.of(arguments));
        return run(command);
    }

    /** The standard output and standard error of a JVM that must end well. */
    private static String run(List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:-UsePerfData");
        command.addAll(arguments);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output;
    }
}
