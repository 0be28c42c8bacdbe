package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/** Attacks the choice of what a cache keeps: what was used often and lately must stay. */
class EvictionPolicyTest {
    private static final long BOUND = 2L << 20;
    private static final int BYTES = 100;

    /** About how many entries fit. */
    private static final int FITTING = (int) (BOUND / 144);

    private static final int POPULAR = FITTING / 10;
    private static final long OTHERS = 1L << 32;

    private static final Random RANDOM = Seed.random(EvictionPolicyTest.class);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path file() {
        return directory.resolve("cache");
    }

    private CairnStore open() {
        return Cairn.open(file(), CacheModel.quiet(BOUND));
    }

    private static void put(CairnStore store, long key) {
        store.put(Content.key(key), Content.value(key, 0, BYTES));
    }

    private static boolean reads(CairnStore store, long key) {
        byte[] found = store.get(Content.key(key));
        if (found != null) {
            assertThat(found).isEqualTo(Content.value(key, 0, BYTES));
        }
        return found != null;
    }

    private static int there(CairnStore store, long from, int count) {
        int there = 0;
        for (long key = from; key < from + count; key++) {
            there += store.containsKey(Content.key(key)) ? 1 : 0;
        }
        return there;
    }

    /** Reads each popular key once, and puts back those that are gone. Returns the hits. */
    private static int readPopular(CairnStore store) {
        int hits = 0;
        for (long key = 0; key < POPULAR; key++) {
            if (reads(store, key)) {
                hits++;
            } else {
                put(store, key);
            }
        }
        return hits;
    }

    private static void scan(CairnStore store, long from, int count) {
        for (long key = from; key < from + count; key++) {
            put(store, OTHERS + key);
        }
    }

    /**
     * A scan of ten times the bound passes. Popular keys are read in each tenth of it, and must be
     * found.
     */
    @Test
    void whatIsReadOftenStaysWhileAScanPasses() {
        try (CairnStore store = open()) {
            for (int round = 0; round < 5; round++) {
                int _ = readPopular(store);
            }
            scan(store, 0, FITTING);
            int rounds = 100;
            long hits = 0;
            for (int round = 1; round <= rounds; round++) {
                scan(store, (long) round * FITTING / 10, FITTING / 10);
                hits += readPopular(store);
            }
            System.out.printf(
                    "EvictionPolicyTest: %d of %d reads of popular keys hit beside a scan%n",
                    hits, (long) rounds * POPULAR);
            assertThat(hits).isGreaterThan(rounds * (long) POPULAR * 97 / 100);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /** What was read often and is no longer read must outlive what was never read. */
    @Test
    void whatWasReadOutlivesWhatWasNot() {
        try (CairnStore store = open()) {
            for (long key = 0; key < POPULAR; key++) {
                put(store, key);
                put(store, POPULAR + key);
            }
            for (int round = 0; round < 5; round++) {
                for (long key = 0; key < POPULAR; key++) {
                    assertThat(reads(store, key)).isTrue();
                }
            }
            scan(store, 0, FITTING * 3 / 2);
            int read = there(store, 0, POPULAR);
            int unread = there(store, POPULAR, POPULAR);
            System.out.printf(
                    "EvictionPolicyTest: of %d each, %d that were read and %d that were not are there%n",
                    POPULAR, read, unread);
            assertThat(read).isGreaterThan(unread + POPULAR / 4);
        }
    }

    @Test
    void whatWasPutOverOutlivesWhatWasNot() {
        try (CairnStore store = open()) {
            for (int round = 0; round < 3; round++) {
                for (long key = 0; key < POPULAR; key++) {
                    put(store, key);
                    if (round == 0) {
                        put(store, POPULAR + key);
                    }
                }
            }
            scan(store, 0, FITTING * 3 / 2);
            int over = there(store, 0, POPULAR);
            int once = there(store, POPULAR, POPULAR);
            System.out.printf(
                    "EvictionPolicyTest: of %d each, %d put over and %d put once are there%n",
                    POPULAR, over, once);
            assertThat(over).isGreaterThan(once + POPULAR / 4);
        }
    }

    /** The next process must find marks and frequencies. */
    @Test
    void reopenedCacheKnowsWhatIsPopular() {
        try (CairnStore store = open()) {
            for (int round = 0; round < 5; round++) {
                int _ = readPopular(store);
                scan(store, (long) round * POPULAR, POPULAR);
            }
        }
        try (CairnStore store = open()) {
            assertThat(there(store, 0, POPULAR)).isEqualTo(POPULAR);
            scan(store, 5L * POPULAR, FITTING * 3 / 2);
            int others = there(store, OTHERS, POPULAR);
            assertThat(there(store, 0, POPULAR)).isGreaterThan(others + POPULAR / 4);
        }
    }

    /** If a popular key was evicted and comes again, it must not be taken for a new one. */
    @Test
    void hitRatioIsAboveThatOfTheOldestGoesFirst() {
        double[] sums = new double[10 * FITTING];
        double sum = 0;
        for (int i = 0; i < sums.length; i++) {
            sum += Math.pow(i + 1, -0.9);
            sums[i] = sum;
        }
        try (CairnStore store = open()) {
            int[] queue = new int[FITTING]; // this queue evicts the oldest first
            boolean[] queued = new boolean[sums.length];
            int at = 0;
            Arrays.fill(queue, -1);
            long hits = 0;
            long hitsOfQueue = 0;
            int requests = 300_000;
            for (int i = 0; i < requests; i++) {
                int found = Arrays.binarySearch(sums, RANDOM.nextDouble() * sum);
                int key = found < 0 ? -found - 1 : found;
                if (reads(store, key)) {
                    hits++;
                } else {
                    put(store, key);
                }
                if (queued[key]) {
                    hitsOfQueue++;
                } else {
                    if (queue[at] >= 0) {
                        queued[queue[at]] = false;
                    }
                    queue[at] = key;
                    queued[key] = true;
                    at = (at + 1) % queue.length;
                }
            }
            System.out.printf(
                    "EvictionPolicyTest: hit ratio %.3f, of a queue %.3f%n",
                    (double) hits / requests, (double) hitsOfQueue / requests);
            assertThat((double) hits / requests)
                    .isGreaterThan((double) hitsOfQueue / requests + 0.04);
            assertThat(store.verify().damages()).isEmpty();
        }
    }
}
