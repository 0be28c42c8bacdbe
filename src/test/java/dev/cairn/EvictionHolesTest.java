package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.format.CacheLayout;
import dev.cairn.format.DataHeader;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Attacks eviction with what might stop it: large values, backups, damage, stopped writers, and
 * wrong hints.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EvictionHolesTest {
    private static final long BOUND = 4L << 20;

    private static final Options CACHE =
            Options.defaults().withMaxBytes(BOUND).withEviction(true).withStripes(1);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @AfterEach
    void usual() {
        Steps.listen(null);
    }

    private Path file() {
        return directory.resolve("cache.cairn");
    }

    private static void put(CairnStore store, int key, int bytes) {
        store.put(Content.key(key), Content.value(key, 0, bytes));
    }

    /**
     * The records of all large values fit into the tail region, which is also the oldest of its
     * stripe.
     */
    @Test
    void largeValuesAreEvictedThoughAllTheirRecordsStandInTheTailRegion() {
        try (CairnStore store = Cairn.open(file(), CACHE)) {
            for (int key = 0; key < 100; key++) {
                put(store, key, 200_000);
            }
            assertThat(store.size()).isGreaterThan(5);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /** The same with several stripes. */
    @Test
    void largeValuesOfSeveralStripesAreEvicted() {
        try (CairnStore store = Cairn.open(file(), CACHE.withStripes(64))) {
            for (int key = 0; key < 200; key++) {
                put(store, key, 100_000);
            }
            assertThat(store.size()).isGreaterThan(10);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /**
     * Verification notes what it read of a region. Then that region leaves, and its content with
     * it.
     */
    @Test
    void verificationBesideEvictionFindsNoDamage() throws Exception {
        AtomicBoolean end = new AtomicBoolean();
        try (CairnStore store = Cairn.open(file(), CACHE.withStripes(4));
                ExecutorService threads = Executors.newCachedThreadPool()) {
            Future<?> writer =
                    threads.submit(() -> {
                        for (int key = 0; !end.get(); key++) {
                            put(store, key, 300);
                        }
                    });
            List<String> damages = new ArrayList<>();
            try {
                TimeUnit.MILLISECONDS.sleep(500);
                for (int i = 0; i < Rounds.of(4, 40) && damages.isEmpty(); i++) {
                    damages.addAll(store.verify().damages());
                }
            } finally {
                end.set(true);
            }
            writer.get();
            assertThat(damages).isEmpty();
        }
    }

    /**
     * A backup keeps regions that die. Whoever needs room must wait for it, rather than evict what
     * gives none.
     */
    @Test
    void aBackupDoesNotEmptyACache() throws Exception {
        CountDownLatch underWay = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        try (CairnStore store = Cairn.open(file(), CACHE.withDurability(Durability.CHECKPOINT));
                ExecutorService threads = Executors.newCachedThreadPool()) {
            for (int key = 0; key < 30_000; key++) {
                put(store, key, 200);
            }
            store.checkpoint();
            long before = store.size();
            Steps.listen(step -> {
                if (step.equals("backup")) {
                    underWay.countDown();
                    await(mayEnd);
                }
            });
            Future<Long> backup = threads.submit(() -> store.backup(directory.resolve("backup")));
            underWay.await();
            long after;
            try {
                Future<?> writer =
                        threads.submit(() -> {
                            for (int more = 30_000; more < 33_000; more++) { // a fifth of the bound
                                put(store, more, 200);
                            }
                        });
                TimeUnit.SECONDS.sleep(3); // ticks of the maintenance thread
                after = store.size();
                mayEnd.countDown();
                writer.get();
            } finally {
                mayEnd.countDown();
            }
            long _ = backup.get();
            assertThat(after).isGreaterThan(before / 2);
            assertThat(store.size()).isGreaterThan(before / 2);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * The key does not fit into a region. Its tombstone would need as many regions as it gives
     * back.
     */
    @Test
    void aLargeKeyIsRefused() {
        byte[] large = new byte[220_000];
        try (CairnStore store = Cairn.open(file(), CACHE)) {
            assertThatThrownBy(() -> store.put(large, new byte[10]))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("220000");
            assertThat(store.get(large)).isNull();
            assertThat(store.remove(large)).isZero();
            byte[] longest = new byte[8_000]; // regions have 32 KiB
            for (int i = 0; i < 3_000; i++) {
                longest[0] = (byte) i;
                longest[1] = (byte) (i >> 8);
                store.put(longest, new byte[10]);
            }
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /** A cache may drop what it cannot read. */
    @Test
    void aDamagedRegionDoesNotStopEviction() throws IOException {
        try (CairnStore store = Cairn.open(file(), CACHE)) {
            for (int key = 0; key < 5_000; key++) {
                put(store, key, 200);
            }
            damage(Content.value(3, 0, 200));
            for (int key = 5_000; key < 100_000; key++) {
                put(store, key, 200);
            }
            assertThat(store.size()).isGreaterThan(5_000);
            assertThat(store.verify().damages()).isEmpty();
            assertThat(store.stats().damagedStripes()).isZero();
        }
    }

    /** Whoever drops a damaged stripe may fail in the middle of it. The next must finish that. */
    @Test
    void aStripeThatIsDroppedIsDroppedAsAWhole() throws IOException {
        try (CairnStore store = Cairn.open(file(), CACHE.withStripes(2))) {
            for (int key = 0; key < 5_000; key++) {
                put(store, key, 200);
            }
            damage(Content.value(3, 0, 200));
            boolean[] failed = {false};
            Steps.listen(step -> {
                if (step.equals("E7") && !failed[0]) {
                    failed[0] = true;
                    throw new IllegalStateException("E7");
                }
            });
            int refused = 0;
            for (int key = 5_000; key < 100_000; key++) {
                try {
                    put(store, key, 200);
                } catch (IllegalStateException e) {
                    refused++;
                }
            }
            assertThat(failed[0]).isTrue();
            assertThat(refused).isLessThan(2);
            assertThat(store.verify().damages()).isEmpty();
            assertThat(store.size()).isGreaterThan(5_000);
            assertThat(store.stats().damagedStripes()).isZero();
        }
    }

    private void damage(byte[] sought) throws IOException {
        byte[] bytes = Files.readAllBytes(file());
        int at = 0;
        while (!Arrays.equals(bytes, at, at + sought.length, sought, 0, sought.length)) {
            at++;
        }
        try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {(byte) ~sought[0]}), at);
        }
    }

    /**
     * A writer stands in one stripe for a long time. Entries of other stripes must be evicted
     * instead.
     */
    @Test
    void aStoppedWriterDoesNotStopOthersThatNeedRoom() throws Exception {
        CountDownLatch stopped = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        Options options = CACHE.withStripes(8).withLockTimeout(Duration.ofSeconds(1));
        try (CairnStore store = Cairn.open(file(), options);
                ExecutorService threads = Executors.newCachedThreadPool()) {
            for (int key = 0; key < 2_000; key++) {
                put(store, key, 4_000);
            }
            Thread[] writer = {null};
            Steps.listen(step -> {
                if (Thread.currentThread() == writer[0] && step.equals("W3")) {
                    stopped.countDown();
                    await(mayEnd);
                }
            });
            Future<?> put =
                    threads.submit(() -> {
                        writer[0] = Thread.currentThread();
                        put(store, -1, 4_000);
                    });
            stopped.await();
            int refused = 0;
            int done = 0;
            try {
                for (int key = 2_000; key < 2_200; key++) {
                    if (store.stripeOf(Content.key(key)) == store.stripeOf(Content.key(-1))) {
                        continue; // these wait for the writer
                    }
                    try {
                        put(store, key, 40_000);
                        done++;
                    } catch (LockTimeout e) {
                        refused++;
                    }
                    if (refused > 3) {
                        break;
                    }
                }
            } finally {
                mayEnd.countDown();
            }
            put.get();
            assertThat(refused).as("refused puts, beside %d others", done).isZero();
        }
    }

    /** The hints of others in shared memory may be anything. */
    @Test
    void aHintThatIsWrongIsNoDamage() throws IOException {
        try (CairnStore store = Cairn.open(file(), CACHE)) {
            for (int key = 0; key < 30_000; key++) {
                put(store, key, 200);
            }
            byte[] block = Arrays.copyOf(Files.readAllBytes(file()), DataHeader.BLOCK_BYTES);
            DataHeader header = DataHeader.decode(file(), block);
            long at = CacheLayout.stripeAt(header, 0) + CacheLayout.JOB_PROGRESS;
            Path shared = directory.resolve("cache.cairn-shm");
            try (FileChannel channel = FileChannel.open(shared, StandardOpenOption.WRITE)) {
                ByteBuffer word = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
                channel.write(word.putLong(0, 1_000), at);
            }
            for (int key = 30_000; key < 60_000; key++) {
                put(store, key, 200);
            }
            assertThat(store.stats().damagedStripes()).isZero();
        }
    }

    /** Several threads put entries of all sizes up to the largest that is allowed. */
    @Test
    void putsOfAllSizesFromSeveralThreadsAreNeverRefused() throws Exception {
        try (CairnStore store = Cairn.open(file(), CACHE.withStripes(8));
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<?>> writers = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                int seed = thread;
                writers.add(
                        threads.submit(() -> {
                            Random random = new Random(seed);
                            for (int i = 0; i < 20_000; i++) {
                                int bytes =
                                        random.nextInt(200) == 0
                                                ? 450_000
                                                : 16 + random.nextInt(400);
                                put(store, random.nextInt(100_000), bytes);
                            }
                        }));
            }
            for (Future<?> writer : writers) {
                writer.get();
            }
            assertThat(store.verify().damages()).isEmpty();
        }
    }
}
