package dev.cairn.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongPredicate;
import java.util.stream.LongStream;

/**
 * Attacks tables when keys come and go forever, and when tables grow under readers. The canaries
 * are overflow counts that are never lowered, and a lookup that sometimes misses.
 */
class ChurnTest {
    private static final int TURNOVERS = 24;
    private static final long ABSENT_FROM = 1L << 40;
    private static final int STEADY = 300;
    private static final int PASSING = 30_000;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private CairnStore open() {
        return Cairn.open(file(), Options.defaults().withStripes(1));
    }

    /** The numbers are entries at a time; 2048 buckets are full at 10,035. */
    @ParameterizedTest
    @ValueSource(ints = {5_200, 7_500, 10_000})
    void lookupsStayShortWhileKeysComeAndGo(int entries) throws IOException {
        byte[] value = Content.value(1, 1, 8);
        try (CairnStore store = open()) {
            for (long key = 0; key < entries; key++) {
                store.put(Content.key(key), value);
            }
            say("filled", 0, entries, new TableImage(file()));
            for (long key = 0; key < (long) TURNOVERS * entries; key++) {
                store.remove(Content.key(key));
                store.put(Content.key(key + entries), value);
            }
            TableImage churned = new TableImage(file());
            say("churned", (long) TURNOVERS * entries, entries, churned);
            assertThat(miss(churned)).isLessThanOrEqualTo(3);
            assertThat(hit(churned, (long) TURNOVERS * entries, entries)).isLessThanOrEqualTo(2);
            assertThat(store.size()).isEqualTo(entries);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    private static void say(String when, long first, int entries, TableImage image) {
        System.out.printf(
                "%d entries, %s, load %.3f: a miss looks at %.3f lines, a hit at %.3f%n",
                entries, when, image.load(), miss(image), hit(image, first, entries));
    }

    private static double miss(TableImage image) {
        return LongStream.range(ABSENT_FROM, ABSENT_FROM + 20_000)
                .mapToInt(key -> image.lines(Content.key(key)))
                .average()
                .orElseThrow();
    }

    private static double hit(TableImage image, long from, int count) {
        return LongStream.range(from, from + count)
                .mapToInt(key -> image.lines(Content.key(key)))
                .average()
                .orElseThrow();
    }

    /** The canary: overflow counts that are never lowered. */
    @Test
    void overflowCountsThatStayAreNoticed() throws IOException {
        try (CairnStore store = open()) {
            for (long key = 0; key < 1000; key++) {
                store.put(Content.key(key), Content.key(key));
            }
            TableImage image = new TableImage(file());
            assertThat(miss(image)).isLessThanOrEqualTo(3);
            image.overflowEverywhere();
            assertThat(miss(image)).isGreaterThan(3);
        }
    }

    @Test
    void keyThatIsThereThroughoutIsNeverMissedWhileTheTableGrows() throws Exception {
        try (var _ = new SmallScale();
                CairnStore store = open()) {
            for (long key = 0; key < STEADY; key++) {
                store.put(Content.key(key), Content.value(key, 1, 40));
            }
            long before = store.stats().indexSlots();
            assertThat(missed(store, key -> store.get(Content.key(key)) != null)).isZero();
            assertThat(store.stats().indexSlots()).isGreaterThan(16 * before);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /** The canary: a lookup that sometimes does not find what is there. */
    @Test
    void lookupThatSometimesMissesIsNoticed() throws Exception {
        try (var _ = new SmallScale();
                CairnStore store = open()) {
            for (long key = 0; key < STEADY; key++) {
                store.put(Content.key(key), Content.value(key, 1, 40));
            }
            assertThat(missed(store, key -> key != STEADY / 2)).isPositive();
        }
    }

    /**
     * Two readers look while a writer fills and empties the table. Returns how often they missed a
     * key.
     */
    private static long missed(CairnStore store, LongPredicate lookup) throws Exception {
        AtomicBoolean writing = new AtomicBoolean(true);
        try (ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<Long>> readers = new ArrayList<>();
            readers.add(threads.submit(() -> missedByLookups(writing, lookup)));
            readers.add(threads.submit(() -> missedByWalks(store, writing)));
            try {
                for (long key = STEADY; key < STEADY + PASSING; key++) {
                    store.put(Content.key(key), Content.value(key, 1, 40));
                    if (key % 5 == 0 && key - 4 >= STEADY) {
                        store.remove(Content.key(key - 4));
                    }
                }
            } finally {
                writing.set(false);
            }
            long missed = 0;
            for (Future<Long> reader : readers) {
                missed += reader.get(60, TimeUnit.SECONDS);
            }
            return missed;
        }
    }

    private static long missedByLookups(AtomicBoolean writing, LongPredicate lookup) {
        long missed = 0;
        do {
            for (long key = 0; key < STEADY; key++) {
                missed += lookup.test(key) ? 0 : 1;
            }
        } while (writing.get());
        return missed;
    }

    private static long missedByWalks(CairnStore store, AtomicBoolean writing) {
        long[] missed = new long[1];
        do {
            int[] seen = new int[STEADY];
            store.forEach((key, _) -> {
                long number = ByteBuffer.wrap(key).getLong();
                if (number < STEADY) {
                    seen[(int) number]++;
                }
            });
            for (int times : seen) {
                missed[0] += times == 1 ? 0 : 1;
            }
        } while (writing.get());
        return missed[0];
    }
}
