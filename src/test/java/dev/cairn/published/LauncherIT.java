package dev.cairn.published;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Attacks the script that starts the command line in a checkout that is built, and its cache of
 * classes.
 */
class LauncherIT {
    private static final int PATIENCE_SECONDS = 120;

    /**
     * With this option the JVM refuses to start if it cannot use the cache. Otherwise it does
     * without.
     */
    private static final String MUST_USE_CACHE = "-XX:AOTMode=on";

    @TempDir Path checkout;

    private Path cache;

    @BeforeEach
    void layOut() throws IOException {
        Path target = Files.createDirectories(checkout.resolve("target"));
        Files.createDirectories(checkout.resolve("src/main"));
        Files.createDirectories(checkout.resolve("tools"));
        copy(Path.of("pom.xml"), checkout);
        copy(Path.of("tools/cairn"), checkout.resolve("tools"));
        copy(Path.of("tools/jdk.sh"), checkout.resolve("tools"));
        copy(Jars.LIBRARY, target);
        copy(Jars.COMMAND_LINE, target);
        Path libraries = Files.createDirectories(target.resolve("lib"));
        try (Stream<Path> files = Files.list(Path.of("target/lib"))) {
            for (Path file : files.toList()) {
                copy(file, libraries);
            }
        }
        Files.createFile(target.resolve(".cairn-built"));
        cache = target.resolve("cairn.aot");
    }

    private static void copy(Path file, Path directory) throws IOException {
        Files.copy(file, directory.resolve(file.getFileName()), StandardCopyOption.COPY_ATTRIBUTES);
    }

    @Test
    void firstStartMakesTheCacheAndLaterOnesUseIt() throws Exception {
        assertThat(cairn("", "put", store(), "key", "value")).isEqualTo("0: ");
        assertThat(cache).isNotEmptyFile();
        assertThat(cairn(MUST_USE_CACHE, "get", store(), "key")).isEqualTo("0: value");
        assertThat(checkout.resolve("target")).isDirectoryNotContaining("glob:**rehearsal*[0-9]");
    }

    @Test
    void damagedCacheIsPassedOverInSilence() throws Exception {
        assertThat(cairn("", "put", store(), "key", "value")).isEqualTo("0: ");
        try (RandomAccessFile file = new RandomAccessFile(cache.toFile(), "rw")) {
            file.writeLong(0);
        }
        assertThat(cairn("", "get", store(), "key")).isEqualTo("0: value");
        assertThat(cairn(MUST_USE_CACHE, "get", store(), "key")).startsWith("1: ");
    }

    @Test
    void cacheOfAnotherCollectorIsPassedOverInSilence() throws Exception {
        assertThat(cairn("", "put", store(), "key", "value")).isEqualTo("0: ");
        String others = "-XX:-UseSerialGC -XX:+UseParallelGC";
        assertThat(cairn(others, "get", store(), "key")).isEqualTo("0: value");
    }

    @Test
    void whereNoCacheCanBeMadeNoneIsTriedAgain() throws Exception {
        Files.createFile(cache);
        Files.setLastModifiedTime(cache, FileTime.from(Instant.now().plusSeconds(1)));
        assertThat(cairn("", "put", store(), "key", "value")).isEqualTo("0: ");
        assertThat(cairn("", "get", store(), "key")).isEqualTo("0: value");
        assertThat(cache).isEmptyFile();
    }

    @Test
    void newerJarsAreRehearsedAnew() throws Exception {
        Files.createFile(cache);
        Files.setLastModifiedTime(cache, FileTime.from(Instant.EPOCH));
        assertThat(cairn("", "put", store(), "key", "value")).isEqualTo("0: ");
        assertThat(cairn(MUST_USE_CACHE, "get", store(), "key")).isEqualTo("0: value");
    }

    private String store() {
        return checkout.resolve("store.cairn").toString();
    }

    /** The exit code, and what is written on either stream. */
    private String cairn(String options, String... words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(checkout.resolve("tools/cairn").toString());
        command.addAll(List.of(words));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("CAIRN_JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("CAIRN_OPTS", options);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        return process.exitValue() + ": " + output;
    }
}
