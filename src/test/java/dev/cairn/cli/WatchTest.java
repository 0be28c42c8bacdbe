package dev.cairn.cli;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.cli.CommandLineFixture.Result;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Attacks {@code cairn watch}: which changes it prints, and how it ends. */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WatchTest {
    private final CommandLineFixture cairn = new CommandLineFixture();

    @TempDir Path directory;
    private Path file;

    @BeforeEach
    void nameStore() {
        file = directory.resolve("test.cairn");
        cairn.run("put", file, "k", "v");
    }

    /** What watch prints of a key that is put and removed until it ends. */
    private Result watched(String key, Object... words) throws InterruptedException {
        CompletableFuture<Result> watching =
                CompletableFuture.supplyAsync(() -> new CommandLineFixture().run(words));
        try (CairnStore store = Cairn.open(file)) {
            for (int i = 0; !watching.isDone(); i++) {
                store.put((key + i).getBytes(UTF_8), new byte[1]);
                long _ = store.remove((key + i).getBytes(UTF_8));
                Thread.sleep(1);
            }
        }
        return watching.join();
    }

    @Test
    void eachChangeIsALine() throws InterruptedException {
        Result result = watched("a\tb", "watch", file, "--limit", "40");

        assertThat(result.exit()).as(result.err()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.out().lines())
                .hasSize(40)
                .allMatch(line -> line.matches("(put|removed)\ta\\\\tb\\d+\t\\d+"))
                .anyMatch(line -> line.startsWith("put\t"))
                .anyMatch(line -> line.startsWith("removed\t"));
    }

    @Test
    void scriptsGetAnObjectALine() throws InterruptedException {
        Result result = watched("x", "watch", file, "--limit", "9", "--json", "--prefix", "x");

        assertThat(result.exit()).as(result.err()).isZero();
        assertThat(result.out().lines())
                .hasSize(9)
                .allMatch(line ->
                        line.matches(
                                "\\{\"change\":\"(put|removed)\",\"key\":\"x\\d+\",\"version\":\\d+,"
                                        + "\"stripe\":\\d+\\}"));
    }

    @Test
    void otherKeysAreNotShownAndSilenceEndsIt() throws InterruptedException {
        Result result = watched("x", "watch", file, "--prefix", "y", "--timeout", "100ms");

        assertThat(result.exit()).as(result.err()).isZero();
        assertThat(result.out() + result.err()).isEmpty();
        assertThat(cairn.run("watch", file, "--timeout", "10ms").exit()).isZero();
        assertThat(cairn.run("watch", file, "--limit", "0").exit()).isZero();
    }

    @Test
    void aClosedPipeIsAnEnd() throws InterruptedException {
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        OutputStream closed =
                new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        throw new IOException("standard output: Broken pipe");
                    }
                };
        CompletableFuture<Integer> watching =
                CompletableFuture.supplyAsync(() -> {
                    try (PrintStream err = new PrintStream(errors, true, UTF_8)) {
                        return Main.run(
                                new String[] {"watch", file.toString()},
                                new Streams(InputStream.nullInputStream(), closed, err, false));
                    }
                });
        try (CairnStore store = Cairn.open(file)) {
            while (!watching.isDone()) {
                store.put("k".getBytes(UTF_8), new byte[1]);
                Thread.sleep(1);
            }
        }
        assertThat(watching.join()).isZero();
        assertThat(errors.toString(UTF_8)).isEmpty();
    }

    /**
     * The interrupt is SIGTERM, which ends it as Ctrl-C does. What a shell starts in the background
     * ignores Ctrl-C, children included.
     */
    @Test
    void anInterruptIsAnEnd() throws IOException, InterruptedException {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:-UsePerfData",
                                "-XX:TieredStopAtLevel=1",
                                "-cp",
                                Stream.of("jdk.module.path", "java.class.path")
                                        .map(property -> System.getProperty(property, ""))
                                        .filter(path -> !path.isEmpty())
                                        .collect(Collectors.joining(File.pathSeparator)),
                                Main.class.getName(),
                                "watch",
                                file.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (CairnStore store = Cairn.open(file);
                BufferedReader lines = process.inputReader(UTF_8)) {
            CompletableFuture<String> line =
                    CompletableFuture.supplyAsync(() ->
                            lines.lines()
                                    .filter(each -> !each.startsWith("lagged"))
                                    .findFirst()
                                    .orElse("none"));
            while (!line.isDone()) {
                store.put("k".getBytes(UTF_8), new byte[1]);
                Thread.sleep(5);
            }
            assertThat(line.join()).startsWith("put\tk\t");
            process.destroy();
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isZero();
        } finally {
            process.destroyForcibly();
        }
    }
}
