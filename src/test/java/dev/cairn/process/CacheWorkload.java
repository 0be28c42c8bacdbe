package dev.cairn.process;

import static dev.cairn.process.Values.bytes;
import static dev.cairn.process.Workload.laneKey;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.process.Ledger.Figure;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * What the processes do that share a cache. Each process writes the keys of its lane, and the
 * {@link Ledger} can judge every state of these. All processes read and load many more keys than
 * there is room for. Any entry may be gone; an entry that is there must be the one that was put
 * last.
 */
final class CacheWorkload {
    /** Half of the loads go to one in so many of the keys. */
    private static final int POPULAR_PART = 50;

    private static final int LARGE_EVERY = 100;
    private static final int LARGE_BYTES = 30_000;
    private static final int BULK = 20;

    private final CairnStore store;
    private final Ledger ledger;
    private final int lane;
    private final int keys;
    private final int meanBytes;
    private final SplittableRandom random;

    /**
     * @param keys how many keys all processes load
     * @param meanBytes the mean size of their values
     */
    CacheWorkload(CairnStore store, Ledger ledger, int lane, int keys, int meanBytes, long seed) {
        this.store = store;
        this.ledger = ledger;
        this.lane = lane;
        this.keys = keys;
        this.meanBytes = meanBytes;
        this.random = new SplittableRandom(seed);
        Workload.keysOfACache(true);
    }

    /**
     * Works until the ledger says stop. The operands are the store, ledger, lane, seed, keys and
     * mean bytes.
     */
    static Object run(String[] order) throws IOException {
        int lane = Integer.parseInt(order[3]);
        try (Ledger ledger = Ledger.at(Path.of(order[2]));
                CairnStore store = Cairn.open(Path.of(order[1]))) {
            new CacheWorkload(
                            store,
                            ledger,
                            lane,
                            Integer.parseInt(order[5]),
                            Integer.parseInt(order[6]),
                            Long.parseLong(order[4]))
                    .run();
            ledger.add(lane, Figure.TAKEOVERS, store.stats().takeovers());
        }
        return "hammered";
    }

    private void run() {
        ledger.set(lane, Figure.STATE, Ledger.WORKING);
        while (ledger.order() != Ledger.STOP) {
            long start = System.nanoTime();
            step();
            long nanos = System.nanoTime() - start;
            if (nanos > ledger.figure(lane, Figure.LONGEST_NANOS)) {
                ledger.set(lane, Figure.LONGEST_NANOS, nanos);
            }
            ledger.add(lane, Figure.OPERATIONS, 1);
        }
    }

    private void step() {
        int dice = random.nextInt(100);
        if (dice < 15) {
            writeOwn(random.nextInt(Ledger.KEYS));
        } else if (dice < 30) {
            judge(random.nextInt(Ledger.LANES), random.nextInt(Ledger.KEYS));
        } else if (dice < 31) {
            store.remove(bytes(loadedKey(loaded())));
        } else if (dice < 32) {
            putMany();
        } else {
            load(loaded());
        }
    }

    private int loaded() {
        return random.nextBoolean() ? random.nextInt(keys / POPULAR_PART) : random.nextInt(keys);
    }

    private static String loadedKey(int key) {
        return "loaded/" + key;
    }

    /** The value that a source would give: a function of the key. */
    private byte[] source(int key) {
        int bytes = key % LARGE_EVERY == 0 ? LARGE_BYTES : key * 31 % (2 * meanBytes);
        return Values.of(loadedKey(key), 0, key, bytes);
    }

    private void load(int key) {
        ledger.add(lane, Figure.READS, 1);
        byte[] found = store.get(bytes(loadedKey(key)));
        if (found == null) {
            ledger.add(lane, Figure.ABSENT_READS, 1);
            store.put(bytes(loadedKey(key)), source(key));
        } else {
            Values.whole(loadedKey(key), found);
        }
    }

    private void putMany() {
        List<Map.Entry<byte[], byte[]>> entries = new ArrayList<>();
        for (int i = 0; i < BULK; i++) {
            int key = random.nextInt(keys);
            entries.add(Map.entry(bytes(loadedKey(key)), source(key)));
        }
        store.putAll(entries);
    }

    private void writeOwn(int key) {
        long sequence = ledger.begun(lane, key) + 1;
        ledger.begin(lane, key, sequence);
        if (Workload.removes(lane, key, sequence)) {
            store.remove(bytes(laneKey(lane, key)));
        } else {
            store.put(bytes(laneKey(lane, key)), Workload.value(lane, key, sequence));
        }
        ledger.acknowledge(lane, key, sequence);
    }

    /**
     * Requires that a key of a lane is absent, or shows an operation that is neither superseded nor
     * still to come.
     */
    private void judge(int of, int key) {
        long least = ledger.returned(of, key);
        byte[] found = store.get(bytes(laneKey(of, key)));
        VarHandle.fullFence();
        if (found != null) {
            Workload.judge(of, key, least, ledger.begun(of, key), found);
        }
    }

    /** Judges everything while nobody writes. Returns how many of the lanes' keys are there. */
    int judgeAll() {
        int there = 0;
        for (int of = 0; of < Ledger.LANES; of++) {
            for (int key = 0; key < Ledger.KEYS; key++) {
                judge(of, key);
                there += store.containsKey(bytes(laneKey(of, key))) ? 1 : 0;
            }
        }
        Map<String, byte[]> shown = new HashMap<>();
        store.forEach((key, value) -> {
            String name = new String(key, UTF_8);
            Values.whole(name, value);
            if (shown.put(name, value) != null) {
                throw new AssertionError(name + " twice in one walk");
            }
        });
        if (shown.size() != store.size()) {
            throw new AssertionError(shown.size() + " by walk, " + store.size() + " by size");
        }
        return there;
    }

    /**
     * Puts a number of keys and reads them again and again, while other keys pass that nobody
     * reads.
     */
    static Object makePopular(CairnStore store, int popular) {
        for (int round = 0; round < 5; round++) {
            for (int key = 0; key < popular; key++) {
                if (store.get(bytes(popularKey(key))) == null) {
                    store.put(bytes(popularKey(key)), Values.of(popularKey(key), 0, 1, 100));
                }
            }
            scan(store, round * popular, popular);
        }
        return popular;
    }

    static void scan(CairnStore store, int from, int count) {
        for (int i = from; i < from + count; i++) {
            store.put(bytes(passingKey(i)), Values.of(passingKey(i), 0, 1, 100));
        }
    }

    static String popularKey(int key) {
        return "popular/" + key;
    }

    static String passingKey(int key) {
        return "passing/" + key;
    }
}
