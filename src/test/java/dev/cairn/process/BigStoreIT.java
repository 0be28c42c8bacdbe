package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Recovery.Kind;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * Attacks the arithmetic of large files: a store grows to six gibibytes under another process, and
 * is read again after a close. That is more bytes than an {@code int} counts and more than one
 * mapping covers.
 */
@Tag("soak")
@Timeout(value = 1200, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BigStoreIT {
    private static final long STORE_BYTES = 6L << 30;
    private static final long NEEDED_BYTES = 15L << 30;
    private static final int LEAST_VALUE = 16 << 20;
    private static final int LARGEST_VALUE = 64 << 20;

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    @Test
    void sixGibibytesGrowUnderAnotherProcessAndComeBack() throws IOException {
        long free = Files.getFileStore(directory).getUsableSpace();
        assumeTrue(free > NEEDED_BYTES, "only " + (free >> 30) + " GiB free in " + directory);
        Path file = directory.resolve("big.cairn");
        Child other = children.start();
        SplittableRandom lengths = new SplittableRandom(6);
        int count = 0;
        long start = System.nanoTime();
        try (CairnStore store = Cairn.open(file)) {
            other.ask("open", file);
            for (long bytes = 0; bytes < STORE_BYTES; count++) {
                int length = lengths.nextInt(LEAST_VALUE, LARGEST_VALUE);
                store.put(bytes("big" + count), Values.of("big" + count, 0, count, length));
                bytes += length;
                assertThat(other.ask("get", "big" + count)).isEqualTo(Integer.toString(count));
            }
            assertThat(store.stats().dataFileBytes()).isGreaterThan(STORE_BYTES);
            other.ask("put", "small", 100);
            assertThat(store.get(bytes("small"))).isNotNull();
        }
        long written = System.nanoTime();
        other.ask("close");
        long closed = System.nanoTime();
        try (CairnStore store = Cairn.open(file)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertThat(store.size()).isEqualTo(count + 1);
            for (int i = 0; i < count; i++) {
                assertThat(Values.whole("big" + i, store.get(bytes("big" + i))).sequence())
                        .isEqualTo(i);
            }
        }
        System.out.printf(
                "BigStoreIT: %d values written in %.1f s, forced in %.1f s, read in %.1f s%n",
                count,
                (written - start) / 1e9,
                (closed - written) / 1e9,
                (System.nanoTime() - closed) / 1e9);
    }
}
