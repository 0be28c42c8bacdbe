package dev.cairn.process;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Versioned;
import dev.cairn.codec.Codecs;
import dev.cairn.process.Event.Operation;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;

/**
 * What a process does whose history is judged. It makes random operations on a few keys that all
 * processes share, and notes each before and after. Keys below {@link #COUNTERS} hold numbers,
 * which are merged, and read through a near cache. The others hold values that say who wrote them.
 */
final class LinearWork {
    static final int COUNTERS = 4;
    static final int KEYS = 12;

    private static final int FILLERS = 3_000;
    private static final int LONGEST_VALUE = 700;
    private static final long CACHE_BYTES = 400_000;
    private static final int WRITER_BITS = 40;

    /** A mistake that a process makes on purpose, to see that the judge notices it. */
    enum Flaw {
        NONE,
        /** Cached numbers are read without being confirmed. */
        UNCONFIRMED,
        /** Numbers are read and then put, instead of merged. */
        LOST_UPDATE
    }

    private final CairnStore store;
    private final CairnMap<String, Long> numbers;
    private final History history;
    private final int lane;
    private final Flaw flaw;
    private final SplittableRandom random;
    private final long[] versions = new long[KEYS];
    private long sequence;

    private LinearWork(
            CairnStore store,
            CairnMap<String, Long> numbers,
            History history,
            int lane,
            Flaw flaw,
            long seed) {
        this.store = store;
        this.numbers = numbers;
        this.history = history;
        this.lane = lane;
        this.flaw = flaw;
        this.random = new SplittableRandom(seed);
        this.sequence = history.count(lane); // no id is used twice, not even by a successor
    }

    static Options options(boolean evicting) {
        Options options = Options.defaults().withStripes(2).withLockTimeout(Duration.ofSeconds(60));
        return evicting ? options.withMaxBytes(CACHE_BYTES).withEviction(true) : options;
    }

    /**
     * Works until the history of its lane is full.
     *
     * @param order the file, history, capacity of the history, lane, seed, whether the store
     *     evicts, and flaw
     */
    static String run(String[] order) throws IOException {
        Options options = options(Boolean.parseBoolean(order[6]));
        Flaw flaw = Flaw.valueOf(order[7]);
        Path file = Path.of(order[1]);
        var near =
                Cairn.map(Codecs.utf8(), Codecs.int64())
                        .options(options)
                        .nearCache(Caffeine.newBuilder().maximumSize(100))
                        .cacheAbsence();
        if (flaw == Flaw.UNCONFIRMED) {
            near = near.boundedStaleness(Duration.ofHours(1));
        }
        try (CairnStore store = Cairn.open(file, options);
                CairnMap<String, Long> numbers = near.open(file);
                History history = new History(Path.of(order[2]), Integer.parseInt(order[3]))) {
            int lane = Integer.parseInt(order[4]);
            new LinearWork(store, numbers, history, lane, flaw, Long.parseLong(order[5])).work();
        }
        return "done";
    }

    /**
     * Makes logs roll, tables grow, regions be cleaned and checkpoints be made, until it is killed.
     */
    static String disturb(String[] order) {
        SplittableRandom random = new SplittableRandom(Long.parseLong(order[2]));
        try (CairnStore store =
                Cairn.open(Path.of(order[1]), options(Boolean.parseBoolean(order[3])))) {
            for (long i = 0; ; i++) {
                byte[] key = bytes("filler" + random.nextInt(FILLERS));
                if (random.nextInt(4) == 0) {
                    store.remove(key);
                } else {
                    store.put(key, new byte[random.nextInt(LONGEST_VALUE)]);
                }
                if (i % 500 == 0 && !Boolean.parseBoolean(order[3])) {
                    store.checkpoint();
                }
                if (i % 20_000 == 10_000) {
                    store.compact();
                }
            }
        }
    }

    private void work() {
        while (!history.isFull(lane)) {
            int key = random.nextInt(KEYS);
            if (key < COUNTERS) {
                count(key);
            } else {
                write(key);
            }
        }
    }

    private void count(int key) {
        String name = "number" + key;
        if (random.nextInt(3) != 0) {
            long event = history.begin(lane, Operation.GET, key, 0, 0);
            Long found = numbers.get(name);
            history.end(lane, event, found == null ? 0 : found, 0);
            return;
        }
        long event = history.begin(lane, Operation.MERGE, key, 1, 0);
        Long after;
        if (flaw == Flaw.LOST_UPDATE) {
            Long before = numbers.get(name);
            after = before == null ? 1L : before + 1;
            numbers.put(name, after);
        } else {
            after = numbers.merge(name, 1L, Long::sum);
        }
        history.end(lane, event, after == null ? 0 : after, 0);
    }

    private void write(int key) {
        String name = "key" + key;
        byte[] bytes = bytes(name);
        long id = ((long) lane + 1 << WRITER_BITS) + ++sequence;
        int length = random.nextInt(3) == 0 ? random.nextInt(LONGEST_VALUE) : 40;
        byte[] value = Values.of(name, lane, sequence, length);
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> {
                long event = history.begin(lane, Operation.GET, key, 0, 0);
                history.end(lane, event, id(name, store.get(bytes)), 0);
            }
            case 3 -> {
                long event = history.begin(lane, Operation.GET_VERSIONED, key, 0, 0);
                Versioned found = store.getVersioned(bytes);
                versions[key] = found == null ? 0 : found.version();
                history.end(
                        lane, event, found == null ? 0 : id(name, found.value()), versions[key]);
            }
            case 4, 5, 6 -> {
                long event = history.begin(lane, Operation.PUT, key, id, 0);
                history.end(lane, event, 0, store.put(bytes, value));
            }
            case 7 -> {
                long event = history.begin(lane, Operation.PUT_IF_ABSENT, key, id, 0);
                history.end(lane, event, 0, store.putIfAbsent(bytes, value));
            }
            case 8 -> {
                long version = Math.max(1, versions[key]); // of no entry, if none was seen
                long event = history.begin(lane, Operation.REPLACE, key, id, version);
                history.end(lane, event, 0, store.replace(bytes, version, value));
            }
            default -> remove(key, bytes);
        }
    }

    private void remove(int key, byte[] bytes) {
        if (random.nextBoolean()) {
            long event = history.begin(lane, Operation.REMOVE, key, 0, 0);
            history.end(lane, event, 0, store.remove(bytes));
        } else {
            long version = Math.max(1, versions[key]); // of no entry, if none was seen
            long event = history.begin(lane, Operation.REMOVE_VERSION, key, 0, version);
            history.end(lane, event, 0, store.remove(bytes, version));
        }
    }

    /** The id of a whole value of that key. Throws if the value is a mixture. */
    private static long id(String name, byte[] value) {
        if (value == null) {
            return 0;
        }
        Values.Said said = Values.whole(name, value);
        return ((long) said.writer() + 1 << WRITER_BITS) + said.sequence();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
