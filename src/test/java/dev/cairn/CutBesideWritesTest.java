package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that a checkpoint gets its cut however long the writers around it hold their
 * stripes.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CutBesideWritesTest {
    private static final int WRITERS = 8;
    private static final int CHECKPOINTS = 3;

    /**
     * About as long as a value of ten megabytes takes to copy. At first, a cut waits for one
     * millisecond only.
     */
    private static final long HOLD_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @AfterEach
    void stopListening() {
        Steps.listen(null);
    }

    @Test
    void writesThatHoldTheirStripesForLong() throws Exception {
        Options options =
                Options.defaults()
                        .withStripes(16)
                        .withManualCheckpoints()
                        .withLockTimeout(Duration.ofSeconds(15));
        AtomicBoolean stop = new AtomicBoolean();
        Thread checkpointing = Thread.currentThread();
        Steps.listen(step -> {
            if (step.equals("W3") && Thread.currentThread() != checkpointing) {
                LockSupport.parkNanos(HOLD_NANOS);
            }
        });
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"), options);
                ExecutorService threads = Executors.newFixedThreadPool(WRITERS)) {
            List<Future<Long>> written = new ArrayList<>();
            for (int writer = 0; writer < WRITERS; writer++) {
                int each = writer;
                written.add(threads.submit(() -> writeUntil(stop, store, each)));
            }
            try {
                for (int i = 0; i < CHECKPOINTS; i++) {
                    long before = store.stats().writes();
                    while (store.stats().writes() < before + WRITERS) {
                        Thread.sleep(1);
                    }
                    assertThat(store.checkpoint()).isPositive();
                }
            } finally {
                stop.set(true);
            }
            for (Future<Long> writer : written) {
                assertThat(writer.get()).isPositive();
            }
            assertThat(store.stats().checkpoints()).isEqualTo(CHECKPOINTS);
        }
    }

    private static long writeUntil(AtomicBoolean stop, CairnStore store, int writer) {
        long count = 0;
        while (!stop.get()) {
            byte[] key = ByteBuffer.allocate(16).putLong(writer).putLong(count++ % 100).array();
            store.put(key, new byte[1000]);
        }
        return count;
    }
}
