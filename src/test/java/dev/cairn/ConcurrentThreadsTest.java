package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Attacks the promises to threads of one process that use the same keys: no update is lost, no
 * value is mixed, and no version goes back. The canaries are a store that does not compare versions
 * and one that mixes values.
 */
class ConcurrentThreadsTest {
    private static final int WRITERS = 4;
    private static final int READERS = 2;
    private static final int KEYS = 40;
    private static final int WRITES = 20_000;
    private static final int INCREMENTS = 4000;
    private static final long PATIENCE_SECONDS = 120;

    @TempDir Path directory;

    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void noThreadIsLeft() throws InterruptedException {
        threads.shutdownNow();
        assertThat(threads.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void readersSeeWholeValuesAndVersionsThatNeverGoBack() throws Exception {
        try (var _ = new SmallScale();
                CairnStore store = open(1)) {
            writeAndWatch(store);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void readersSeeWholeValuesInAStoreOfDefaultSize() throws Exception {
        try (CairnStore store = open(64)) {
            writeAndWatch(store);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void countersLoseNoUpdate() throws Exception {
        try (CairnStore store = open(2)) {
            assertThat(count(store)).isEqualTo(WRITERS * INCREMENTS);
        }
    }

    /** The canary: a store whose replace forgets to compare the version. */
    @Test
    void countersOverAStoreThatDoesNotCompareLoseUpdates() throws Exception {
        CountDownLatch allHaveRead = new CountDownLatch(WRITERS);
        try (CairnStore store = open(2)) {
            CairnStore broken =
                    with(
                            store,
                            "replace",
                            args -> {
                                allHaveRead.countDown();
                                assertThat(allHaveRead.await(PATIENCE_SECONDS, TimeUnit.SECONDS))
                                        .isTrue();
                                return store.put((byte[]) args[0], (byte[]) args[2]);
                            });
            assertThat(count(broken)).isLessThan(WRITERS * INCREMENTS);
        }
    }

    /** The canary: a store whose reads mix two values. */
    @Test
    void mixedValuesAreNoticed() {
        try (CairnStore store = open(1)) {
            CairnStore broken =
                    with(
                            store,
                            "getVersioned",
                            args -> {
                                Versioned right = store.getVersioned((byte[]) args[0]);
                                if (right != null) {
                                    right.value()[right.value().length - 1] ^= 1;
                                }
                                return right;
                            });
            assertThatThrownBy(() -> writeAndWatch(broken))
                    .hasCauseInstanceOf(AssertionError.class);
        }
    }

    @Test
    void twoHundredVirtualThreadsShareOneStripe() throws Exception {
        int count = 200;
        int puts = 100;
        try (CairnStore store = open(1);
                ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<Boolean>> done = new ArrayList<>();
            for (int thread = 0; thread < count; thread++) {
                int mine = thread;
                done.add(
                        virtual.submit(() -> {
                            for (int i = 0; i < puts; i++) {
                                store.put(
                                        Content.key((long) mine * puts + i),
                                        Content.value(mine, i, 50));
                            }
                            return true;
                        }));
            }
            for (Future<Boolean> each : done) {
                assertThat(each.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
            }
            assertThat(store.size()).isEqualTo((long) count * puts);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    private CairnStore open(int stripes) {
        return Cairn.open(
                directory.resolve("store.cairn"), Options.defaults().withStripes(stripes));
    }

    private interface Answer {
        Object to(Object[] args) throws InterruptedException;
    }

    private static CairnStore with(CairnStore store, String method, Answer answer) {
        return (CairnStore)
                Proxy.newProxyInstance(
                        CairnStore.class.getClassLoader(),
                        new Class<?>[] {CairnStore.class},
                        (_, called, args) ->
                                called.getName().equals(method)
                                        ? answer.to(args)
                                        : called.invoke(store, args));
    }

    private long count(CairnStore store) throws Exception {
        byte[] key = Content.key(1);
        store.put(key, Content.key(0));
        run(
                WRITERS,
                _ -> {
                    for (int done = 0; done < INCREMENTS; ) {
                        Versioned seen = store.getVersioned(key);
                        long next = ByteBuffer.wrap(seen.value()).getLong() + 1;
                        if (store.replace(key, seen.version(), Content.key(next)) != 0) {
                            done++;
                        }
                    }
                });
        return ByteBuffer.wrap(store.get(key)).getLong();
    }

    private interface Work {
        void run(int thread) throws Exception;
    }

    private void run(int count, Work work) throws Exception {
        List<Future<?>> done = new ArrayList<>();
        for (int thread = 0; thread < count; thread++) {
            int number = thread;
            done.add(threads.submit(task(work, number)));
        }
        for (Future<?> each : done) {
            each.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
    }

    private static Callable<Boolean> task(Work work, int number) {
        return () -> {
            work.run(number);
            return true;
        };
    }

    private void writeAndWatch(CairnStore store) throws Exception {
        Random seeds = Seed.random(getClass());
        long[] each = seeds.longs(WRITERS + READERS).toArray();
        AtomicLong sequences = new AtomicLong();
        AtomicLong seen = new AtomicLong();
        AtomicBoolean writing = new AtomicBoolean(true);
        List<Future<Boolean>> readers = new ArrayList<>();
        for (int reader = 0; reader < READERS; reader++) {
            Random random = new Random(each[WRITERS + reader]);
            readers.add(threads.submit(task(_ -> watch(store, random, writing, seen), reader)));
        }
        try {
            run(WRITERS, writer -> write(store, new Random(each[writer]), sequences));
        } finally {
            writing.set(false);
        }
        for (Future<Boolean> reader : readers) {
            assertThat(reader.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(seen).as("values that readers judged").hasPositiveValue();
    }

    private static void write(CairnStore store, Random random, AtomicLong sequences) {
        for (int i = 0; i < WRITES; i++) {
            int key = random.nextInt(KEYS);
            if (random.nextInt(10) == 0) {
                store.remove(Content.key(key));
            } else {
                int bytes = random.nextInt(100) == 0 ? 9000 : 16 + random.nextInt(600);
                store.put(Content.key(key), Content.value(key, sequences.incrementAndGet(), bytes));
            }
        }
    }

    private static void watch(
            CairnStore store, Random random, AtomicBoolean writing, AtomicLong seen) {
        long[] versions = new long[KEYS];
        while (writing.get()) {
            int key = random.nextInt(KEYS);
            Versioned versioned = store.getVersioned(Content.key(key));
            if (versioned != null) {
                long _ = Content.sequence(key, versioned.value());
                assertThat(versioned.version()).isGreaterThanOrEqualTo(versions[key]);
                versions[key] = versioned.version();
                seen.incrementAndGet();
            }
            byte[] value = store.get(Content.key(key));
            if (value != null) {
                long _ = Content.sequence(key, value);
            }
            if (random.nextInt(500) == 0) {
                store.forEach((found, content) -> {
                    long _ = Content.sequence(ByteBuffer.wrap(found).getLong(), content);
                });
                store.getAll(Arrays.asList(Content.key(0), Content.key(1), Content.key(KEYS)));
            }
        }
    }
}
