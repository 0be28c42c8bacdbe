package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the growth of the data file: it must grow in the background, before a writer needs it,
 * and only for those who write.
 */
@Timeout(60)
class GrowthTest {
    private static final long MEBIBYTE = 1 << 20;
    private static final int VALUE_BYTES = 16_000;

    /** From this length on the file grows ahead, since an eighth of it is 2 MiB. */
    private static final long LARGE_BYTES = 16 * MEBIBYTE;

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long SEVERAL_TICKS_MILLIS = 2500;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    /** For each length to which the data file grew, the thread that made it grow. */
    private final Map<Long, String> growers = new ConcurrentHashMap<>();

    @AfterEach
    void usualMedium() {
        Medium.use(Medium.SYSTEM);
    }

    private CairnStore open(Options options) {
        Medium.use(
                new Medium() {
                    @Override
                    public void force(MappedFile file, long from, long to) throws IOException {
                        Medium.SYSTEM.force(file, from, to);
                    }

                    @Override
                    public void reserving(Path file, long from, long to) {
                        if (file.toString().endsWith(".cairn")) {
                            growers.put(to, Thread.currentThread().getName());
                        }
                    }
                });
        return Cairn.open(directory.resolve("store.cairn"), options);
    }

    private static void put(CairnStore store, int key) {
        store.put(ByteBuffer.allocate(Integer.BYTES).putInt(key).array(), new byte[VALUE_BYTES]);
    }

    /** Writes as fast as the background can follow. Returns the number of keys. */
    private static int fill(CairnStore store, long bytes) {
        int key = 0;
        while (store.stats().dataFileBytes() < bytes) {
            put(store, key++);
            long begun = System.nanoTime();
            while (room(store) < store.stats().regions() / 32
                    && store.stats().dataFileBytes() >= LARGE_BYTES) {
                assertThat(System.nanoTime() - begun).isLessThan(PATIENCE_NANOS);
                LockSupport.parkNanos(100_000);
            }
        }
        return key;
    }

    /** The free regions, except those that no write takes (RULE 27, for 64 stripes). */
    private static long room(CairnStore store) {
        Stats stats = store.stats();
        return stats.freeRegions() - Math.clamp((stats.regions() - 256) / 4, 2, 66);
    }

    @Test
    void noWriterGrowsALargeFile() {
        try (CairnStore store = open(Options.defaults())) {
            int _ = fill(store, 4 * LARGE_BYTES);
            assertThat(growers.keySet()).anyMatch(length -> length > 3 * LARGE_BYTES);
            growers.forEach((length, grower) -> {
                if (length > LARGE_BYTES + 8 * MEBIBYTE) {
                    assertThat(grower)
                            .as("thread that made the file grow to %d bytes", length)
                            .startsWith("cairn-maintenance-");
                }
            });
            long ahead = store.stats().regions() / 8 + 2 * MEBIBYTE / store.stats().regionBytes();
            assertThat(room(store)).isLessThanOrEqualTo(ahead);
        }
    }

    @Test
    void whoOnlyReadsGetsNoLargerFile() throws InterruptedException {
        try (CairnStore store = open(Options.defaults())) {
            int keys = fill(store, 2 * LARGE_BYTES);
            long _ = store.checkpoint();
            long before = store.stats().dataFileBytes();
            for (int key = 0; key < keys; key++) {
                assertThat(store.get(ByteBuffer.allocate(Integer.BYTES).putInt(key).array()))
                        .isNotNull();
            }
            Thread.sleep(SEVERAL_TICKS_MILLIS);
            assertThat(store.stats().dataFileBytes()).isEqualTo(before);
        }
    }

    @Test
    void aSmallStoreStaysSmall() {
        try (CairnStore store = open(Options.defaults())) {
            assertThat(growers.keySet()).allMatch(length -> length <= 4.2 * MEBIBYTE);
            for (int key = 0; key < 100; key++) {
                put(store, key);
            }
            assertThat(growers.keySet()).allMatch(length -> length <= 6 * MEBIBYTE);
        }
    }

    @Test
    void aBoundIsNoMultipleAndIsKept() {
        long bound = 2 * LARGE_BYTES + 100_001;
        try (CairnStore store = open(Options.defaults().withMaxBytes(bound))) {
            assertThatThrownBy(
                            () -> {
                                for (int key = 0; ; key++) {
                                    put(store, key);
                                }
                            })
                    .isInstanceOf(StoreFull.class);
            assertThat(store.stats().dataFileBytes()).isGreaterThan(bound - 2 * MEBIBYTE);
            assertThat(growers.keySet()).allMatch(length -> length <= bound);
        }
    }
}
