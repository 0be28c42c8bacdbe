package dev.cairn.process;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.CacheBuilder;
import dev.cairn.Cairn;
import dev.cairn.CairnCache;
import dev.cairn.Options;
import dev.cairn.codec.Codecs;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/**
 * The orders of {@link Acting} that are about caches. A process notes its loads in the {@link
 * Ledger}, in its own lane, at the word of the key. The loaded value is the process id.
 */
final class CacheOrders {
    /** The age at which an entry is old. */
    static final Duration AGE = Duration.ofMinutes(30);

    private static final long TICK_NANOS = 100_000;

    private CairnCache<String, Long> cache;

    static CairnCache<String, Long> open(Path path, boolean nearCache) {
        CacheBuilder<String, Long> builder =
                Cairn.cache(Codecs.utf8(), Codecs.int64())
                        .options(Options.defaults().withStripes(2))
                        .refreshAfterWrite(AGE);
        return nearCache
                ? builder.nearCache(Caffeine.newBuilder().maximumSize(1_000)).open(path)
                : builder.open(path);
    }

    Object act(String[] order) throws IOException {
        return switch (order[0]) {
            case "open cache" -> open(order);
            case "get each" -> getEach(new Turn(order));
            case "get all" -> getAll(new Turn(order));
            case "get old" -> getOld(new Turn(order));
            case "cached" -> cache.getIfPresent(order[1]);
            case "read cache" -> read(Integer.parseInt(order[1]));
            default -> throw new IllegalArgumentException(order[0]);
        };
    }

    private Object open(String[] order) {
        cache = open(Path.of(order[1]), Boolean.parseBoolean(order[2]));
        return "open";
    }

    /**
     * The operands of an order: the ledger, lane, prefix of the keys, number of keys, the order to
     * start at, and the order until which loads last.
     */
    private record Turn(Path ledger, int lane, String prefix, int count, long start, long end) {
        Turn(String[] order) {
            this(
                    Path.of(order[1]),
                    Integer.parseInt(order[2]),
                    order[3],
                    Integer.parseInt(order[4]),
                    Long.parseLong(order[5]),
                    Long.parseLong(order[6]));
        }

        List<String> keys() {
            return IntStream.range(0, count).mapToObj(word -> prefix + word).toList();
        }

        Long load(Ledger notes, String key) {
            int word = Integer.parseInt(key.substring(prefix.length()));
            notes.begin(lane, word, notes.begun(lane, word) + 1);
            return ProcessHandle.current().pid();
        }
    }

    private static void awaitOrder(Ledger notes, long order) {
        while (notes.order() < order) {
            LockSupport.parkNanos(TICK_NANOS);
        }
    }

    /** Asks for each key in a thread of its own. */
    private Object getEach(Turn turn) throws IOException {
        try (Ledger notes = Ledger.at(turn.ledger);
                ExecutorService threads = Executors.newFixedThreadPool(turn.count)) {
            awaitOrder(notes, turn.start);
            List<Future<Long>> values = new ArrayList<>();
            for (String key : turn.keys()) {
                values.add(
                        threads.submit(() ->
                                cache.get(
                                        key,
                                        _ -> {
                                            Long value = turn.load(notes, key);
                                            awaitOrder(notes, turn.end);
                                            return value;
                                        })));
            }
            Map<String, Long> got = new HashMap<>();
            for (String key : turn.keys()) {
                got.put(key, values.get(got.size()).get());
            }
            return said(turn, got);
        } catch (InterruptedException | ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Asks for all keys in one call. */
    private Object getAll(Turn turn) throws IOException {
        try (Ledger notes = Ledger.at(turn.ledger)) {
            awaitOrder(notes, turn.start);
            return said(turn, cache.getAll(turn.keys(), keys -> loadAll(turn, notes, keys)));
        }
    }

    private static Map<String, Long> loadAll(Turn turn, Ledger notes, Set<String> keys) {
        Map<String, Long> loaded = new HashMap<>();
        keys.forEach(key -> loaded.put(key, turn.load(notes, key)));
        awaitOrder(notes, turn.end);
        return loaded;
    }

    /**
     * Reads old entries again and again until the last order was given. The answer says what was
     * read.
     */
    private Object getOld(Turn turn) throws IOException {
        Ledger notes = Ledger.at(turn.ledger); // left open, as background loads may still note
        awaitOrder(notes, turn.start);
        Map<String, Long> got = new HashMap<>();
        do {
            for (String key : turn.keys()) {
                Long value =
                        cache.get(
                                key,
                                _ -> {
                                    Long loaded = turn.load(notes, key);
                                    awaitOrder(notes, turn.end);
                                    return loaded;
                                });
                Long before = got.putIfAbsent(key, value);
                if (before != null && !before.equals(value)) {
                    throw new AssertionError(key + " changed before it was loaded: " + value);
                }
            }
            LockSupport.parkNanos(TICK_NANOS);
        } while (notes.order() < turn.end - 1);
        return said(turn, got);
    }

    private static String said(Turn turn, Map<String, Long> got) {
        return String.join(
                " ", turn.keys().stream().map(key -> String.valueOf(got.get(key))).toList());
    }

    private Object read(int times) {
        for (int i = 0; i < times; i++) {
            Long _ = cache.getIfPresent("key" + i % 7);
        }
        return times;
    }
}
