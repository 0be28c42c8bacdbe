package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

/** A store that evicts: what it keeps within, what stays, and what it never gives back. */
class EvictionTest {
    private static final long BOUND = 4L << 20;

    @TempDir private Path directory;

    private static byte[] key(long i) {
        return ByteBuffer.allocate(16).putLong(i).array();
    }

    private static byte[] value(long i, int bytes) {
        byte[] value = new byte[bytes];
        new Random(i).nextBytes(value);
        return value;
    }

    private CairnStore open(Options options) {
        return Cairn.open(directory.resolve("cache"), options);
    }

    private static Options cache() {
        return Options.defaults().withMaxBytes(BOUND).withEviction(true);
    }

    @Test
    void putsNeverFailAndTheBoundIsKept() throws IOException {
        try (CairnStore store = open(cache())) {
            for (int i = 0; i < 300_000; i++) {
                store.put(key(i), value(i, 100));
                if (i % 1000 == 0) {
                    assertThat(Files.size(directory.resolve("cache"))).isLessThanOrEqualTo(BOUND);
                }
            }
            assertThat(store.verify().damages()).isEmpty();
            assertThat(store.size()).isBetween(22_000L, 30_000L);
            int found = 0;
            for (int i = 0; i < 300_000; i++) {
                byte[] value = store.get(key(i));
                if (value != null) {
                    assertThat(value).isEqualTo(value(i, 100));
                    found++;
                }
            }
            assertThat(found).isEqualTo((int) store.size());
            System.out.println(store.stats() + " " + store.size());
        }
    }

    @Test
    void hot() {
        try (CairnStore store = open(cache())) {
            double[] cdf = new double[100_000];
            double s = 0;
            for (int i = 0; i < cdf.length; i++) {
                s += Math.pow(i + 1, -0.9);
                cdf[i] = s;
            }
            Random random = new Random(1);
            long hits = 0;
            int n = 2_000_000;
            long nanos = System.nanoTime();
            long longest = 0;
            for (int i = 0; i < n; i++) {
                int at = Arrays.binarySearch(cdf, random.nextDouble() * s);
                byte[] key = key(at < 0 ? -at - 1 : at);
                if (store.get(key) != null) {
                    hits++;
                } else {
                    long t = System.nanoTime();
                    store.put(key, new byte[100]);
                    longest = Math.max(longest, System.nanoTime() - t);
                }
            }
            System.out.printf(
                    "hits %.4f ns/op %d longest put %d us size %d%n",
                    hits / (double) n,
                    (System.nanoTime() - nanos) / n,
                    longest / 1000,
                    store.size());
            assertThat(store.verify().damages()).isEmpty();
        }
    }
}
