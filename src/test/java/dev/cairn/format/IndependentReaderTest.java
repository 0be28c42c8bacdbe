package dev.cairn.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.CacheModel;
import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.cli.text.EntryWriter;
import dev.cairn.cli.text.TextFormat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Compares the files that the engine writes with tools/cairn-read.py, which was written from
 * docs/format.md alone. The tool must read what the engine wrote, and notice damage.
 */
class IndependentReaderTest {
    private static final Path READER = Path.of("tools", "cairn-read.py");
    private static final String REGION_BYTES = "dev.cairn.region-bytes";
    private static final int SMALL_REGION = 4096;
    private static final int SESSIONS = 3;
    private static final int VARIANTS = 3;

    /**
     * What a text must escape: controls, a backslash, C1 controls, a byte order mark, and what is
     * not UTF-8.
     */
    private static final List<byte[]> AWKWARD =
            List.of(
                    "\t\n\r\\ \0\u001f\u007f\u0085 ä€😀\ufeff".getBytes(UTF_8),
                    "\u00c0\u00af \u00ed\u00a0\u0080 \u00f0\u009f\u0098 \u00e2\u0082\u00ff"
                            .getBytes(ISO_8859_1),
                    "\u00f4\u0090\u0080\u0080\u0080\u00f8\u00c3".getBytes(ISO_8859_1));

    @TempDir private Path directory;

    /** How the reader ended, and what it wrote. */
    private record Outcome(int status, byte[] out, String err) {}

    @BeforeAll
    static void pythonIsThere() throws IOException, InterruptedException {
        Process python;
        try {
            python =
                    new ProcessBuilder(
                                    "python3",
                                    "-c",
                                    "import sys; sys.exit(sys.version_info < (3, 9))")
                            .inheritIO()
                            .start();
        } catch (IOException e) {
            abort("The independent reader was NOT tested: there is no python3 here: " + e);
            return;
        }
        assertThat(python.waitFor())
                .as("exit code of python3, which is 1 before version 3.9")
                .isZero();
    }

    @ParameterizedTest(name = "{0} stripes, regions of {1} bytes (0: the default)")
    @CsvSource({"1,0", "64,0", "1,4096", "64,4096"})
    void listsWhatTheEngineHolds(int stripes, int regionBytes) throws Exception {
        Path file = directory.resolve("store");
        Random random = new Random(stripes + regionBytes);
        Map<byte[], byte[]> entries = new TreeMap<>(Arrays::compareUnsigned);
        long size = 0;
        long now = 0;
        String sound = "";
        for (int session = 1; session <= SESSIONS; session++) {
            try (CairnStore store = open(file, stripes, regionBytes)) {
                int unit = (int) store.stats().regionBytes();
                assertThat(unit).isEqualTo(regionBytes == 0 ? 65536 : regionBytes);
                work(store, random, unit);
                if (session == SESSIONS) {
                    Thread.sleep(20);
                    now = System.currentTimeMillis();
                    store.forEach(entries::put);
                    size = store.size();
                }
            }
            Outcome checked = read(file, "--format", "check");
            assertThat(checked.err).isEmpty();
            sound = new String(checked.out, UTF_8);
        }
        assertThat(sound).isEqualTo("sound, %d entries\n", size);
        assertThat(size).as("entries, including expired ones").isGreaterThan(entries.size());
        Outcome listed = read(file, "--now", Long.toString(now));
        assertThat(listed.err).isEmpty();
        assertThat(listed.status).isZero();
        assertThat(new String(listed.out, ISO_8859_1))
                .isEqualTo(new String(tsv(entries), ISO_8859_1));
    }

    /** The records of a cache have their heat, and most of its regions were used before. */
    @Test
    void listsWhatACacheHolds() throws Exception {
        Path file = directory.resolve("cache");
        Map<byte[], byte[]> entries = new TreeMap<>(Arrays::compareUnsigned);
        Random random = new Random(1);
        try (CairnStore store = Cairn.open(file, CacheModel.quiet(1L << 20))) {
            for (int i = 0; i < 15_000; i++) {
                store.put(
                        bytes(random, 1 + random.nextInt(20)), bytes(random, random.nextInt(300)));
            }
            store.forEach(entries::put);
            assertThat(store.size()).isEqualTo(entries.size()).isLessThan(10_000);
        }
        Outcome checked = read(file, "--format", "check");
        assertThat(checked.err).isEmpty();
        assertThat(checked.out).asString(UTF_8).isEqualTo("sound, %d entries\n", entries.size());
        assertThat(new String(read(file).out, ISO_8859_1))
                .isEqualTo(new String(tsv(entries), ISO_8859_1));
    }

    @Test
    void listsNothingOfANewStore() throws Exception {
        Path file = directory.resolve("store");
        open(file, 64, 0).close();
        assertThat(read(file)).extracting(Outcome::status, Outcome::err).containsExactly(0, "");
        assertThat(read(file).out).isEmpty();
        assertThat(read(file, "--format", "count").out).asString(UTF_8).isEqualTo("0\n");
    }

    /** The keys lie in the record or in a run, with the values beside them. */
    @ParameterizedTest
    @ValueSource(ints = {10, 1008, 1009, 10000})
    void noticesAFlippedByte(int keyLength) throws Exception {
        Path file = directory.resolve("store");
        Random random = new Random(keyLength);
        byte[] key = bytes(random, keyLength);
        byte[] large = bytes(random, 9000);
        byte[] small = bytes(random, 300);
        byte[] other = "other".getBytes(UTF_8);
        try (CairnStore store = open(file, 1, SMALL_REGION)) {
            store.put(key, bytes(random, 9000));
            store.put(key, large);
            store.put(other, small);
        }
        assertThat(read(file).err).isEmpty();
        byte[] sound = Files.readAllBytes(file);
        for (byte[] part : List.of(key, large, other, small)) {
            int at = lastIndexOf(sound, part) + part.length / 2;
            byte[] damaged = sound.clone();
            damaged[at] ^= 1;
            Files.write(file, damaged);
            Outcome outcome = read(file);
            assertThat(outcome.err)
                    .startsWith(file + ": at byte ")
                    .contains("expected", "found")
                    .hasLineCount(1);
            assertThat(outcome.status).isEqualTo(3);
            assertThat(outcome.out).isEmpty();
        }
    }

    @Test
    void saysWhatIsWrongWithItsArguments() throws Exception {
        Path file = directory.resolve("store");
        assertThat(read(file).status).isEqualTo(4);
        Files.createFile(file);
        assertThat(read(file).status).isEqualTo(3);
        assertThat(read(file, "--format", "xml").status).isEqualTo(2);
    }

    private static CairnStore open(Path file, int stripes, int regionBytes) {
        if (regionBytes != 0) {
            System.setProperty(REGION_BYTES, Integer.toString(regionBytes));
        }
        try {
            return Cairn.open(file, Options.defaults().withStripes(stripes));
        } finally {
            System.clearProperty(REGION_BYTES);
        }
    }

    private static void work(CairnStore store, Random random, int regionBytes) {
        for (byte[] awkward : AWKWARD) {
            store.put(awkward, awkward);
        }
        int operations = regionBytes == SMALL_REGION ? 200 : 40;
        for (int i = 0; i < operations; i++) {
            int length = length(random, regionBytes);
            byte[] key = bytes(new Random(random.nextInt(VARIANTS)), length);
            byte[] value = bytes(random, length(random, regionBytes));
            switch (random.nextInt(10)) {
                case 0, 1, 2 -> store.remove(key);
                case 3 -> store.put(key, value, Duration.ofHours(1));
                case 4 -> store.put(key, value, Duration.ofMillis(1));
                case 5 -> store.putIfAbsent(key, value);
                default -> store.put(key, value);
            }
        }
        store.put("gone".getBytes(UTF_8), new byte[100], Duration.ofMillis(1));
    }

    /**
     * A length from nothing to several regions, or about the length from which on a key is in a
     * run.
     */
    private static int length(Random random, int regionBytes) {
        int[] lengths = {
            0,
            1,
            8,
            100,
            regionBytes / 4 - 16,
            regionBytes / 4 - 15,
            regionBytes / 2,
            regionBytes - 64,
            regionBytes - 63,
            3 * regionBytes + 5
        };
        return lengths[random.nextInt(lengths.length)];
    }

    private static byte[] bytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    private static byte[] tsv(Map<byte[], byte[]> entries) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        EntryWriter writer = TextFormat.TSV.writer(out);
        for (Map.Entry<byte[], byte[]> entry : entries.entrySet()) {
            writer.write(entry.getKey(), entry.getValue());
        }
        writer.finish();
        return out.toByteArray();
    }

    private static int lastIndexOf(byte[] bytes, byte[] part) {
        int at = new String(bytes, ISO_8859_1).lastIndexOf(new String(part, ISO_8859_1));
        assertThat(at).isNotNegative();
        return at;
    }

    private Outcome read(Path file, String... options) throws IOException, InterruptedException {
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        List<String> command =
                Stream.concat(
                                Stream.of("python3", READER.toString(), file.toString()),
                                Stream.of(options))
                        .toList();
        Process process =
                new ProcessBuilder(command)
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        try {
            assertThat(process.waitFor(60, TimeUnit.SECONDS))
                    .as("whether %s ends", command)
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Outcome(process.exitValue(), Files.readAllBytes(out), Files.readString(err));
    }
}
