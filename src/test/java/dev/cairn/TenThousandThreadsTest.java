package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Attacks the store with ten thousand virtual threads at once that write, read and wait. Each must
 * come to its end.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TenThousandThreadsTest {
    private static final int WAITERS = 4000;
    private static final int WRITERS = 4000;
    private static final int READERS = 2000;
    private static final int WRITES_EACH = 5;
    private static final Duration LONG = Duration.ofMinutes(4);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @Test
    void tenThousandVirtualThreadsWriteReadAndWait() throws Exception {
        try (CairnStore store =
                        Cairn.open(
                                directory.resolve("store.cairn"),
                                Options.defaults()
                                        .withStripes(4)
                                        .withLockTimeout(Duration.ofMinutes(2)));
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            CountDownLatch begun = new CountDownLatch(WAITERS);
            List<Future<Long>> waiters = new ArrayList<>();
            for (int i = 0; i < WAITERS; i++) {
                byte[] key = Content.key(i); // the key of one writer
                waiters.add(
                        threads.submit(() -> {
                            begun.countDown();
                            return store.awaitChange(key, 0, LONG);
                        }));
            }
            begun.await();
            List<Future<Long>> writers = new ArrayList<>();
            for (int i = 0; i < WRITERS; i++) {
                int key = i;
                writers.add(threads.submit(() -> write(store, key)));
            }
            List<Future<Long>> readers = new ArrayList<>();
            for (int i = 0; i < READERS; i++) {
                int first = i;
                readers.add(threads.submit(() -> read(store, first)));
            }
            for (int i = 0; i < WRITERS; i++) {
                long last = writers.get(i).get(LONG.toSeconds(), TimeUnit.SECONDS);
                long seen = waiters.get(i).get(LONG.toSeconds(), TimeUnit.SECONDS);
                assertThat(seen).isBetween(1L, last);
                assertThat(store.version(Content.key(i))).isEqualTo(last);
            }
            long found = 0;
            for (Future<Long> reader : readers) {
                found += reader.get(LONG.toSeconds(), TimeUnit.SECONDS);
            }
            System.out.printf("TenThousandThreadsTest: readers found %d values%n", found);
            assertThat(store.size()).isEqualTo(WRITERS);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    private static long write(CairnStore store, int key) {
        long version = 0;
        for (int sequence = 0; sequence < WRITES_EACH; sequence++) {
            long now = store.put(Content.key(key), Content.value(key, sequence, 40));
            assertThat(now).isGreaterThan(version);
            version = now;
            assertThat(Content.sequence(key, store.get(Content.key(key)))).isEqualTo(sequence);
        }
        return version;
    }

    private static long read(CairnStore store, int first) {
        long found = 0;
        for (int i = 0; i < 20; i++) {
            int key = (first + i * 211) % WRITERS;
            byte[] value = store.get(Content.key(key));
            if (value != null) {
                assertThat(Content.sequence(key, value)).isBetween(0L, WRITES_EACH - 1L);
                found++;
            }
        }
        return found;
    }
}
