package dev.cairn.map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CairnMap;
import dev.cairn.LockTimeout;
import dev.cairn.StoreClosed;
import dev.cairn.format.ClaimWords;
import dev.cairn.format.SharedLayout;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;

/**
 * Attacks the end of loads: nobody may wait forever for what another thread loads, or leave others
 * to wait.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LoadEndsTest {
    private static final Duration LOAD_TIMEOUT = Duration.ofMillis(300);

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("map.cairn");
    }

    @Test
    void loadersThatWantEachOthersKeysTimeOut() throws Exception {
        CountDownLatch both = new CountDownLatch(2);
        try (CairnMap<String, Long> map = Maps.longs().loadTimeout(LOAD_TIMEOUT).open(file());
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            List<Callable<Long>> crossed =
                    List.of(() -> load(map, "a", "b", both), () -> load(map, "b", "a", both));
            List<Throwable> failures = new ArrayList<>();
            for (Future<Long> load : threads.invokeAll(crossed)) {
                try {
                    assertThat(load.get()).isEqualTo(1);
                } catch (ExecutionException e) {
                    failures.add(e.getCause());
                }
            }
            assertThat(failures)
                    .isNotEmpty()
                    .allSatisfy(each ->
                            assertThat(each)
                                    .isInstanceOfSatisfying(
                                            LockTimeout.class, this::requireOfALoad))
                    .anySatisfy(
                            each -> // the first one; the other still has its key
                            assertThat(((LockTimeout) each).holder())
                                            .hasValue(ProcessHandle.current().pid()));
            assertThat(map.get("a", _ -> 1L)).isEqualTo(1);
            assertThat(map.get("b", _ -> 1L)).isEqualTo(1);
            assertThat(claims()).isZero();
        }
    }

    private void requireOfALoad(LockTimeout timeout) {
        assertThat(timeout.path()).isEqualTo(file());
        assertThat(timeout.awaited()).contains("load of a key");
        assertThat(timeout.waited()).isEqualTo(LOAD_TIMEOUT);
    }

    /** Loads a key by loading another one, once both threads have begun. */
    private static Long load(
            CairnMap<String, Long> map, String key, String other, CountDownLatch begun) {
        return map.get(
                key,
                _ -> {
                    begun.countDown();
                    awaitUnchecked(begun);
                    return map.get(other, _ -> 1L);
                });
    }

    @Test
    void whoWaitsForALoadIsToldThatItsMapWasClosed() throws Exception {
        CountDownLatch loading = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        try (CairnMap<String, Long> stays = Maps.longs().open(file())) {
            CairnMap<String, Long> goes =
                    Maps.longs().loadTimeout(Duration.ofHours(1)).open(file());
            FutureTask<Long> loader =
                    new FutureTask<>(() ->
                            stays.get(
                                    "a",
                                    _ -> {
                                        loading.countDown();
                                        awaitUnchecked(closed);
                                        return 1L;
                                    }));
            FutureTask<Long> waiter = new FutureTask<>(() -> goes.get("a", _ -> 2L));
            Thread.ofPlatform().daemon().start(loader);
            loading.await();
            Thread waits = Thread.ofPlatform().daemon().start(waiter);
            while (waits.getState() != Thread.State.TIMED_WAITING && waits.isAlive()) {
                Thread.onSpinWait();
            }
            goes.close();
            assertThatThrownBy(waiter::get).hasCauseInstanceOf(StoreClosed.class);
            closed.countDown();
            assertThat(loader.get()).isEqualTo(1);
        }
    }

    @Test
    void aMapThatIsClosedWhileItLoadsLeavesNoClaim() {
        try (CairnMap<String, Long> stays = Maps.longs().open(file())) {
            CairnMap<String, Long> goes = Maps.longs().open(file());
            assertThatThrownBy(() ->
                            goes.get(
                                    "a",
                                    _ -> {
                                        assertThat(claims()).isEqualTo(1);
                                        goes.close();
                                        return 1L;
                                    }))
                    .isInstanceOf(StoreClosed.class);
            assertThat(claims()).isZero();
            assertThat(stays.get("a", _ -> 7L)).isEqualTo(7);
        }
    }

    /** How many claims of loads stand in shared memory, for every process to see. */
    private int claims() {
        try {
            byte[] shared = Files.readAllBytes(directory.resolve("map.cairn-shm"));
            ByteBuffer words = ByteBuffer.wrap(shared).order(ByteOrder.LITTLE_ENDIAN);
            int count = 0;
            for (int bucket = 0; bucket < SharedLayout.CLAIM_BUCKETS; bucket++) {
                long first = SharedLayout.claimBucketAt(bucket) + ClaimWords.CLAIMS;
                for (int i = 0; i < ClaimWords.COUNT; i++) {
                    long owner = first + (long) i * ClaimWords.CLAIM_BYTES + ClaimWords.OWNER;
                    count += words.getLong(Math.toIntExact(owner)) == 0 ? 0 : 1;
                }
            }
            return count;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void awaitUnchecked(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
