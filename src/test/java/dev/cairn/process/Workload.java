package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.StoreFull;
import dev.cairn.Versioned;
import dev.cairn.process.Ledger.Figure;

import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;

/**
 * What the processes of a crowd do, and how its results are judged. Keys are of four kinds. A lane
 * has keys of its own, where every operation is a function of lane, key and sequence, so that every
 * read can be judged by the {@link Ledger}. All lanes increment counters by version. All lanes
 * overwrite shared keys, often many times in a row. Fleeting keys expire.
 */
final class Workload {
    static final int COUNTERS = 4;
    private static final int SHARED = 16;
    private static final int FLEETING = 8;
    private static final int LANE_SHARE = 55;
    private static final int COUNTER_SHARE = 20;
    private static final int SHARED_SHARE = 20;
    private static final int SMALL_BYTES = 600;

    /**
     * How often one key is overwritten in a row at most, so that the tail is mostly dead and is
     * folded.
     */
    private static final int LONGEST_BURST = 12;

    private static final int LONGEST_LIFE_MILLIS = 40;
    private static final int OPERATIONS_PER_CHECKPOINT = 300;
    private static final int OPERATIONS_PER_COMPACTION = 3_000;

    /** One in so many keys is so long that its record and its tombstone keep it in a run. */
    private static final int LONG_KEY_EVERY = 16;

    private static final String LONG = "x".repeat(1_100);

    /** A cache takes no key that needs a run, so its long keys are shorter. */
    private static final String LONG_IN_A_CACHE = "x".repeat(900);

    /** What this process appends to make a key long. */
    private static volatile String longEnd = LONG;

    private static final int GROWING_BYTES = 60_000;
    private static final int LARGE_BYTES = 20_000;

    /** Less than twice what is live when there is room for everything. */
    static final long CRAMPED_BYTES = 200 << 10;

    /** How much the writers of a crowd do. */
    enum Mode {
        /** All of it. Besides, a checkpoint comes by itself each second. */
        BUSY,
        /** There is no checkpoint except that of the last close, and nothing expires. */
        WITHOUT_CHECKPOINTS,
        /**
         * As busy, but with hardly any room for what they write. Many writes find the store full.
         */
        CRAMPED,
        /** Each write is durable when it returns. */
        EACH_WRITE;

        Options options() {
            Options options = Options.defaults().withStripes(2);
            return switch (this) {
                case BUSY -> options;
                case CRAMPED -> options.withMaxBytes(CRAMPED_BYTES);
                case WITHOUT_CHECKPOINTS -> options.withManualCheckpoints();
                case EACH_WRITE -> options.withDurability(Durability.EACH_WRITE);
            };
        }
    }

    private final CairnStore store;
    private final Ledger ledger;

    Workload(CairnStore store, Ledger ledger) {
        this.store = store;
        this.ledger = ledger;
    }

    /** Sets whether the keys of this process are from now on only such as a cache takes. */
    static void keysOfACache(boolean only) {
        longEnd = only ? LONG_IN_A_CACHE : LONG;
    }

    static String laneKey(int lane, int key) {
        return "lane" + lane + "/" + key + (key % LONG_KEY_EVERY == 7 ? longEnd : "");
    }

    static String counterKey(int counter) {
        return "counter/" + counter;
    }

    private static String sharedKey(int key) {
        return "shared/" + key;
    }

    private static String fleetingKey(int key) {
        return "fleeting/" + key;
    }

    private static long mixed(int lane, int key, long sequence) {
        return new SplittableRandom(sequence << 16 ^ lane << 8 ^ key).nextLong();
    }

    /**
     * Whether a lane's operation of that number removes its key. Before the first operation the key
     * is absent.
     */
    static boolean removes(int lane, int key, long sequence) {
        return sequence == 0 || mixed(lane, key, sequence) % 8 == 0;
    }

    static byte[] value(int lane, int key, long sequence) {
        long mixed = mixed(lane, key, sequence);
        int most = Long.remainderUnsigned(mixed, 24) == 1 ? LARGE_BYTES : SMALL_BYTES;
        int length = (int) Long.remainderUnsigned(mixed >>> 8, most);
        return Values.of(laneKey(lane, key), lane, sequence, length);
    }

    /**
     * Writes until the ledger says stop, or until a number of operations is done.
     *
     * @param pauseNanos the pause between two operations
     */
    void write(int lane, long seed, long operations, long pauseNanos, Mode mode) {
        SplittableRandom random = new SplittableRandom(seed);
        ledger.set(lane, Figure.STATE, Ledger.WORKING);
        for (long i = 0; i < operations && goOn(lane); i++) {
            long start = System.nanoTime();
            try {
                operation(lane, i, random, mode);
            } catch (StoreFull e) {
                if (mode != Mode.CRAMPED) {
                    throw e;
                }
                ledger.add(lane, Figure.FULL, 1);
            }
            measured(lane, System.nanoTime() - start);
            if (pauseNanos > 0) {
                LockSupport.parkNanos(pauseNanos);
            }
        }
        ledger.add(lane, Figure.TAKEOVERS, store.stats().takeovers());
    }

    private void operation(int lane, long sequence, SplittableRandom random, Mode mode) {
        boolean checkpoints = mode == Mode.BUSY || mode == Mode.CRAMPED;
        if (checkpoints && random.nextInt(OPERATIONS_PER_CHECKPOINT) == 0) {
            store.checkpoint();
        }
        if (checkpoints && random.nextInt(OPERATIONS_PER_COMPACTION) == 0) {
            store.compact();
        }
        int dice = random.nextInt(100);
        if (dice < LANE_SHARE) {
            writeOwn(lane, random.nextInt(Ledger.KEYS));
        } else if (dice < LANE_SHARE + COUNTER_SHARE) {
            increment(lane, random.nextInt(COUNTERS));
        } else if (dice < LANE_SHARE + COUNTER_SHARE + SHARED_SHARE) {
            overwrite(lane, sequence, random);
        } else if (mode != Mode.WITHOUT_CHECKPOINTS) {
            String key = fleetingKey(random.nextInt(FLEETING));
            store.put(
                    bytes(key),
                    Values.of(key, lane, sequence, random.nextInt(SMALL_BYTES)),
                    Duration.ofMillis(1 + random.nextInt(LONGEST_LIFE_MILLIS)));
        }
    }

    private void overwrite(int lane, long sequence, SplittableRandom random) {
        String key = sharedKey(random.nextInt(SHARED));
        int times = random.nextInt(LONGEST_BURST);
        for (int i = 0; i <= times; i++) {
            store.put(bytes(key), Values.of(key, lane, sequence, random.nextInt(SMALL_BYTES)));
        }
    }

    private boolean goOn(int lane) {
        if (ledger.order() == Ledger.PAUSE) {
            ledger.set(lane, Figure.STATE, Ledger.PAUSED);
            while (ledger.order() == Ledger.PAUSE) {
                LockSupport.parkNanos(1_000_000);
            }
            ledger.set(lane, Figure.STATE, Ledger.WORKING);
        }
        return ledger.order() != Ledger.STOP;
    }

    private void measured(int lane, long nanos) {
        ledger.add(lane, Figure.OPERATIONS, 1);
        if (nanos > ledger.figure(lane, Figure.LONGEST_NANOS)) {
            ledger.set(lane, Figure.LONGEST_NANOS, nanos);
        }
    }

    private void writeOwn(int lane, int key) {
        long sequence = ledger.begun(lane, key) + 1;
        ledger.begin(lane, key, sequence);
        if (removes(lane, key, sequence)) {
            store.remove(bytes(laneKey(lane, key)));
        } else {
            store.put(bytes(laneKey(lane, key)), value(lane, key, sequence));
        }
        ledger.acknowledge(lane, key, sequence);
    }

    private void increment(int lane, int counter) {
        ledger.add(lane, Figure.INCREMENTS_BEGUN, 1);
        String name = counterKey(counter);
        while (!incremented(lane, name)) {
            Thread.onSpinWait();
        }
        ledger.add(lane, Figure.INCREMENTS_RETURNED, 1);
    }

    private boolean incremented(int lane, String name) {
        Versioned found = store.getVersioned(bytes(name));
        if (found == null) {
            return store.putIfAbsent(bytes(name), Values.of(name, lane, 1, 0)) != 0;
        }
        long count = Values.whole(name, found.value()).sequence();
        return store.replace(bytes(name), found.version(), Values.of(name, lane, count + 1, 0))
                != 0;
    }

    /** Removes whatever is there while nobody writes. */
    void removeAll() {
        List<byte[]> keys = new ArrayList<>();
        store.forEach((key, _) -> keys.add(key));
        keys.forEach(store::remove);
    }

    /** Puts one new large value after the other, so that both files grow all the time. */
    void grow(int lane) {
        ledger.set(lane, Figure.STATE, Ledger.WORKING);
        while (true) {
            long sequence = ledger.begun(lane, 0) + 1;
            ledger.begin(lane, 0, sequence);
            String key = growingKey(lane, sequence);
            store.put(bytes(key), Values.of(key, lane, sequence, GROWING_BYTES));
            ledger.acknowledge(lane, 0, sequence);
        }
    }

    private static String growingKey(int lane, long sequence) {
        return "growing" + lane + "/" + sequence;
    }

    /**
     * Judges what {@link #grow} left. A value whose put was begun may be missing; one whose put
     * returned may not.
     */
    void judgeGrown(int lane) {
        long returned = ledger.returned(lane, 0);
        for (long sequence = 1; sequence <= ledger.begun(lane, 0); sequence++) {
            String key = growingKey(lane, sequence);
            byte[] found = store.get(bytes(key));
            if (found != null) {
                Values.whole(key, found);
            } else if (sequence == returned) {
                throw new AssertionError(key + " is lost");
            }
        }
    }

    /** The increment of the canary, which forgets that others write too. */
    void incrementBlindly(int lane, int times) {
        String name = counterKey(0);
        for (int i = 0; i < times; i++) {
            ledger.add(lane, Figure.INCREMENTS_BEGUN, 1);
            byte[] found = store.get(bytes(name));
            long count = found == null ? 0 : Values.whole(name, found).sequence();
            LockSupport.parkNanos(100_000);
            store.put(bytes(name), Values.of(name, lane, count + 1, 0));
            ledger.add(lane, Figure.INCREMENTS_RETURNED, 1);
        }
    }

    /**
     * Reads until the ledger says stop, and judges everything it sees.
     *
     * @param lane where to note its own figures
     * @throws AssertionError at the first read that cannot be right
     */
    void read(int lane, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Map<String, Long> versions = new HashMap<>();
        ledger.set(lane, Figure.STATE, Ledger.WORKING);
        for (int i = 0; goOn(lane); i++) {
            long start = System.nanoTime();
            switch (random.nextInt(5)) {
                case 0 -> whole(counterKey(random.nextInt(COUNTERS)), versions);
                case 1 -> whole(sharedKey(random.nextInt(SHARED)), versions);
                case 2 -> whole(fleetingKey(random.nextInt(FLEETING)), versions);
                default ->
                        judgeOwn(
                                random.nextInt(Ledger.LANES),
                                random.nextInt(Ledger.KEYS),
                                versions);
            }
            measured(lane, System.nanoTime() - start);
            if (i % 2000 == 1999) {
                readAll();
            }
            if (i % 50 == 0) {
                LockSupport.parkNanos(200_000);
            }
        }
    }

    private void readAll() {
        store.forEach((key, value) -> Values.whole(new String(key, UTF_8), value));
        List<byte[]> keys = new ArrayList<>();
        for (int counter = 0; counter < COUNTERS; counter++) {
            keys.add(bytes(counterKey(counter)));
        }
        List<byte[]> values = store.getAll(keys);
        for (int counter = 0; counter < COUNTERS; counter++) {
            byte[] value = values.get(counter);
            if (value != null) {
                Values.whole(counterKey(counter), value);
            }
        }
    }

    private void whole(String key, Map<String, Long> versions) {
        Versioned found = store.getVersioned(bytes(key));
        if (found != null) {
            Values.whole(key, found.value());
        }
        neverBack(key, found, versions);
    }

    private void judgeOwn(int lane, int key, Map<String, Long> versions) {
        long least = ledger.returned(lane, key);
        Versioned found = store.getVersioned(bytes(laneKey(lane, key)));
        VarHandle.fullFence();
        judge(lane, key, least, ledger.begun(lane, key), found == null ? null : found.value());
        neverBack(laneKey(lane, key), found, versions);
    }

    private static void neverBack(String key, Versioned found, Map<String, Long> versions) {
        if (found != null) {
            Long before = versions.put(key, found.version());
            if (before != null && before > found.version()) {
                throw new AssertionError(
                        key + " went back from version " + before + " to " + found.version());
            }
        }
    }

    /** Judges one lane's keys as they are now, while nobody writes to them. */
    void judgeLane(int lane) {
        for (int key = 0; key < Ledger.KEYS; key++) {
            byte[] found = store.get(bytes(laneKey(lane, key)));
            judge(lane, key, ledger.returned(lane, key), ledger.begun(lane, key), found);
        }
    }

    /**
     * Requires that a key of a lane shows one whole operation. It must be neither older than the
     * last that returned nor newer than the last that was begun.
     */
    static void judge(int lane, int key, long least, long most, byte[] found) {
        if (found == null) {
            for (long sequence = least; sequence <= most; sequence++) {
                if (removes(lane, key, sequence)) {
                    return;
                }
            }
            throw new AssertionError(
                    "%s is lost: put %d returned, %d was begun"
                            .formatted(laneKey(lane, key), least, most));
        }
        Values.Said said = Values.whole(laneKey(lane, key), found);
        if (said.writer() != lane
                || said.sequence() < least
                || said.sequence() > most
                || removes(lane, key, said.sequence())
                || !Arrays.equals(found, value(lane, key, said.sequence()))) {
            throw new AssertionError(
                    "%s is %s: operation %d had returned, %d was begun"
                            .formatted(laneKey(lane, key), said, least, most));
        }
    }

    /**
     * Judges everything while nobody writes: every lane, the counters, and that lookups, iteration
     * and size agree on which keys there are.
     */
    void judgeAll() {
        Set<String> looked = new TreeSet<>();
        for (int lane = 0; lane < Ledger.LANES; lane++) {
            judgeLane(lane);
            for (int key = 0; key < Ledger.KEYS; key++) {
                note(laneKey(lane, key), looked);
            }
        }
        long counted = 0;
        for (int counter = 0; counter < COUNTERS; counter++) {
            byte[] found = store.get(bytes(counterKey(counter)));
            counted += found == null ? 0 : Values.whole(counterKey(counter), found).sequence();
            note(counterKey(counter), looked);
        }
        for (int key = 0; key < SHARED; key++) {
            note(sharedKey(key), looked);
        }
        long returned = ledger.sum(Figure.INCREMENTS_RETURNED);
        long begun = ledger.sum(Figure.INCREMENTS_BEGUN);
        if (counted < returned || counted > begun) {
            throw new AssertionError(
                    "the counters say %d; %d increments returned, %d were begun"
                            .formatted(counted, returned, begun));
        }
        Set<String> walked = new TreeSet<>();
        store.forEach((key, _) -> {
            if (!walked.add(new String(key, UTF_8))) {
                throw new AssertionError("twice in one walk: " + walked);
            }
        });
        walked.removeIf(key -> key.startsWith("fleeting/"));
        long fleeting = store.size() - looked.size();
        if (!walked.equals(looked) || fleeting < 0 || fleeting > FLEETING) {
            throw new AssertionError(
                    "%d by lookup, %d by walk, %d by size"
                            .formatted(looked.size(), walked.size(), store.size()));
        }
    }

    private void note(String key, Set<String> present) {
        byte[] found = store.get(bytes(key));
        if (found != null) {
            Values.whole(key, found);
            present.add(key);
        }
    }
}
