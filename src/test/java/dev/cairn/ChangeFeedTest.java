package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Change.Lagged;
import dev.cairn.Change.Put;
import dev.cairn.Change.Removed;
import dev.cairn.os.Futex;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Attacks what a change feed tells in one process: each change from its opening on, in each
 * stripe's order, and that it lags when it does.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ChangeFeedTest {
    private static final byte[] VALUE = "v".getBytes(UTF_8);
    private static final Duration LONG = Duration.ofMinutes(4);
    private static final long HANG_SECONDS = 180;
    private static final String SLICE_PROPERTY = "dev.cairn.wait-slice-millis";
    private static final Options QUIET = Options.defaults().withStripes(4).withManualCheckpoints();

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private CairnStore store;

    @BeforeEach
    void open() {
        store = Cairn.open(file(), QUIET);
    }

    @AfterEach
    void close() throws InterruptedException {
        Steps.listen(null);
        System.clearProperty(SLICE_PROPERTY);
        scale.close();
        threads.shutdownNow();
        store.close();
        assertThat(threads.awaitTermination(HANG_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private static byte[] key(int i) {
        return ("key " + i).getBytes(UTF_8);
    }

    private static List<Change<byte[]>> drained(ChangeFeed<byte[]> feed)
            throws InterruptedException {
        List<Change<byte[]>> changes = new ArrayList<>();
        for (Change<byte[]> change = feed.poll(Duration.ZERO);
                change != null;
                change = feed.poll(Duration.ZERO)) {
            changes.add(change);
        }
        return changes;
    }

    @Test
    void eachChangeIsToldFromTheOpeningOn() throws InterruptedException {
        store.put(key(0), VALUE);
        try (ChangeFeed<byte[]> feed = store.watch()) {
            assertThat(feed.poll(Duration.ZERO)).isNull();
            assertThat(feed.poll(Duration.ofMillis(30))).isNull();

            long version = store.put(key(0), VALUE);
            store.remove(key(0));
            store.remove(key(0)); // nothing to remove, nothing to tell

            Put<byte[]> put = (Put<byte[]>) feed.poll(LONG);
            assertThat(put.key()).isEqualTo(key(0));
            assertThat(put.version()).isEqualTo(version);
            assertThat(put.stripe()).isEqualTo(store.stripeOf(key(0)));
            Removed<byte[]> removed = (Removed<byte[]>) feed.poll(LONG);
            assertThat(removed.key()).isEqualTo(key(0));
            assertThat(removed.version()).isGreaterThan(version);
            assertThat(feed.poll(Duration.ZERO)).isNull();
        }
    }

    @Test
    void aNewStoreCanBeWatchedFromItsFirstWriteOn() throws InterruptedException {
        try (ChangeFeed<byte[]> feed = store.watch()) {
            for (int i = 0; i < 50; i++) {
                store.put(key(i), VALUE);
            }
            assertThat(drained(feed)).hasSize(50).allMatch(change -> change instanceof Put);
        }
    }

    @Test
    void stripesAreToldInTurn() throws InterruptedException {
        try (ChangeFeed<byte[]> feed = store.watch()) {
            byte[] busy = key(0);
            byte[] other = key(1);
            for (int i = 2; store.stripeOf(other) == store.stripeOf(busy); i++) {
                other = key(i);
            }
            store.put(busy, VALUE);
            store.put(other, VALUE);
            int busyBefore = 0;
            for (int told = 0; told < 2; ) {
                Change<byte[]> change = feed.poll(Duration.ZERO);
                if (change.stripe() == store.stripeOf(busy)) {
                    busyBefore++;
                    store.put(busy, VALUE);
                    assertThat(busyBefore).isLessThan(10);
                } else {
                    told = 2;
                }
            }
        }
    }

    @Test
    void largeKeysAndValuesAreTold() throws InterruptedException {
        byte[] longKey = "x".repeat(5_000).getBytes(UTF_8);
        byte[] longerKey = "y".repeat(20_000).getBytes(UTF_8);
        try (ChangeFeed<byte[]> feed = store.watch()) {
            store.put(longKey, new byte[30_000]);
            store.put(longKey, new byte[40_000]); // the first value's run is free from here on
            store.put(longerKey, VALUE);
            store.remove(longerKey);
            store.put(key(1), new byte[100_000]);
            Set<String> told = new HashSet<>();
            for (Change<byte[]> change : drained(feed)) {
                switch (change) {
                    case Put<byte[]>(byte[] key, long version, int _) ->
                            told.add("put " + key.length + " " + (version == version(key)));
                    case Removed<byte[]>(byte[] key, long _, int _) ->
                            told.add("removed " + key.length);
                    case Lagged<byte[]> _ -> told.add("lagged");
                }
            }
            assertThat(told).contains("put 5000 true", "removed 20000", "put 5 true");
            assertThat(told).doesNotContain("lagged");
        }
    }

    private long version(byte[] key) {
        Versioned found = store.getVersioned(key);
        return found == null ? 0 : found.version();
    }

    @Test
    void whoIsTooSlowIsToldAndEqualAfterReadingAgain() throws InterruptedException {
        try (ChangeFeed<byte[]> feed = store.watch();
                Replica replica = new Replica(store, feed)) {
            for (int turn = 0; turn < 30; turn++) {
                for (int i = 0; i < 200; i++) {
                    store.put(key(i), new byte[200]);
                }
                for (int i = turn; i < 200; i += 30) {
                    store.remove(key(i));
                }
                store.checkpoint();
            }
            store.compact();
            replica.catchUp();
            assertThat(replica.lagged()).isPositive();
            replica.requireEqual();
            store.put(key(1), VALUE);
            replica.catchUp();
            replica.requireEqual();
        }
    }

    /**
     * The region of a removal is evacuated, but kept for the last checkpoint. The run with the
     * removed key is not kept, and is used again.
     */
    @Test
    void aRemovalWhoseKeyIsGoneIsNotPassedOverInSilence() throws InterruptedException {
        byte[] longKey = "x".repeat(1_500).getBytes(UTF_8);
        Path alone = directory.resolve("alone.cairn");
        try (CairnStore one = Cairn.open(alone, QUIET.withStripes(1))) {
            one.put(longKey, VALUE);
            for (int i = 0; i < 12; i++) {
                one.put(key(i), new byte[200]);
            }
            one.checkpoint();
            List<Replica> replicas = new ArrayList<>();
            for (int i = 0; i < 400; i++) {
                replicas.add(new Replica(one, one.watch()));
            }
            one.remove(longKey);
            long lagged = 0;
            for (int i = 0; i < replicas.size(); i++) { // each is slower than the one before
                one.put(key(i % 24), new byte[i % 7 == 0 ? 9_000 : 400]);
                try (Replica replica = replicas.get(i)) {
                    replica.catchUp();
                    replica.requireEqual();
                    lagged += replica.lagged();
                }
            }
            assertThat(lagged).isPositive();
        }
    }

    /** A snapshot shows one checkpoint. Nothing changes in it until it is overtaken. */
    @Test
    void aSnapshotHasNoChanges() throws IOException, InterruptedException {
        store.put(key(0), VALUE);
        store.checkpoint();
        Path copy = Files.copy(file(), directory.resolve("copy.cairn")); // as after a power failure
        try (CairnStore snapshot = Cairn.open(copy, QUIET.withReadOnly(true))) {
            assertThat(snapshot.recovery().kind()).isEqualTo(Recovery.Kind.SNAPSHOT);
            ChangeFeed<byte[]> feed = snapshot.watch();
            assertThat(feed.poll(Duration.ofMillis(20))).isNull();
            Path elsewhere = copy;
            Thread.ofPlatform()
                    .start(() -> {
                        try (CairnStore another = Cairn.open(elsewhere, QUIET)) {
                            another.put(key(1), VALUE);
                        }
                    })
                    .join();
            assertThatThrownBy(() -> feed.poll(Duration.ofMillis(20)))
                    .isInstanceOf(Overtaken.class);
        }
    }

    @Test
    void cleaningAloneIsNoReasonToLag() throws InterruptedException {
        for (int i = 0; i < 400; i++) {
            store.put(key(i), new byte[200]);
        }
        try (ChangeFeed<byte[]> feed = store.watch()) {
            for (int turn = 0; turn < 4; turn++) {
                for (int i = 0; i < 400; i += 2) {
                    store.put(key(i), new byte[200]);
                    assertThat(drained(feed)).hasSize(1).allMatch(each -> each instanceof Put);
                }
                store.compact();
                store.checkpoint();
                assertThat(drained(feed)).isEmpty();
            }
        }
    }

    @Test
    void aFeedWakesUp() throws Exception {
        Assumptions.assumeTrue(Futex.isAvailable());
        store.close();
        System.setProperty(SLICE_PROPERTY, "200000");
        open();
        try (ChangeFeed<byte[]> feed = store.watch()) {
            for (int i = 0; i < 20; i++) {
                Reached aboutToSleep = Reached.by("B4");
                Future<Change<byte[]>> next = threads.submit(() -> feed.poll(LONG));
                if (i % 2 == 0) {
                    aboutToSleep.await(1, 1);
                }
                store.put(key(i), VALUE);
                assertThat(next.get(HANG_SECONDS, TimeUnit.SECONDS)).isInstanceOf(Put.class);
            }
        }
    }

    /** Between any two steps of a feed that is about to sleep, another thread writes. */
    @Test
    void noWriteIsSleptThrough() throws Exception {
        Assumptions.assumeTrue(Futex.isAvailable());
        store.close();
        System.setProperty(SLICE_PROPERTY, "200000");
        open();
        try (ChangeFeed<byte[]> feed = store.watch();
                ChangeFeed<byte[]> another = store.watch()) {
            for (int time = 1; time <= 3; time++) {
                AtomicInteger times = new AtomicInteger();
                Thread[] waiter = new Thread[1];
                boolean twice = time > 1;
                CountDownLatch asked = new CountDownLatch(1);
                AtomicReference<Future<?>> other = new AtomicReference<>();
                Steps.listen(reached -> {
                    if (!reached.equals("B4")) {
                        return;
                    }
                    if (Thread.currentThread() != waiter[0]) {
                        asked.countDown();
                    } else if (times.incrementAndGet() == 1) {
                        elsewhere(() -> store.put(key(times.get()), VALUE));
                        if (twice) { // then another feed asks
                            other.set(threads.submit(() -> askWithoutAnAnswer(another)));
                            await(asked);
                        }
                    }
                });
                Future<Change<byte[]>> next =
                        threads.submit(() -> {
                            waiter[0] = Thread.currentThread();
                            return feed.poll(LONG);
                        });
                assertThat(next.get(HANG_SECONDS, TimeUnit.SECONDS)).isInstanceOf(Put.class);
                if (twice) { // a feed is for one thread at a time
                    Object _ = other.get().get(HANG_SECONDS, TimeUnit.SECONDS);
                }
            }
        }
    }

    private static Object askWithoutAnAnswer(ChangeFeed<byte[]> feed) throws InterruptedException {
        List<Change<byte[]>> earlier = drained(feed);
        return feed.poll(Duration.ofMillis(100)) == null ? earlier : "a change";
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(HANG_SECONDS, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** A thread that polls. The future tells how it ended. */
    private record Poller(Thread thread, CompletableFuture<Class<?>> ended) {
        Class<?> end() throws Exception {
            return ended.get(HANG_SECONDS, TimeUnit.SECONDS);
        }
    }

    /**
     * Starts a thread that polls, and waits until it sleeps between two looks or is about to sleep
     * in the kernel.
     */
    private static Poller polling(Thread.Builder kind, ChangeFeed<byte[]> feed)
            throws InterruptedException {
        Reached aboutToSleep = Reached.by("B4");
        var ended = new CompletableFuture<Class<?>>();
        Thread thread =
                kind.start(() -> {
                    try {
                        ended.complete(feed.poll(LONG).getClass());
                    } catch (InterruptedException | RuntimeException e) {
                        ended.complete(e.getClass());
                    }
                });
        if (Futex.isAvailable() && !thread.isVirtual()) {
            aboutToSleep.await(1, 1);
        } else {
            while (thread.getState() != Thread.State.TIMED_WAITING) {
                Thread.sleep(1);
            }
        }
        return new Poller(thread, ended);
    }

    private <T> void elsewhere(java.util.concurrent.Callable<T> work) {
        try {
            T _ = threads.submit(work).get(HANG_SECONDS, TimeUnit.SECONDS);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void closingAndInterruptingEndAWait() throws Exception {
        ChangeFeed<byte[]> closed = store.watch();
        Poller waiting = polling(Thread.ofPlatform(), closed);
        closed.close();
        assertThat(waiting.end()).isEqualTo(StoreClosed.class);
        assertThatThrownBy(() -> closed.poll(Duration.ZERO)).isInstanceOf(StoreClosed.class);

        for (Thread.Builder kind : List.of(Thread.ofPlatform(), Thread.ofVirtual())) {
            try (ChangeFeed<byte[]> feed = store.watch()) {
                Poller interrupted = polling(kind, feed);
                interrupted.thread().interrupt();
                assertThat(interrupted.end()).isEqualTo(InterruptedException.class);
            }
        }

        Poller last = polling(Thread.ofPlatform(), store.watch());
        store.close();
        assertThat(last.end()).isEqualTo(StoreClosed.class);
    }

    @Test
    void forEachInShowsEachStripeItsOwn() {
        for (int i = 0; i < 100; i++) {
            store.put(key(i), VALUE);
        }
        Set<String> seen = new HashSet<>();
        for (int stripe = 0; stripe < 4; stripe++) {
            int each = stripe;
            store.forEachIn(
                    stripe,
                    (key, _) -> {
                        assertThat(store.stripeOf(key)).isEqualTo(each);
                        assertThat(seen.add(new String(key, UTF_8))).isTrue();
                    });
        }
        assertThat(seen).hasSize(100);
        assertThatThrownBy(() -> store.forEachIn(4, (_, _) -> {}))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
