package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.os.Futex;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Attacks waiting for a change of one key in one process: no write may be slept through. The
 * canaries are a waiting word without a count of wakes, and a writer that wakes nobody.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AwaitChangeTest {
    private static final byte[] KEY = "k".getBytes(UTF_8);
    private static final byte[] OTHER = "other".getBytes(UTF_8);
    private static final byte[] VALUE = "v".getBytes(UTF_8);
    private static final Duration LONG = Duration.ofMinutes(4);
    private static final long HANG_SECONDS = 180;

    /** A sleep is so long that a lost wake-up hangs the test. */
    private static final String LONG_SLICE_MILLIS = "200000";

    private static final String SLICE_PROPERTY = "dev.cairn.wait-slice-millis";
    private static final Options ONE_STRIPE =
            Options.defaults().withStripes(1).withManualCheckpoints();

    @TempDir Path directory;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private CairnStore store;

    @BeforeEach
    void open() {
        store = Cairn.open(file(), ONE_STRIPE);
    }

    @AfterEach
    void close() throws InterruptedException {
        Steps.listen(null);
        if (System.clearProperty(SLICE_PROPERTY) != null) {
            store.put(KEY, VALUE); // nothing else ends so long a sleep
        }
        threads.shutdownNow();
        store.close();
        assertThat(threads.awaitTermination(HANG_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    /** Opens the store again, with sleeps that only a wake-up ends. */
    private void sleepLong() {
        Assumptions.assumeTrue(Futex.isAvailable());
        store.close();
        System.setProperty(SLICE_PROPERTY, LONG_SLICE_MILLIS);
        open();
    }

    private Future<Long> waiting(byte[] key, long since) {
        return threads.submit(() -> store.awaitChange(key, since, LONG));
    }

    /**
     * Waits as {@link #waiting} does, and returns once the thread is about to sleep. Whatever is
     * written then must wake it.
     */
    private Future<Long> asleep(byte[] key, long since) throws InterruptedException {
        Reached aboutToSleep = Reached.by("A3");
        Future<Long> waiting = waiting(key, since);
        aboutToSleep.await(1, 1);
        return waiting;
    }

    private static <T> T soon(Future<T> future)
            throws InterruptedException, ExecutionException, TimeoutException {
        return future.get(HANG_SECONDS, TimeUnit.SECONDS);
    }

    @Test
    void whatIsDifferentAlreadyIsReturnedAtOnce() throws InterruptedException {
        long version = store.put(KEY, VALUE);

        assertThat(store.awaitChange(KEY, 0, LONG)).isEqualTo(version);
        assertThat(store.awaitChange(KEY, version + 7, LONG)).isEqualTo(version);
        assertThat(store.awaitChange(OTHER, 3, LONG)).isZero();
        assertThat(store.awaitChange(KEY, version, Duration.ZERO)).isEqualTo(version);
        assertThat(store.awaitChange(KEY, version, Duration.ofMillis(50))).isEqualTo(version);
        assertThat(store.awaitChange(OTHER, 0, Duration.ofNanos(1))).isZero();
    }

    @Test
    void wrongArgumentsAreRefused() {
        assertThatThrownBy(() -> store.awaitChange(KEY, -1, LONG))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> store.awaitChange(KEY, 0, Duration.ofMillis(-1)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void eachKindOfChangeWakes() throws Exception {
        sleepLong();
        Future<Long> created = asleep(KEY, 0);
        long first = store.put(KEY, VALUE);
        assertThat(soon(created)).isEqualTo(first);

        Future<Long> changed = asleep(KEY, first);
        long second = store.put(KEY, VALUE);
        assertThat(soon(changed)).isEqualTo(second);

        Future<Long> removed = asleep(KEY, second);
        store.remove(KEY);
        assertThat(soon(removed)).isZero();
    }

    @Test
    void otherKeysOfTheStripeDoNotEndIt() throws Exception {
        sleepLong();
        Reached asleep = Reached.by("A3");
        Future<Long> waiting = waiting(KEY, 0);
        for (int wakes = 1; wakes <= 20; wakes++) {
            asleep.await(1, wakes); // each write wakes it in vain
            store.put(OTHER, VALUE);
        }
        asleep.await(1, 21);
        assertThat(waiting.isDone()).isFalse();

        long version = store.put(KEY, VALUE);

        assertThat(soon(waiting)).isEqualTo(version);
    }

    @Test
    void anEntryThatExpiresIsAChange() throws Exception {
        sleepLong();
        long version = store.put(KEY, VALUE, Duration.ofMillis(200));

        assertThat(soon(waiting(KEY, version))).isZero();
    }

    @Test
    void interruptingEndsIt() throws Exception {
        for (Thread.Builder kind : List.of(Thread.ofPlatform(), Thread.ofVirtual())) {
            var ended = new java.util.concurrent.CompletableFuture<Class<?>>();
            Reached looked = Reached.by("A2");
            Thread waiter =
                    kind.start(() -> {
                        try {
                            long _ = store.awaitChange(KEY, 0, LONG);
                            ended.complete(null);
                        } catch (InterruptedException e) {
                            ended.complete(e.getClass());
                        }
                    });
            looked.await(1, 2);
            waiter.interrupt();
            assertThat(soon(ended)).isEqualTo(InterruptedException.class);
        }
    }

    @Test
    void closingEndsIt() throws Exception {
        Reached looked = Reached.by("A2");
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(waiting(KEY, 0));
        }
        looked.await(4, 2);
        CairnStore another = Cairn.open(file(), ONE_STRIPE);
        store.close();
        for (Future<?> each : all) {
            assertThatThrownBy(() -> soon(each)).hasCauseInstanceOf(StoreClosed.class);
        }
        Reached lookedAgain = Reached.by("A2");
        Future<Long> last = threads.submit(() -> another.awaitChange(KEY, 0, LONG));
        lookedAgain.await(1, 2);
        another.close();
        assertThatThrownBy(() -> soon(last)).hasCauseInstanceOf(StoreClosed.class);
    }

    @Test
    void aReaderIsToldToo() throws Exception {
        try (CairnStore reader = Cairn.open(file(), ONE_STRIPE.withReadOnly(true))) {
            Reached looked = Reached.by("A2");
            Future<Long> waiting = threads.submit(() -> reader.awaitChange(KEY, 0, LONG));
            looked.await(1, 2);
            long version = store.put(KEY, VALUE);
            assertThat(soon(waiting)).isEqualTo(version);
        }
    }

    @Test
    void virtualThreadsThatWaitLeaveRoomForOthers() throws Exception {
        int count = 200;
        try (ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Long>> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                byte[] key = ("virtual " + i % 7).getBytes(UTF_8);
                all.add(virtual.submit(() -> store.awaitChange(key, 0, LONG)));
            }
            Callable<Integer> work =
                    () -> {
                        int done = 0;
                        for (; done < 200; done++) {
                            Thread.sleep(1);
                        }
                        return done;
                    };
            assertThat(soon(virtual.submit(work))).isEqualTo(200);
            assertThat(all).noneMatch(Future::isDone);
            for (int i = 0; i < 7; i++) {
                store.put(("virtual " + i).getBytes(UTF_8), VALUE);
            }
            for (Future<Long> each : all) {
                assertThat(soon(each)).isPositive();
            }
        }
    }

    /**
     * Between any two steps of a waiting thread, another thread writes what the first waits for.
     */
    @Test
    void noWriteIsSleptThrough() throws Exception {
        sleepLong();
        long version = 0;
        for (String step : List.of("A2", "A3")) {
            for (int time = 1; time <= 3; time++) {
                AtomicInteger times = new AtomicInteger();
                int when = time;
                Thread[] waiter = new Thread[1];
                long seen = version;
                Steps.listen(reached -> {
                    if (Thread.currentThread() == waiter[0]
                            && reached.equals(step)
                            && times.incrementAndGet() == when) {
                        elsewhere(() -> store.put(KEY, VALUE));
                    }
                });
                Future<Long> waiting =
                        threads.submit(() -> {
                            waiter[0] = Thread.currentThread();
                            return store.awaitChange(KEY, seen, LONG);
                        });
                for (int comes = step.equals("A2") ? 2 : 1; comes < when; comes++) {
                    awaitAsking();
                    elsewhere(() -> store.put(OTHER, VALUE)); // so that it gets there again
                }
                version = soon(waiting);
                assertThat(version).isGreaterThan(seen);
            }
        }
    }

    private void awaitAsking() throws IOException, InterruptedException {
        try (MappedFile shared = shared()) {
            while ((Words.acquire(shared.first(), waitingAt()) & 1) == 0) {
                Thread.sleep(1);
            }
        }
    }

    private <T> T elsewhere(Callable<T> work) {
        try {
            return soon(threads.submit(work));
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * One thread is about to sleep, another writes what it waits for, and a third begins to wait
     * for the next write. The first must not take the third's request for its own.
     */
    @Test
    void whoAsksBehindAWriteDoesNotPutAnotherToSleep() throws Exception {
        sleepLong();
        assertThat(soon(oneAsksBehindTheWrite(false))).isPositive();
    }

    /** The canary: the waiting word has bits, but no count of wakes. */
    @Test
    void withoutACountOfWakesOneWouldSleepThroughAWrite() throws Exception {
        sleepLong();
        Future<Long> asleep = oneAsksBehindTheWrite(true);
        assertThatThrownBy(() -> asleep.get(2, TimeUnit.SECONDS))
                .isInstanceOf(TimeoutException.class);
        Steps.listen(null);
        store.put(KEY, VALUE);
        assertThat(soon(asleep)).isPositive();
    }

    private Future<Long> oneAsksBehindTheWrite(boolean withoutCount) {
        Thread[] first = new Thread[1];
        AtomicInteger times = new AtomicInteger();
        Steps.listen(reached -> {
            if (Thread.currentThread() != first[0]
                    || !reached.equals("A3")
                    || times.getAndIncrement() > 0) {
                return;
            }
            try (MappedFile shared = shared()) {
                long noted = Words.acquire(shared.first(), waitingAt());
                long version = elsewhere(() -> store.put(KEY, VALUE));
                Future<Long> _ = waiting(KEY, version);
                awaitAsking();
                if (withoutCount) {
                    Words.release(shared.first(), waitingAt(), noted);
                }
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        return threads.submit(() -> {
            first[0] = Thread.currentThread();
            return store.awaitChange(KEY, 0, LONG);
        });
    }

    /** The canary: a writer that wakes nobody. */
    @Test
    void aWriteThatWakesNobodyIsSleptThrough() throws Exception {
        sleepLong();
        Future<Long> asleep = waiting(KEY, 0);
        awaitAsking();
        try (MappedFile shared = shared()) {
            Steps.listen(reached -> {
                if (reached.equals("W14")) {
                    Words.release(shared.first(), waitingAt(), 0);
                }
            });
            store.put(KEY, VALUE);
            assertThatThrownBy(() -> asleep.get(2, TimeUnit.SECONDS))
                    .isInstanceOf(TimeoutException.class);
            Steps.listen(null);
        }
        Future<Long> _ = waiting(OTHER, 0);
        awaitAsking();
        store.put(OTHER, VALUE); // wakes everybody
        assertThat(soon(asleep)).isPositive();
    }

    private MappedFile shared() throws IOException {
        Path shm = Objects.requireNonNull(file().resolveSibling(file().getFileName() + "-shm"));
        return MappedFile.map(shm, waitingAt() + Long.BYTES, true);
    }

    private static long waitingAt() {
        return SharedLayout.stripeAt(0) + StripeWords.WAITING;
    }
}
