package dev.cairn.published;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Attacks the jar from outside: another project, with the built jar and what that brings along, is
 * compiled with all warnings as errors, and run.
 */
class SampleProjectIT {
    private static final Path PROJECT = Path.of("src/test/resources/sample");
    private static final Path NEAR_PROJECT = Path.of("src/test/resources/sample-near");
    private static final String PROGRAM = "sample.Sample";
    private static final int PATIENCE_SECONDS = 60;

    private static final List<Path> INHERITED =
            List.of(Jars.LIBRARY, Jars.ofDependency("hash4j"), Jars.ofDependency("jspecify"));

    @TempDir Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"", "--illegal-native-access=warn", "--illegal-native-access=deny"})
    void worksOnTheClassPathWithoutNativeAccess(String flag) throws Exception {
        compile("-cp", path(INHERITED), PROJECT.resolve("sample/Sample.java").toString());
        assertThat(runOnTheClassPath(flag)).isEqualTo(said(false, null));
    }

    @Test
    void worksOnTheClassPathWithNativeAccess() throws Exception {
        compile("-cp", path(INHERITED), PROJECT.resolve("sample/Sample.java").toString());
        assertThat(runOnTheClassPath("--enable-native-access=ALL-UNNAMED"))
                .isEqualTo(said(true, null));
    }

    /** This is the only warning there is: the flag has another value on the class path. */
    @Test
    void flagOfTheModulePathIsAWarningOnTheClassPath() throws Exception {
        compile("-cp", path(INHERITED), PROJECT.resolve("sample/Sample.java").toString());
        assertThat(runOnTheClassPath("--enable-native-access=dev.cairn"))
                .isEqualTo(
                        "WARNING: Unknown module: dev.cairn specified to --enable-native-access\n"
                                + said(false, null));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "--illegal-native-access=warn", "--illegal-native-access=deny"})
    void worksOnTheModulePathWithoutNativeAccess(String flag) throws Exception {
        compileModule();
        assertThat(runOnTheModulePath(flag)).isEqualTo(said(false, "dev.cairn"));
    }

    @Test
    void worksOnTheModulePathWithNativeAccess() throws Exception {
        compileModule();
        assertThat(runOnTheModulePath("--enable-native-access=dev.cairn"))
                .isEqualTo(said(true, "dev.cairn"));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void nearCacheWorksForWhoHasCaffeine(boolean module) throws Exception {
        List<Path> with =
                Stream.concat(INHERITED.stream(), Stream.of(Jars.ofDependency("caffeine")))
                        .toList();
        String program = NEAR_PROJECT.resolve("near/NearSample.java").toString();
        String said = "AdaAda\n1 in the near cache\n";
        if (module) {
            String descriptor = NEAR_PROJECT.resolve("module-info.java").toString();
            compile("-p", path(with), descriptor, program);
            assertThat(run("", "-p", path(withClasses(with)), "-m", "near/near.NearSample"))
                    .isEqualTo(said);
        } else {
            compile("-cp", path(with), program);
            assertThat(run("", "-cp", path(withClasses(with)), "near.NearSample")).isEqualTo(said);
        }
    }

    private void compileModule() throws IOException {
        compile(
                "-p",
                path(INHERITED),
                PROJECT.resolve("module-info.java").toString(),
                PROJECT.resolve("sample/Sample.java").toString());
    }

    private static String said(boolean nativeAccess, String module) {
        return """
        store Ada
        map Ada, no near cache
        cache loaded 17
        native access %s, module %s
        """
                .formatted(nativeAccess, module);
    }

    private void compile(String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of("--release", "25", "-Xlint:all", "-Werror"));
        all.addAll(List.of("-d", classes().toString()));
        all.addAll(List.of(arguments));
        StringWriter said = new StringWriter();
        PrintWriter out = new PrintWriter(said);
        int code =
                ToolProvider.findFirst("javac")
                        .orElseThrow()
                        .run(out, out, all.toArray(String[]::new));
        assertThat(said.toString()).isEmpty();
        assertThat(code).isZero();
        try (Stream<Path> files = Files.walk(classes())) {
            assertThat(files).anyMatch(file -> file.toString().endsWith("Sample.class"));
        }
    }

    private String runOnTheClassPath(String flag) throws Exception {
        return run(flag, "-cp", path(withClasses(INHERITED)), PROGRAM);
    }

    private String runOnTheModulePath(String flag) throws Exception {
        return run(flag, "-p", path(withClasses(INHERITED)), "-m", "sample/" + PROGRAM);
    }

    private List<Path> withClasses(List<Path> libraries) {
        return Stream.concat(Stream.of(classes()), libraries.stream()).toList();
    }

    private Path classes() {
        return directory.resolve("classes");
    }

    private static String path(Collection<Path> of) {
        return of.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }

    /** What the program writes, first on standard error and then on standard output. */
    private String run(String flag, String... arguments) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (!flag.isEmpty()) {
            command.add(flag);
        }
        command.addAll(List.of(arguments));
        Path stores = Files.createDirectories(directory.resolve("stores"));
        command.add(stores.toString());
        Path errors = directory.resolve("errors");
        Process process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        String said = Files.readString(errors) + output;
        assertThat(process.exitValue()).as(said).isZero();
        return said;
    }
}
