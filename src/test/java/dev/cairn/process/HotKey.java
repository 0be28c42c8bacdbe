package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.Versioned;
import dev.cairn.codec.Codecs;
import dev.cairn.process.Values.Said;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/** The writers and readers of one key. Each runs in a process of its own. */
final class HotKey {
    static final String KEY = "hot";
    static final int BYTES = 120;

    /** The numbers of writers are smaller than this. */
    private static final int WRITERS = 128;

    private static final int MOST_TIMES = 1 << 22;

    private final CairnStore store;
    private final long[] sequences = new long[WRITERS];
    private long version;

    HotKey(CairnStore store) {
        this.store = store;
    }

    /**
     * Overwrites the key without pause.
     *
     * @param puts how many times
     * @return about how many puts of this process overwrote in place
     */
    long write(int writer, long puts) {
        for (long sequence = 1; sequence <= puts; sequence++) {
            long given = store.put(bytes(KEY), value(writer, sequence));
            if (given <= version) {
                throw new AssertionError("version " + given + " after " + version);
            }
            version = given;
        }
        return store.stats().overwritesInPlace();
    }

    static byte[] value(int writer, long sequence) {
        return Values.of(KEY, writer, sequence, BYTES);
    }

    /**
     * Reads the key in every way until {@code enough} says so. Returns how often it read and how
     * long the longest read took.
     */
    String read(Path path, BooleanSupplier enough) {
        long[] nanos = new long[MOST_TIMES];
        int times = 0;
        try (CairnMap<String, byte[]> map =
                Cairn.map(Codecs.utf8(), Codecs.bytes())
                        .options(Scenario.QUIET)
                        .nearCache(Caffeine.newBuilder().recordStats())
                        .open(path)) {
            long rounds = 0;
            for (; !enough.getAsBoolean(); rounds++) {
                long start = System.nanoTime();
                byte[] value = store.get(bytes(KEY));
                nanos[times++ % MOST_TIMES] = System.nanoTime() - start;
                judge(value);
                judge(Objects.requireNonNull(store.getVersioned(bytes(KEY))));
                judge(store.read(bytes(KEY), HotKey::copy));
                judge(map.get(KEY));
                if (rounds % 16 == 0) {
                    judge(store.getAll(List.of(bytes("other"), bytes(KEY))).get(1));
                    store.forEach((key, each) -> {
                        if (new String(key, UTF_8).equals(KEY)) {
                            judge(each);
                        }
                    });
                    store.forEachVersioned((key, each) -> {
                        if (new String(key, UTF_8).equals(KEY)) {
                            judge(each);
                        }
                    });
                }
            }
            int measured = Math.min(times, MOST_TIMES);
            Arrays.sort(nanos, 0, measured);
            return "%d rounds, a get took %.1f us in 99.9 %%, %.1f us at most; near cache confirmed %d"
                    .formatted(
                            rounds,
                            nanos[(int) (measured * 0.999)] / 1e3,
                            nanos[measured - 1] / 1e3,
                            map.nearCacheStats().confirmed());
        }
    }

    private static byte[] copy(MemorySegment value) {
        return value.toArray(ValueLayout.JAVA_BYTE);
    }

    private void judge(Versioned found) {
        if (found.version() < version) {
            throw new AssertionError("version " + found.version() + " after " + version);
        }
        version = found.version();
        judge(found.value());
    }

    /** No value may be older than one of the same writer that was seen before. */
    private void judge(byte[] value) {
        Said said = Values.whole(KEY, value);
        if (said.sequence() < sequences[said.writer()]) {
            throw new AssertionError(
                    "writer %d's value %d after %d"
                            .formatted(said.writer(), said.sequence(), sequences[said.writer()]));
        }
        sequences[said.writer()] = said.sequence();
    }
}
