package dev.cairn.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import dev.cairn.cli.CommandLineFixture;
import dev.cairn.cli.CommandLineFixture.Result;
import dev.cairn.cli.Failure;
import dev.cairn.cli.Main;
import dev.cairn.cli.Streams;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Attacks {@code cairn bench} from end to end, for a moment and on stores of few entries. */
class BenchTest {
    private static final String RATE = " +[\\d,]+/s +[\\d.]+ (ns|µs|ms)";
    private static final String TIME = " +[\\d.]+ (ns|µs|ms|s)";

    private final CommandLineFixture cairn = new CommandLineFixture();

    @TempDir Path directory;

    @AfterEach
    void nothingIsLeft() {
        assertThat(directory).isEmptyDirectory();
    }

    private Result bench(Object file, String... options) {
        List<String> words = List.of("bench", file.toString(), "--seconds", "0.2");
        return cairn.run(Stream.concat(words.stream(), Stream.of(options)).toArray());
    }

    private Path file() {
        return directory.resolve("x.cairn");
    }

    @Test
    void aPersonGetsTablesAndAVerdict() {
        Result result = bench(file(), "--entries", "2000");

        assertThat(result.exit()).as(result.err()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.out())
                .startsWith(directory + " (")
                .contains("): a temporary store of 2,000 entries: 16-byte keys, 100-byte values\n")
                .contains("after a warm-up\n")
                .containsPattern("\n  put" + RATE + RATE + "\n  get" + RATE + RATE + "\n")
                .containsPattern("\n  getAll\\(64\\)" + RATE + RATE + "\n  mixed 95/5" + RATE)
                .containsPattern("\n  put takes +p50 +p99 +p99.9 +max\n  1 thread" + TIME.repeat(4))
                .containsPattern(
                        "\n  checkpoint" + TIME + " for 1,000 entries;" + TIME + " for all, ")
                .containsPattern("\n  open" + TIME + " after a clean close\n")
                .containsPattern("\nverdict\n  reads .*\n  checkpoints .*\n  threads .*\n$");
        assertThat(result.out().lines()).allMatch(line -> line.length() <= 140);
    }

    @Test
    void aScriptGetsAnObject() throws IOException {
        Result result = bench(file(), "--entries", "500", "--value-bytes", "0", "--json");

        assertThat(result.exit()).as(result.err()).isZero();
        assertThat(result.out()).hasLineCount(1);
        JsonNode json = new ObjectMapper().readTree(result.out());
        assertThat(json.get("directory").asText()).isEqualTo(directory.toString());
        assertThat(json.get("entries").asLong()).isEqualTo(500);
        assertThat(json.get("valueBytes").asInt()).isZero();
        assertThat(json.get("checkpointedEntries").asInt()).isEqualTo(500);
        assertThat(json.get("rates")).hasSize(2 * Operation.values().length);
        assertThat(json.get("rates"))
                .allSatisfy(rate -> {
                    assertThat(rate.get("perSecond").asLong()).isPositive();
                    assertThat(rate.get("nanos").asDouble()).isPositive();
                });
        assertThat(json.get("rates").findValuesAsText("threads")).contains("1");
        assertThat(json.get("puts")).hasSize(2);
        JsonNode puts = json.get("puts").get(0);
        assertThat(puts.get("p50Nanos").asLong())
                .isPositive()
                .isLessThanOrEqualTo(puts.get("p99Nanos").asLong());
        assertThat(puts.get("p999Nanos").asLong())
                .isLessThanOrEqualTo(puts.get("maxNanos").asLong());
        for (String figure :
                List.of(
                        "checkpointNanos",
                        "checkpointOfAllNanos",
                        "openNanos",
                        "loadNanos",
                        "loadedBytes",
                        "syncNanos")) {
            assertThat(json.get(figure).asDouble()).as(figure).isPositive();
        }
        assertThat(json.has("durableBytesPerSecond"))
                .isEqualTo(!DiskSync.isInMemory(json.get("fileSystem").asText()));
        assertThat(Verdict.Reads.values())
                .extracting(Enum::name)
                .contains(json.get("readVerdict").asText());
        assertThat(Verdict.Durable.values())
                .extracting(Enum::name)
                .contains(json.get("checkpointVerdict").asText());
        assertThat(Verdict.Threads.values())
                .extracting(Enum::name)
                .contains(json.get("threadVerdict").asText());
    }

    @Test
    void aFileThatIsThereIsNotTouched() throws IOException {
        Path precious = Files.writeString(file(), "data");

        Result result = bench(precious, "--entries", "1", "--value-bytes", "20000");

        assertThat(result.exit()).as(result.err()).isZero();
        assertThat(precious).hasContent("data");
        Files.delete(precious);
    }

    @Test
    void aDirectoryIsMeasuredItself() {
        assertThat(bench(directory, "--entries", "10").out()).startsWith(directory + " (");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void memoryMakesNothingDurable() throws IOException {
        Path memory = Path.of("/dev/shm");
        assumeTrue(Files.isWritable(memory), "no /dev/shm here");
        assumeTrue(Files.getFileStore(memory).getUsableSpace() > 256 << 20, "a small /dev/shm");

        Result result = bench("shm:cairn-test", "--entries", "10");

        assertThat(result.exit()).as(result.err()).isZero();
        assertThat(result.out()).startsWith("/dev/shm (tmpfs)").contains("make nothing durable");
        try (Stream<Path> files = Files.list(memory)) {
            assertThat(files).noneMatch(each -> each.toString().contains("cairn-bench-"));
        }
    }

    @Test
    void aTerminalSeesHowFarItIs() {
        cairn.onTerminal();

        assertThat(bench(file(), "--entries", "10").err()).contains("fill", "bench");
    }

    @ParameterizedTest
    @CsvSource({
        "--entries, 0, --entries: 0 is not from 1 to",
        "--entries, -5, --entries: -5 is not from 1 to",
        "--entries, 2000000000, --entries: 2000000000 is not from 1 to",
        "--entries, many, 'many'",
        "--value-bytes, -1, --value-bytes: -1 is negative",
        "--seconds, 0, --seconds: 0.0 is not greater than 0",
        "--seconds, NaN, --seconds: NaN is not greater than 0",
        "--seconds, 1e9, --seconds: 1.0E9 is not greater than 0 and at most 3",
    })
    void wrongOptionsAreRefused(String option, String word, String message) {
        Result result = cairn.run("bench", file(), option, word);

        assertThat(result.exit()).isEqualTo(2);
        assertThat(result.err()).contains(message).endsWith("see 'cairn bench --help'\n");
        assertThat(result.err()).hasLineCount(1);
    }

    @Test
    void moreThanAQuarterOfTheFreeSpaceIsRefused() throws IOException {
        long free = Files.getFileStore(directory).getUsableSpace();
        assumeTrue(free < 1L << 50, "a disk for a billion large values");

        Result result = bench(file(), "--entries", "1000000000", "--value-bytes", "400000");

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err())
                .startsWith("cairn: " + file() + ": the store may take ")
                .contains("more than a quarter of the ", "choose fewer --entries")
                .hasLineCount(1);
    }

    @Test
    void valuesThatTheHeapDoesNotHoldAreRefused() throws IOException {
        long free = Files.getFileStore(directory).getUsableSpace();
        assumeTrue(free > 30L << 30, "a small disk");

        Result result = bench(file(), "--entries", "1", "--value-bytes", "2000000000");

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err()).contains("more than a quarter of the heap", "CAIRN_OPTS");
    }

    @Test
    void aDirectoryThatIsNotThereIsTold() {
        Path file = directory.resolve("none").resolve("x.cairn");

        Result result = bench(file);

        assertThat(result.exit()).isEqualTo(4);
        assertThat(result.err())
                .isEqualTo(
                        "cairn: %s: there is no directory %s; create it%n"
                                .formatted(file, file.getParent()));
    }

    @Test
    void aDirectoryThatIsNotWritableIsTold() throws IOException {
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("r-x------"));
        try {
            assumeFalse(Files.isWritable(directory), "root may write everywhere");

            Result result = bench(file());

            assertThat(result.exit()).isEqualTo(4);
            assertThat(result.err()).contains("the directory " + directory + " is not writable");
        } finally {
            Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void aDirectoryThatTakesNoStoreIsTold() {
        assertThatThrownBy(() -> Scratch.in(Path.of("/proc")).close())
                .isInstanceOf(Failure.class)
                .hasMessageStartingWith("/proc: a temporary store cannot be created there: ");
    }

    @Test
    void theTemporaryStoreIsItsOwnersAlone() throws IOException {
        try (Scratch scratch = Scratch.in(directory)) {
            Path inside = Files.writeString(scratch.resolve("page"), "page");
            assertThat(Files.getPosixFilePermissions(inside.getParent()))
                    .isEqualTo(PosixFilePermissions.fromString("rwx------"));
        }
    }

    @Test
    void theStoreTakesNoMoreThanWasAskedFor() throws IOException, InterruptedException {
        for (Setting setting :
                List.of(
                        new Setting(1, 0, Duration.ofMillis(200), 1),
                        new Setting(1_000, 20_000, Duration.ofMillis(200), 2),
                        new Setting(50_000, 100, Duration.ofMillis(400), 3))) {
            try (Scratch scratch = Scratch.in(directory)) {
                Streams silent =
                        new Streams(
                                InputStream.nullInputStream(),
                                OutputStream.nullOutputStream(),
                                new PrintStream(OutputStream.nullOutputStream(), false, UTF_8),
                                false);
                Figures _ = new Measurement(setting, directory, scratch, silent).take();
                assertThat((double) bytes(scratch.resolve(""))).isLessThan(setting.bytesAtMost());
            }
        }
    }

    private static long bytes(Path tree) throws IOException {
        try (Stream<Path> files = Files.walk(tree)) {
            return files.filter(Files::isRegularFile)
                    .map(Path::toFile)
                    .mapToLong(File::length)
                    .sum();
        }
    }

    @Test
    void nothingIsLeftWhereNobodyReads() {
        OutputStream closed =
                new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        throw new IOException("standard output: Broken pipe");
                    }
                };
        try (PrintStream err = new PrintStream(new ByteArrayOutputStream(), true, UTF_8)) {
            int exit =
                    Main.run(
                            new String[] {
                                "bench", file().toString(), "--seconds", "0.1", "--entries", "10"
                            },
                            new Streams(InputStream.nullInputStream(), closed, err, false));
            assertThat(exit).isEqualTo(141);
        }
    }

    /**
     * The interrupt is SIGTERM, which ends it as Ctrl-C does. What a shell starts in the background
     * ignores Ctrl-C, children included.
     */
    @Test
    void nothingIsLeftWhenItIsInterrupted() throws IOException, InterruptedException {
        for (long afterMillis : List.of(0L, 700L)) {
            Process process = startLong();
            try {
                awaitStore(process);
                Thread.sleep(afterMillis);
                assertThat(process.toHandle().destroy()).isTrue();
                assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
                assertThat(process.exitValue()).isEqualTo(128 + 15);
                assertThat(process.inputReader(UTF_8).lines()).isEmpty();
            } finally {
                process.destroyForcibly();
            }
            assertThat(directory).isEmptyDirectory();
        }
    }

    private Process startLong() throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:-UsePerfData",
                        "-XX:TieredStopAtLevel=1",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        Stream.of("jdk.module.path", "java.class.path")
                                .map(property -> System.getProperty(property, ""))
                                .filter(path -> !path.isEmpty())
                                .collect(Collectors.joining(File.pathSeparator)),
                        Main.class.getName(),
                        "bench",
                        file().toString(),
                        "--seconds",
                        "600")
                .redirectErrorStream(true)
                .start();
    }

    private void awaitStore(Process process) throws IOException, InterruptedException {
        while (!isStoreThere()) {
            assertThat(process.isAlive()).isTrue();
            Thread.sleep(1);
        }
    }

    private boolean isStoreThere() throws IOException {
        try (Stream<Path> scratch = Files.list(directory)) {
            return scratch.anyMatch(each -> Files.exists(each.resolve("store.cairn")));
        }
    }
}
