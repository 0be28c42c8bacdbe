package dev.cairn.os;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Content;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Attacks reads of a failing device: what it cannot give must be zeros, and the rest must be there.
 */
class RawFileTest {
    private static final int BYTES = 20_000;
    private static final byte[] CONTENT = Content.value(1, 1, BYTES);

    @TempDir Path directory;

    /** A device that reports EIO for the bytes in a range. */
    private static RawFile rotten(int from, int to) {
        return new RawFile(
                new RawFile.Source() {
                    @Override
                    public int read(long at, byte[] bytes, int into, int length)
                            throws IOException {
                        if (at < to && at + length > from) {
                            throw new IOException("Input/output error");
                        }
                        int given = (int) Math.min(Math.min(1000, length), BYTES - at);
                        if (given <= 0) {
                            return -1;
                        }
                        System.arraycopy(CONTENT, (int) at, bytes, into, given);
                        return given;
                    }

                    @Override
                    public void close() {}
                },
                BYTES);
    }

    @Test
    void aRottenSectorCostsItsBlock() throws IOException {
        try (RawFile file = rotten(9000, 9512)) {
            byte[] read = new byte[16_000];
            Arrays.fill(read, (byte) 1);
            assertThat(file.read(100, read, read.length)).isEqualTo(4096);
            byte[] expected = Arrays.copyOfRange(CONTENT, 100, 16_100);
            Arrays.fill(expected, 8192 - 100, 12288 - 100, (byte) 0);
            assertThat(read).isEqualTo(expected);
        }
    }

    @Test
    void behindTheEndAreZeros() throws IOException {
        Path path = Files.write(directory.resolve("file"), CONTENT);
        try (RawFile file = RawFile.open(path)) {
            assertThat(file.size()).isEqualTo(BYTES);
            byte[] read = new byte[100];
            Arrays.fill(read, (byte) 1);
            assertThat(file.read(BYTES - 40, read, read.length)).isEqualTo(60);
            assertThat(Arrays.copyOf(read, 40))
                    .isEqualTo(Arrays.copyOfRange(CONTENT, BYTES - 40, BYTES));
            assertThat(Arrays.copyOfRange(read, 40, 100)).isEqualTo(new byte[60]);
            assertThat(file.read(BYTES + 1000, read, read.length)).isEqualTo(100);
        }
    }
}
