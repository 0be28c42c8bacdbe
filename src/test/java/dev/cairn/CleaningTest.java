package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.ToIntFunction;

/** A store that is overwritten for ever stays within a bound, whoever makes checkpoints when. */
class CleaningTest {
    private static final int ENTRIES = 30_000;
    private static final int VALUE_BYTES = 100;
    private static final int STRIPES = 8;
    private static final int TURNS = 50;

    /** What a file may have beyond 2.5 times its live bytes. */
    private static final long CONSTANT = (8L << 20) + STRIPES * 6L * (64 << 10);

    private static final Options MANUAL =
            Options.defaults().withStripes(STRIPES).withManualCheckpoints();

    @TempDir Path directory;

    private final Random random = Seed.random(CleaningTest.class);

    @Test
    void uniformWithoutCheckpoints() {
        overwrite("uniform, none", MANUAL, 0, r -> r.nextInt(ENTRIES));
    }

    @Test
    void uniformWithCheckpointsBetween() {
        overwrite("uniform, manual", MANUAL, ENTRIES, r -> r.nextInt(ENTRIES));
    }

    @Test
    void uniformWithCheckpointsInTheBackground() {
        Options background = Options.defaults().withStripes(STRIPES);
        overwrite("uniform, background", background, 0, r -> r.nextInt(ENTRIES));
    }

    @Test
    void skewedWithoutCheckpoints() {
        overwrite("skewed, none", MANUAL, 0, CleaningTest::skewed);
    }

    @Test
    void skewedWithCheckpointsBetween() {
        overwrite("skewed, manual", MANUAL, ENTRIES / 3, CleaningTest::skewed);
    }

    @Test
    void fewHotOnesWithoutCheckpoints() {
        overwrite("few hot, none", MANUAL, 0, r -> r.nextInt(200));
    }

    /** Nine in ten writes go to a tenth of the entries. */
    private static int skewed(Random random) {
        return random.nextInt(10) > 0 ? random.nextInt(ENTRIES / 10) : random.nextInt(ENTRIES);
    }

    private void overwrite(
            String what, Options options, int between, ToIntFunction<Random> choice) {
        Path file = directory.resolve("store.cairn");
        int[] latest = new int[ENTRIES];
        long longest = 0;
        long start;
        try (CairnStore store = Cairn.open(file, options)) {
            for (int i = 0; i < ENTRIES; i++) {
                store.put(key(i), value(i, 0));
            }
            long bound = 5 * store.stats().liveBytes() / 2 + CONSTANT;
            store.checkpoint();
            start = System.nanoTime();
            for (int n = 1; n <= TURNS * ENTRIES; n++) {
                int i = choice.applyAsInt(random);
                store.put(key(i), value(i, n));
                latest[i] = n;
                if (between > 0 && n % between == 0) {
                    store.checkpoint();
                }
                if (n % 1000 == 0) {
                    longest = Math.max(longest, store.stats().dataFileBytes());
                    assertThat(longest).as("bytes after %d writes", n).isLessThan(bound);
                }
            }
            long nanos = System.nanoTime() - start;
            Stats end = store.stats();
            System.out.printf(
                    "%s: %.2f times the live bytes, %d ns a put, %d checkpoints, garbage %.2f,"
                            + " waiting %.2f%n",
                    what,
                    (double) longest / end.liveBytes(),
                    nanos / (TURNS * ENTRIES),
                    end.checkpoints(),
                    (double) end.garbageBytes() / end.liveBytes(),
                    (double) end.waitingRegions() * end.regionBytes() / end.liveBytes());
            assertThat(store.verify().damages()).isEmpty();
            check(store, latest);
        }
        try (CairnStore store = Cairn.open(file, options)) {
            check(store, latest);
        }
    }

    private static void check(CairnStore store, int[] latest) {
        assertThat(store.size()).isEqualTo(latest.length);
        for (int i = 0; i < latest.length; i++) {
            assertThat(store.get(key(i))).as("entry %d", i).isEqualTo(value(i, latest[i]));
        }
    }

    private static byte[] key(int i) {
        return ByteBuffer.allocate(16).putLong(8, i).array();
    }

    private static byte[] value(int i, int n) {
        return ByteBuffer.allocate(VALUE_BYTES).putInt(i).putInt(n).putInt(96, i ^ n).array();
    }
}
