package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;

/**
 * Attacks the promise that a store which is overwritten forever stays within a bound, whoever makes
 * checkpoints and whenever.
 */
class CleaningTest {
    private static final int ENTRIES = 30_000;
    private static final int VALUE_BYTES = 100;
    private static final int STRIPES = 8;
    private static final int TURNS = 50;

    /** What a file may have beyond three times its live bytes. */
    private static final long CONSTANT = (8L << 20) + STRIPES * 6L * (64 << 10);

    static final Options MANUAL = Options.defaults().withStripes(STRIPES).withManualCheckpoints();

    static final Options BACKGROUND = Options.defaults().withStripes(STRIPES);

    static final Options NEVER = BACKGROUND.withDurability(Durability.NONE);

    @TempDir Path directory;

    private final Random random = Seed.random(CleaningTest.class);

    /** Chooses which entry is written next. */
    interface Choice {
        int next(Random random, int entries);
    }

    @Test
    void uniformWithoutCheckpoints() {
        overwrite("uniform, none", MANUAL, 0, ENTRIES, Random::nextInt);
    }

    @Test
    void uniformWithCheckpointsBetween() {
        overwrite("uniform, manual", MANUAL, ENTRIES, ENTRIES, Random::nextInt);
    }

    @Test
    void uniformWithCheckpointsInTheBackground() {
        overwrite("uniform, background", BACKGROUND, 0, ENTRIES, Random::nextInt);
    }

    /** Nothing waits for a checkpoint, so the file stays at the live bytes and as much garbage. */
    @Test
    void uniformThatIsNeverDurable() {
        overwrite("uniform, NONE", NEVER, 0, ENTRIES, Random::nextInt);
    }

    @Test
    void skewedWithoutCheckpoints() {
        overwrite("skewed, none", MANUAL, 0, ENTRIES, CleaningTest::skewed);
    }

    @Test
    void skewedWithCheckpointsBetween() {
        overwrite("skewed, manual", MANUAL, ENTRIES / 3, ENTRIES, CleaningTest::skewed);
    }

    @Test
    void fewHotOnesWithoutCheckpoints() {
        overwrite("few hot, none", MANUAL, 0, ENTRIES, (random, _) -> random.nextInt(200));
    }

    /** Entries that nobody reads or removes any more must still give their space back. */
    @Test
    void expiredEntriesAreForgotten() {
        Path file = directory.resolve("expiring.cairn");
        try (CairnStore store = Cairn.open(file, BACKGROUND)) {
            store.put(key(-1), value(-1, 0)); // stays, in the way of those behind it
            for (int i = 0; i < 20 * ENTRIES; i++) {
                store.put(key(i), value(i, 0), Duration.ofMillis(1));
            }
            Stats stats = store.stats();
            System.out.printf(
                    "expiring: %,d of %,d entries left, %,d bytes%n",
                    stats.entries(), 20 * ENTRIES, stats.dataFileBytes());
            assertThat(stats.dataFileBytes()).isLessThan(2 * CONSTANT);
            assertThat(store.get(key(-1))).isEqualTo(value(-1, 0));
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /** Nine in ten writes go to a tenth of the entries. */
    static int skewed(Random random, int entries) {
        return random.nextInt(random.nextInt(10) > 0 ? entries / 10 : entries);
    }

    void overwrite(String what, Options options, int between, int entries, Choice choice) {
        Path file = directory.resolve(what.replaceAll("\\W", "-") + ".cairn");
        int[] latest = new int[entries];
        long longest = 0;
        try (CairnStore store = Cairn.open(file, options)) {
            for (int i = 0; i < entries; i++) {
                store.put(key(i), value(i, 0));
            }
            boolean never = options.durability() == Durability.NONE;
            long bound = (never ? 2 : 3) * store.stats().liveBytes() + CONSTANT;
            if (!never) {
                store.checkpoint();
            }
            long start = System.nanoTime();
            for (int n = 1; n <= TURNS * entries; n++) {
                int i = choice.next(random, entries);
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
                    "%s: %.2f times the %,d live bytes, %d ns a put, %d checkpoints, %d waited for%n",
                    what,
                    (double) longest / end.liveBytes(),
                    end.liveBytes(),
                    nanos / (TURNS * (long) entries),
                    end.checkpoints(),
                    end.checkpointWaits());
            assertThat(end.checkpointWaits()).isLessThanOrEqualTo(TURNS); // a turn has thousands
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
