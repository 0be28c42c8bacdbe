package dev.cairn.process;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.Change;
import dev.cairn.ChangeFeed;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.codec.Codecs;
import dev.cairn.os.Steps;
import dev.cairn.process.Ledger.Figure;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * What a process of {@link StormIT} does until it is killed: it opens the store, works, closes it,
 * and opens it again. Everything that the library has is in use at once: a map of objects with a
 * near cache that keeps absence too, a feed, waiting for changes, times to live, frequent
 * checkpoints, compaction and backups. Each thread judges what it sees by the {@link Ledger}.
 */
final class Storm {
    /** The kind of store. */
    enum Variant {
        STORE,
        /** It has so little room that entries are evicted all the time. */
        CACHE;

        Options options() {
            Options options =
                    Options.defaults().withStripes(2).withCheckpointEvery(Duration.ofMillis(50));
            return this == STORE
                    ? options
                    : options.withMaxBytes(CACHE_BYTES)
                            .withEviction(true)
                            .withDurability(Durability.CHECKPOINT);
        }

        boolean evicts() {
            return this == CACHE;
        }
    }

    /** When a write is acknowledged. */
    enum Honesty {
        HONEST,
        /** The canary: a write is acknowledged before it is done. */
        HASTY
    }

    /** More values of {@link Figure#STATE}, besides {@link Ledger#WORKING}. */
    static final long OPENING = 3;

    static final long CLOSING = 4;

    static final int COUNTERS = 3;

    /** Its level is raised, since each backup that is opened would say that it was rebuilt. */
    private static final Logger LOG = Logger.getLogger("dev.cairn");

    private static final long CACHE_BYTES = 128 << 10;
    private static final int NEAR = 64;
    private static final int FEWEST_OPERATIONS = 20;
    private static final int MOST_OPERATIONS = 400;
    private static final int OPERATIONS_PER_CHECKPOINT = 200;
    private static final int OPERATIONS_PER_COMPACTION = 150;
    private static final int OPERATIONS_PER_BACKUP = 150;
    private static final int OPERATIONS_PER_FIGURES = 16;
    private static final Duration TICK = Duration.ofMillis(20);
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final long HASTE_NANOS = 2_000_000;

    private final Path file;
    private final Ledger ledger;
    private final int lane;
    private final int lanes;
    private final Variant variant;
    private final Honesty honesty;
    private final Path backups;
    private int backedUp;

    private Storm(String[] order, Ledger ledger) {
        file = Path.of(order[1]);
        this.ledger = ledger;
        lane = Integer.parseInt(order[3]);
        lanes = Integer.parseInt(order[4]);
        variant = Variant.valueOf(order[6]);
        honesty = Honesty.valueOf(order[7]);
        backups = Path.of(order[8]);
    }

    /**
     * The operands are the store, ledger, lane, number of lanes, seed, variant, honesty and
     * directory for backups.
     */
    static Object run(String[] order) throws IOException {
        SplittableRandom random = new SplittableRandom(Long.parseLong(order[5]));
        try (Ledger ledger = Ledger.at(Path.of(order[2]))) {
            LOG.setLevel(Level.WARNING);
            Storm storm = new Storm(order, ledger);
            Steps.listen(step -> Acting.count(step, ledger, storm.lane));
            while (ledger.order() != Ledger.STOP) {
                storm.live(random);
            }
            return "over";
        }
    }

    static CairnMap<String, Blow> open(Path file, Options options) {
        return Cairn.map(Codecs.utf8(), Blow.CODEC)
                .options(options)
                .nearCache(Caffeine.newBuilder().maximumSize(NEAR).recordStats())
                .cacheAbsence()
                .open(file);
    }

    static String counterKey(int counter) {
        return "counter/" + counter;
    }

    private void live(SplittableRandom random) throws IOException {
        ledger.set(lane, Figure.STATE, OPENING);
        try (CairnMap<String, Blow> map = open(file, variant.options())) {
            Kind kind = map.store().recovery().kind();
            ledger.add(lane, Figure.opened(kind), 1);
            Life life = new Life(map);
            life.begin(random);
            ledger.set(lane, Figure.STATE, Ledger.WORKING);
            try {
                life.work(random);
            } finally {
                life.end();
            }
            ledger.set(lane, Figure.STATE, CLOSING);
        }
    }

    /** What happens between an opening and its closing. */
    private final class Life {
        private final CairnMap<String, Blow> map;
        private final CairnStore store;
        private final AtomicReference<Throwable> wrong = new AtomicReference<>();
        private final CountDownLatch watching = new CountDownLatch(1);
        private final String last = "last/" + lane;
        private final Thread[] companions = new Thread[3];
        private volatile boolean over;

        /**
         * Whether the last write has begun. From then on a lagging feed may have passed over it.
         */
        private volatile boolean lastBegun;

        private final AtomicLong lastVersion = new AtomicLong();

        private Life(CairnMap<String, Blow> map) {
            this.map = map;
            store = map.store();
        }

        private interface Work {
            void run() throws InterruptedException;
        }

        private Thread companion(Work work) {
            return Thread.ofPlatform()
                    .daemon()
                    .start(() -> {
                        try {
                            work.run();
                        } catch (InterruptedException | RuntimeException | Error e) {
                            wrong.compareAndSet(null, e);
                        }
                    });
        }

        private void begin(SplittableRandom random) {
            SplittableRandom readers = random.split();
            SplittableRandom waiters = random.split();
            companions[0] = companion(() -> read(readers));
            companions[1] = companion(() -> await(waiters));
            companions[2] = companion(this::follow);
        }

        private void end() {
            over = true;
            for (Thread each : companions) {
                try {
                    each.join();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            requireNothingWrong();
        }

        private void requireNothingWrong() {
            if (wrong.get() != null) {
                throw new AssertionError(wrong.get().toString(), wrong.get());
            }
        }

        private void work(SplittableRandom random) throws IOException {
            for (int key = 0; key < Ledger.KEYS; key++) { // what a dead predecessor left open
                if (ledger.begun(lane, key) != ledger.returned(lane, key)) {
                    write(key, random);
                }
            }
            int operations = random.nextInt(FEWEST_OPERATIONS, MOST_OPERATIONS);
            for (int i = 0; i < operations && ledger.order() != Ledger.STOP; i++) {
                requireNothingWrong();
                operation(random);
                ledger.add(lane, Figure.OPERATIONS, 1);
                if (i % OPERATIONS_PER_FIGURES == 0) {
                    ledger.set(lane, Figure.EVICTED, store.stats().evictions());
                }
            }
            ledger.add(lane, Figure.TAKEOVERS, store.stats().takeovers());
            awaitFeed();
            lastBegun = true;
            lastVersion.set(map.set(last, Blow.counted(lane, 1)));
        }

        private void awaitFeed() {
            try {
                if (!watching.await(PATIENCE_NANOS, TimeUnit.NANOSECONDS)) {
                    throw new AssertionError("no feed is there");
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        private void operation(SplittableRandom random) throws IOException {
            if (random.nextInt(OPERATIONS_PER_CHECKPOINT) == 0) {
                map.checkpoint();
            } else if (random.nextInt(OPERATIONS_PER_COMPACTION) == 0) {
                store.compact();
                ledger.add(lane, Figure.COMPACTIONS, 1);
            } else if (random.nextInt(OPERATIONS_PER_BACKUP) == 0) {
                backUp();
                ledger.add(lane, Figure.BACKUPS, 1);
            } else if (random.nextInt(5) == 0) {
                increment(random.nextInt(COUNTERS));
            } else {
                write(random.nextInt(Ledger.KEYS), random);
            }
        }

        private void increment(int counter) {
            ledger.add(lane, Figure.INCREMENTS_BEGUN, 1);
            Blow now =
                    map.merge(
                            counterKey(counter),
                            Blow.counted(counter, 1),
                            (before, _) -> Blow.counted(counter, Blow.count(counter, before) + 1));
            long _ = Blow.count(counter, now);
            ledger.add(lane, Figure.INCREMENTS_RETURNED, 1);
        }

        private void write(int key, SplittableRandom random) {
            long before = ledger.begun(lane, key);
            long least = ledger.returned(lane, key);
            long sequence = before + 1;
            ledger.begin(lane, key, sequence);
            if (honesty == Honesty.HASTY) {
                ledger.acknowledge(lane, key, sequence);
                LockSupport.parkNanos(HASTE_NANOS);
            }
            String name = Blow.key(lane, key);
            boolean removes = Workload.removes(lane, key, sequence);
            Blow value = Blow.of(lane, key, sequence);
            Duration timeToLive = Blow.timeToLive(lane, key, sequence);
            if (random.nextBoolean()) {
                map.compute(
                        name,
                        timeToLive,
                        (_, found) -> {
                            Blow.judge(lane, key, least, before, found, variant.evicts());
                            return removes ? null : value;
                        });
            } else if (removes) {
                Blow.judge(lane, key, least, before, map.remove(name), variant.evicts());
            } else {
                map.set(name, value, timeToLive);
            }
            ledger.acknowledge(lane, key, sequence);
        }

        /**
         * A backup must hold nothing older than a checkpoint before it, and nothing younger than
         * now.
         */
        private void backUp() throws IOException {
            long[][] returned = new long[lanes][Ledger.KEYS];
            for (int of = 0; of < lanes; of++) {
                for (int key = 0; key < Ledger.KEYS; key++) {
                    returned[of][key] = ledger.returned(of, key);
                }
            }
            map.checkpoint();
            Path target = backups.resolve(ProcessHandle.current().pid() + "-" + backedUp++);
            store.backup(target);
            try (CairnMap<String, Blow> copy = open(target, Options.defaults())) {
                if (!copy.store().verify().sound()) {
                    throw new AssertionError(copy.store().verify().damages().toString());
                }
                for (int of = 0; of < lanes; of++) {
                    for (int key = 0; key < Ledger.KEYS; key++) {
                        Blow found = copy.get(Blow.key(of, key));
                        long begun = ledger.begun(of, key);
                        Blow.judge(of, key, returned[of][key], begun, found, variant.evicts());
                    }
                }
            }
            for (String each : new String[] {"", "-shm", "-lock"}) {
                Files.deleteIfExists(target.resolveSibling(target.getFileName() + each));
            }
        }

        /** Reads through the near cache, which keeps absence too. */
        private void read(SplittableRandom random) {
            long confirmed = 0;
            for (int i = 0; !over; i++) {
                int of = random.nextInt(lanes);
                int key = random.nextInt(Ledger.KEYS);
                for (int time = 0; time < 2; time++) {
                    long least = ledger.returned(of, key);
                    Blow found = map.get(Blow.key(of, key));
                    VarHandle.fullFence();
                    Blow.judge(of, key, least, ledger.begun(of, key), found, variant.evicts());
                    ledger.add(lane, Figure.READS, 1);
                    ledger.add(lane, Figure.ABSENT_READS, found == null ? 1 : 0);
                }
                if (i % OPERATIONS_PER_FIGURES == 0) {
                    long now = map.nearCacheStats().confirmed();
                    ledger.add(lane, Figure.CONFIRMED, now - confirmed);
                    confirmed = now;
                    LockSupport.parkNanos(100_000);
                }
            }
        }

        private void await(SplittableRandom random) throws InterruptedException {
            while (!over) {
                String key = Blow.key(random.nextInt(lanes), random.nextInt(Ledger.KEYS));
                long seen = map.version(key);
                long now = map.awaitChange(key, seen, TICK);
                if (now != 0 && now < seen) {
                    throw new AssertionError(key + " went back from " + seen + " to " + now);
                }
                ledger.add(lane, Figure.WOKEN, now == seen ? 0 : 1);
            }
        }

        /**
         * Follows the feed until it tells the last write of this life, or says that it lagged and
         * so may have passed over it.
         */
        private void follow() throws InterruptedException {
            Map<Integer, Long> told = new HashMap<>();
            int stripe = map.stripeOf(last);
            long newest = 0;
            boolean mayBePassedOver = false;
            long since = System.nanoTime();
            try (ChangeFeed<String> feed = map.watch()) {
                watching.countDown();
                while (!over
                        || lastVersion.get() != 0
                                && newest < lastVersion.get()
                                && !mayBePassedOver) {
                    Change<String> change = feed.poll(TICK);
                    since = lastVersion.get() == 0 ? System.nanoTime() : since;
                    if (System.nanoTime() - since > PATIENCE_NANOS) {
                        throw new AssertionError(last + " is not told: " + newest);
                    }
                    switch (change) {
                        case null -> {}
                        case Change.Put<String>(String key, long version, int of) -> {
                            inOrder(told, of, version);
                            newest = key.equals(last) ? version : newest;
                            ledger.add(lane, Figure.TOLD, 1);
                        }
                        case Change.Removed<String>(_, long version, int of) ->
                                inOrder(told, of, version);
                        case Change.Lagged<String>(int of) -> {
                            ledger.add(lane, Figure.LAGGED, 1);
                            mayBePassedOver |= lastBegun && of == stripe;
                        }
                    }
                }
            }
        }

        private static void inOrder(Map<Integer, Long> told, int stripe, long version) {
            Long before = told.put(stripe, version);
            if (before != null && before >= version) {
                throw new AssertionError(
                        "stripe %d: %d is told before %d".formatted(stripe, before, version));
            }
        }
    }
}
