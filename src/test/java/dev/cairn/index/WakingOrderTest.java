package dev.cairn.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Change;
import dev.cairn.ChangeFeed;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Seed;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.WaitingWord;
import dev.cairn.format.Words;
import dev.cairn.os.Futex;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks waking with threads that wait, a feed and writers. They go one step at a time, in an
 * order that a seed decides, and only a wake-up ends a sleep. In each play some wait until the last
 * write was made, and others for one more, so that they ask again after it. The canary is a waiting
 * word without a count.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WakingOrderTest {
    private static final int WAITERS = 2;
    private static final int PLAYS = 300;
    private static final int OTHERS = 2;
    private static final int WRITES = 4;
    private static final String SLICE_PROPERTY = "dev.cairn.wait-slice-millis";
    private static final String LONG_SLICE_MILLIS = "200000";
    private static final byte[] KEY = {1};
    private static final Duration LONG = Duration.ofMinutes(3);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final Random seeds = Seed.random(WakingOrderTest.class);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private int stores;

    @AfterEach
    void asUsual() {
        Steps.listen(null);
        System.clearProperty(SLICE_PROPERTY);
        threads.shutdownNow();
    }

    /**
     * Lets one thread go at a time: the one with the highest rank. Ranks are dealt anew now and
     * then, so that one thread may stand at its step while others get far. A thread that sleeps is
     * passed over.
     */
    private static final class Baton {
        private static final Set<String> BEFORE_SLEEP = Set.of("A3", "B4");
        private static final int DEAL_EVERY = 12;

        private final Random random;
        private final Set<Thread> standing = ConcurrentHashMap.newKeySet();
        private final Map<Thread, Integer> members = new ConcurrentHashMap<>();
        private volatile Thread going;
        private volatile boolean over;

        Baton(long seed) {
            random = new Random(seed);
        }

        void at(String step) {
            Thread self = Thread.currentThread();
            if (over || !members.containsKey(self)) {
                return;
            }
            standing.add(self);
            while (!over && !mine(self)) {
                LockSupport.parkNanos(20_000);
            }
            standing.remove(self);
            if (BEFORE_SLEEP.contains(step)) {
                pass(self);
            }
        }

        private synchronized boolean mine(Thread self) {
            if (going == null || going == self) {
                if (random.nextInt(DEAL_EVERY) == 0) {
                    List<Thread> all = new ArrayList<>(members.keySet());
                    deal(all.get(random.nextInt(all.size())));
                }
                going = Collections.max(standing, Comparator.comparing(members::get));
            }
            return going == self;
        }

        private synchronized void pass(Thread self) {
            if (going == self) {
                going = null;
            }
        }

        private synchronized void deal(Thread thread) {
            members.put(thread, random.nextInt());
        }

        void join() {
            deal(Thread.currentThread());
            at("joined");
        }

        void leave() {
            members.remove(Thread.currentThread());
            pass(Thread.currentThread());
        }

        void end() {
            over = true;
        }
    }

    private interface Work {
        void run() throws InterruptedException;
    }

    private Future<?> member(Baton baton, Work work) {
        return threads.submit(() -> {
            baton.join();
            try {
                work.run();
            } finally {
                baton.leave();
            }
            return null;
        });
    }

    /** Whether all that waited were woken. */
    private boolean play(long seed, boolean withoutCount) throws Exception {
        Path file = directory.resolve("store" + stores++);
        Options options = Options.defaults().withStripes(1).withManualCheckpoints();
        long waitingAt = SharedLayout.stripeAt(0) + StripeWords.WAITING;
        try (CairnStore store = Cairn.open(file, options);
                ChangeFeed<byte[]> feed = store.watch();
                MappedFile shared =
                        MappedFile.map(
                                file.resolveSibling(file.getFileName() + "-shm"),
                                SharedLayout.stripeAt(1),
                                true)) {
            store.put(KEY, KEY);
            Baton baton = new Baton(seed);
            Steps.listen(step -> {
                baton.at(step);
                if (withoutCount && step.equals("W17")) {
                    long word = Words.acquire(shared.first(), waitingAt);
                    long bits = word & (WaitingWord.THREADS | WaitingWord.FEEDS);
                    Words.release(shared.first(), waitingAt, bits);
                }
            });
            List<Future<?>> waiting = new ArrayList<>();
            long first = store.getVersioned(KEY).version();
            for (int i = 0; i < WAITERS; i++) {
                waiting.add(member(baton, () -> await(store, first, first + WRITES)));
            }
            List<Future<?>> others = new ArrayList<>();
            for (int i = 0; i < OTHERS; i++) {
                others.add(member(baton, () -> await(store, first, first + WRITES + 1)));
            }
            boolean feedToo = (seed & 1) == 0;
            (feedToo ? waiting : others)
                    .add(member(baton, () -> poll(feed, first + WRITES + (feedToo ? 0 : 1))));
            Future<?> writer =
                    member(
                            baton,
                            () -> {
                                for (int i = 0; i < WRITES; i++) {
                                    store.put(KEY, KEY);
                                    for (int pause = 0; pause < 5; pause++) {
                                        baton.at("pause");
                                    }
                                }
                            });
            writer.get(60, TimeUnit.SECONDS);
            boolean woken = true;
            try {
                for (Future<?> each : waiting) {
                    each.get(withoutCount ? 1 : 60, TimeUnit.SECONDS);
                }
            } catch (TimeoutException e) {
                woken = false;
            }
            baton.end();
            Steps.listen(null);
            store.put(KEY, KEY); // ends every sleep
            others.addAll(waiting);
            for (Future<?> each : others) {
                each.get(60, TimeUnit.SECONDS);
            }
            return woken;
        }
    }

    private static void poll(ChangeFeed<byte[]> feed, long to) throws InterruptedException {
        for (long told = 0; told < to; ) {
            told = ((Change.Put<byte[]>) feed.poll(LONG)).version();
        }
    }

    private static void await(CairnStore store, long from, long to) throws InterruptedException {
        for (long seen = from; seen < to; ) {
            seen = store.awaitChange(KEY, seen, LONG);
        }
    }

    @Test
    void inNoOrderIsAWriteSleptThrough() throws Exception {
        Assumptions.assumeTrue(Futex.isAvailable());
        System.setProperty(SLICE_PROPERTY, LONG_SLICE_MILLIS);
        int plays = 0;
        for (; plays < PLAYS; plays++) {
            long seed = seeds.nextLong();
            assertThat(play(seed, false)).as("whether all were woken in play %d", plays).isTrue();
        }
        System.out.printf("WakingOrderTest: %d plays%n", plays);
    }

    /** The canary: the waiting word has bits, but no count. */
    @Test
    void withoutACountOfWakesSomeOrderIs() throws Exception {
        Assumptions.assumeTrue(Futex.isAvailable());
        System.setProperty(SLICE_PROPERTY, LONG_SLICE_MILLIS);
        int asleep = 0;
        int plays = 0;
        for (; plays < 5_000 && asleep == 0; plays++) {
            asleep += play(seeds.nextLong(), true) ? 0 : 1;
        }
        System.out.printf("WakingOrderTest: caught in play %d%n", plays);
        assertThat(asleep).isPositive();
    }
}
