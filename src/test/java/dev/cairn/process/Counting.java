package dev.cairn.process;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.MapBuilder;
import dev.cairn.Options;
import dev.cairn.codec.Codecs;
import dev.cairn.process.Ledger.Figure;

import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * The increments that one lane makes of counters which all lanes increment. It uses each way that a
 * map has, and notes each increment in the {@link Ledger} before and after.
 */
record Counting(CairnMap<String, Long> map, Ledger ledger, int lane) {
    static final int COUNTERS = 6;
    private static final int INCREMENTS_PER_CHECKPOINT = 500;

    static CairnMap<String, Long> open(Path path, boolean nearCache) {
        MapBuilder<String, Long> builder =
                Cairn.map(Codecs.utf8(), Codecs.int64()).options(Options.defaults().withStripes(2));
        return nearCache
                ? builder.nearCache(Caffeine.newBuilder().maximumSize(1_000))
                        .cacheAbsence()
                        .open(path)
                : builder.open(path);
    }

    static String name(int counter) {
        return "counter" + counter;
    }

    static void create(CairnMap<String, Long> map) {
        for (int counter = 0; counter < COUNTERS; counter++) {
            map.put(name(counter), 0L);
        }
    }

    private void begin(int counter) {
        ledger.begin(lane, counter, ledger.begun(lane, counter) + 1);
    }

    private void acknowledge(int counter) {
        ledger.acknowledge(lane, counter, ledger.returned(lane, counter) + 1);
    }

    void run(long seed, long increments) {
        SplittableRandom random = new SplittableRandom(seed);
        ledger.set(lane, Figure.STATE, Ledger.WORKING);
        for (long i = 0; i < increments && ledger.order() != Ledger.STOP; i++) {
            if (random.nextInt(20) == 0) {
                incrementAll();
            } else {
                int counter = random.nextInt(COUNTERS);
                begin(counter);
                increment(name(counter), random);
                acknowledge(counter);
            }
            if (random.nextInt(INCREMENTS_PER_CHECKPOINT) == 0) {
                map.checkpoint();
            }
            ledger.add(lane, Figure.OPERATIONS, 1);
        }
    }

    private void incrementAll() {
        for (int counter = 0; counter < COUNTERS; counter++) {
            begin(counter);
        }
        map.replaceAll((_, count) -> count + 1);
        for (int counter = 0; counter < COUNTERS; counter++) {
            acknowledge(counter);
        }
    }

    private void increment(String name, SplittableRandom random) {
        switch (random.nextInt(5)) {
            case 0 -> map.merge(name, 1L, Long::sum);
            case 1 -> map.compute(name, (_, count) -> count + 1);
            case 2 -> map.computeIfPresent(name, (_, count) -> count + 1);
            case 3 -> {
                Long count;
                do {
                    count = map.get(name);
                } while (!map.replace(name, count, count + 1));
            }
            default -> map.merge(name, -1L, (count, less) -> count - less);
        }
    }
}
