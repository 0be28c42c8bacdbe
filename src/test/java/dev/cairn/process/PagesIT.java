package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.Options;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Attacks the promise that both files of a store lie in memory in pages of 2 MiB, if the kernel has
 * such pages for files.
 */
class PagesIT {
    private static final int LARGE = 2 << 20;
    private static final int PATIENCE_SECONDS = 120;
    private static final int ENTRIES = 200_000;

    @TempDir Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"--enable-native-access=ALL-UNNAMED", "--illegal-native-access=deny"})
    void bothFilesLieInLargePages(String flag) throws Exception {
        requireLargePages();
        List<Long> large = largeBytesOf(flag, Durability.CHECKPOINT);
        assertThat(large.get(0)).isGreaterThan(Files.size(data()) / 2);
        assertThat(large.get(1)).isGreaterThan(Files.size(shared()) / 2);
    }

    /**
     * Each write is forced, and the kernel forces a page as a whole, so small pages are better
     * here.
     */
    @ParameterizedTest
    @ValueSource(strings = {"--enable-native-access=ALL-UNNAMED", "--illegal-native-access=deny"})
    void theDataFileOfOneWhoForcesEachWriteDoesNot(String flag) throws Exception {
        requireLargePages();
        assertThat(largeBytesOf(flag, Durability.EACH_WRITE).get(0)).isZero();
    }

    /** What is written after growth is mapped in whole large pages, so the files end with one. */
    @Test
    void aFileThatGrewIsAMultipleOfThem() throws Exception {
        List<Long> _ = largeBytesOf("--enable-native-access=ALL-UNNAMED", Durability.CHECKPOINT);
        assertThat(Files.size(data()) % LARGE).isZero();
        assertThat(Files.size(shared()) % LARGE).isZero();
    }

    private Path data() {
        return directory.resolve("store.cairn");
    }

    private Path shared() {
        return directory.resolve("store.cairn-shm");
    }

    /**
     * Skips the test unless the kernel gives large pages for files. To ask the kernel, it writes a
     * file without any of the store's code.
     */
    private void requireLargePages() throws IOException {
        Path file = directory.resolve("probe");
        try (FileChannel channel =
                        FileChannel.open(
                                file,
                                StandardOpenOption.CREATE,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE);
                Arena arena = Arena.ofShared()) {
            int _ = channel.write(ByteBuffer.allocateDirect(LARGE));
            MemorySegment mapped = channel.map(MapMode.READ_WRITE, 0, LARGE, arena);
            mapped.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            assumeTrue(
                    largeBytesOf(file) > 0,
                    "LARGE PAGES WERE NOT TESTED: this kernel has none for files here");
        } finally {
            Files.deleteIfExists(file);
        }
    }

    /**
     * The bytes in large pages of the data file and of the shared-memory file, as another JVM maps
     * them.
     */
    private List<Long> largeBytesOf(String flag, Durability durability) throws Exception {
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:-UsePerfData",
                                flag,
                                "-cp",
                                System.getProperty("java.class.path"),
                                PagesIT.class.getName(),
                                data().toString(),
                                durability.name())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).as(output).isZero();
        return output.lines().map(Long::valueOf).toList();
    }

    /**
     * The other JVM: it fills a store and prints for each file how many bytes are mapped in large
     * pages.
     */
    public static void main(String[] arguments) throws IOException {
        Path file = Path.of(arguments[0]);
        Options options =
                Options.defaults()
                        .withDurability(Durability.valueOf(arguments[1]))
                        .withCheckpointEvery(Duration.ofHours(1));
        boolean each = options.durability() == Durability.EACH_WRITE;
        try (CairnStore store = Cairn.open(file, options)) {
            for (int entry = 0; entry < ENTRIES; entry += each ? ENTRIES / 20 : 1) {
                store.put(("key " + entry).getBytes(UTF_8), new byte[each ? 1 << 20 : 100]);
            }
            assertThat(store.verify().damages()).isEmpty(); // touches everything, newest mapping
            System.out.println(largeBytesOf(file));
            System.out.println(largeBytesOf(file.resolveSibling(file.getFileName() + "-shm")));
        }
    }

    /** The bytes in large pages of the mapping of a file that has most of them. */
    private static long largeBytesOf(Path file) throws IOException {
        long most = 0;
        boolean ofFile = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                ofFile = line.endsWith(" " + file.toRealPath());
            } else if (ofFile && line.startsWith("FilePmdMapped:")) {
                most = Math.max(most, Long.parseLong(line.replaceAll("\\D", "")) << 10);
            }
        }
        return most;
    }
}
