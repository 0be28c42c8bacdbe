package dev.cairn.process;

import static dev.cairn.process.Workload.counterKey;
import static dev.cairn.process.Workload.laneKey;
import static dev.cairn.process.Workload.removes;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.MapBuilder;
import dev.cairn.NearCacheStats;
import dev.cairn.Options;
import dev.cairn.codec.Codecs;
import dev.cairn.process.Ledger.Figure;

import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that write to a map, each the keys of its lane, and threads that read all keys and judge
 * every read by the {@link Ledger}. A read must show each operation that had returned before it
 * began, or a later one. It must show only operations that had begun when it returned. No thread
 * may see a key go back. Some keys are written rarely, so that they stay cached; counters are
 * incremented by all; fleeting keys expire.
 */
final class Coherence {
    /** The first keys of a lane are written rarely, those behind them all the time. */
    private static final int QUIET_KEYS = 8;

    private static final int FIRST_FLEETING = 24;

    /**
     * From here on the keys are counters. A lane's numbers for a counter are those of its own
     * increments.
     */
    private static final int FIRST_COUNTER = 28;

    /**
     * The numbers of this lane are milliseconds. They say by when the last value of a lane's
     * fleeting key has expired.
     */
    private static final int EXPIRY_LANE = Ledger.LANES - 1;

    private static final int LIFE_MILLIS = 20;
    private static final int LONGEST_PAUSE_NANOS = 400_000;
    private static final int WRITES_PER_CHECKPOINT = 2_000;
    private static final int WRITES_PER_COMPACTION = 10_000;
    private static final int READS_PER_NOTE = 1 << 10;
    private static final int READS_PER_WALK = 1 << 15;

    /** Eight times the largest entry, which is about fifty regions. */
    private static final long CACHE_BYTES = 200_000;

    /** How a process caches. */
    enum Caching {
        /** Everything that the process saw is cached, absence too. */
        ALL(false),
        /**
         * Fewer entries are cached than there are, and only for a while. Nobody writes in this
         * process.
         */
        SOME(false),
        /**
         * The canary: cached entries are returned without asking whether they are still current.
         */
        UNCONFIRMED(false),
        /** The same three kinds of caching, for a store that evicts. */
        ALL_OF_CACHE(true),
        SOME_OF_CACHE(true),
        UNCONFIRMED_OF_CACHE(true);

        private final boolean evicting;

        Caching(boolean evicting) {
            this.evicting = evicting;
        }

        /** The options of the store that is created. */
        private Options options() {
            Options options = Options.defaults().withStripes(4);
            return evicting ? options.withMaxBytes(CACHE_BYTES).withEviction(true) : options;
        }
    }

    private final CairnMap<String, Mark> map;
    private final Ledger ledger;
    private final int writerLanes;

    /** Whether any entry may be gone. */
    private final boolean evicting;

    Coherence(CairnMap<String, Mark> map, Ledger ledger, int writerLanes, Caching caching) {
        this.map = map;
        this.ledger = ledger;
        this.writerLanes = writerLanes;
        this.evicting = caching.evicting;
        Workload.keysOfACache(evicting);
    }

    static CairnMap<String, Mark> open(Path path, Caching caching) {
        Options options = caching.options();
        MapBuilder<String, Mark> builder = Cairn.map(Codecs.utf8(), Mark.CODEC).options(options);
        Caffeine<Object, Object> all = Caffeine.newBuilder().maximumSize(10_000).recordStats();
        return switch (caching) {
            case ALL, ALL_OF_CACHE -> builder.nearCache(all).cacheAbsence().open(path);
            case UNCONFIRMED, UNCONFIRMED_OF_CACHE ->
                    builder.nearCache(all).boundedStaleness(Duration.ofHours(1)).open(path);
            case SOME, SOME_OF_CACHE ->
                    builder.options(options.withReadOnly(true))
                            .nearCache(
                                    Caffeine.newBuilder()
                                            .maximumSize(80)
                                            .expireAfterWrite(Duration.ofMillis(200))
                                            .recordStats())
                            .open(path);
        };
    }

    private boolean goesOn() {
        return ledger.order() != Ledger.STOP;
    }

    /**
     * Writes a lane's keys until the ledger says stop. Returns null, since a wrong result is
     * thrown.
     */
    String write(int lane, long seed) {
        new Writing(lane, new SplittableRandom(seed)).run();
        return null;
    }

    /** A lane's only writer. */
    private final class Writing {
        private final int lane;
        private final SplittableRandom random;
        private final Mark[] present = new Mark[FIRST_FLEETING];

        /**
         * Whether this writer knows a key's entry. It does not before its first write, since a
         * predecessor may have died during one.
         */
        private final boolean[] known = new boolean[FIRST_FLEETING];

        private Writing(int lane, SplittableRandom random) {
            this.lane = lane;
            this.random = random;
        }

        private void run() {
            ledger.set(lane, Figure.STATE, Ledger.WORKING);
            while (goesOn()) {
                int dice = random.nextInt(100);
                if (dice == 0) {
                    writeOwn(random.nextInt(QUIET_KEYS));
                } else if (dice < 75) {
                    writeOwn(QUIET_KEYS + random.nextInt(FIRST_FLEETING - QUIET_KEYS));
                } else if (dice < 85) {
                    writeFleeting(FIRST_FLEETING + random.nextInt(FIRST_COUNTER - FIRST_FLEETING));
                } else if (!evicting) { // an evicted counter would begin anew
                    increment(FIRST_COUNTER + random.nextInt(Ledger.KEYS - FIRST_COUNTER));
                }
                if (!evicting && random.nextInt(WRITES_PER_CHECKPOINT) == 0) {
                    map.checkpoint();
                }
                if (random.nextInt(WRITES_PER_COMPACTION) == 0) {
                    map.store().compact();
                }
                if (random.nextInt(4) == 0) {
                    LockSupport.parkNanos(random.nextInt(LONGEST_PAUSE_NANOS));
                }
                ledger.add(lane, Figure.OPERATIONS, 1);
            }
        }

        private void writeOwn(int key) {
            long sequence = ledger.begun(lane, key) + 1;
            Mark after = removes(lane, key, sequence) ? null : new Mark(lane, key, sequence);
            ledger.begin(lane, key, sequence);
            if (!known[key]) {
                overwrite(laneKey(lane, key), after);
            } else if (after == null) {
                remove(laneKey(lane, key), present[key]);
            } else {
                put(laneKey(lane, key), present[key], after);
            }
            ledger.acknowledge(lane, key, sequence);
            present[key] = after;
            known[key] = true;
        }

        private void overwrite(String name, Mark after) {
            if (after == null) {
                map.remove(name);
            } else {
                map.set(name, after);
            }
        }

        private void remove(String name, Mark before) {
            AtomicReference<Mark> seen = new AtomicReference<>();
            switch (random.nextInt(before == null ? 3 : 4)) {
                case 0 -> seen.set(map.remove(name));
                case 1 ->
                        map.computeIfPresent(
                                name,
                                (_, mark) -> {
                                    seen.set(mark);
                                    return null;
                                });
                case 2 ->
                        map.compute(
                                name,
                                (_, mark) -> {
                                    seen.set(mark);
                                    return null;
                                });
                default -> seen.set(map.remove(name, before) ? before : null);
            }
            same(name, before, seen.get());
        }

        private void put(String name, Mark before, Mark after) {
            AtomicReference<Mark> seen = new AtomicReference<>(before);
            switch (random.nextInt(6)) {
                case 0 -> seen.set(map.put(name, after));
                case 1 -> map.set(name, after);
                case 2 -> map.set(name, after, Duration.ofHours(1));
                case 3 ->
                        map.compute(
                                name,
                                (_, mark) -> {
                                    seen.set(mark);
                                    return after;
                                });
                case 4 -> {
                    seen.set(null);
                    map.merge(
                            name,
                            after,
                            (mark, given) -> {
                                seen.set(mark);
                                return given;
                            });
                }
                default ->
                        seen.set(
                                before == null
                                        ? map.putIfAbsent(name, after)
                                        : map.replace(name, before, after) ? before : null);
            }
            same(name, before, seen.get());
        }

        private void same(String name, Mark before, Mark seen) {
            if (seen == null ? before != null && !evicting : !seen.equals(before)) {
                throw new AssertionError(
                        "the writer of %s found %s in place of its own %s"
                                .formatted(name, seen, before));
            }
        }

        private void writeFleeting(int key) {
            long sequence = ledger.begun(lane, key) + 1;
            ledger.begin(lane, key, sequence);
            map.set(
                    laneKey(lane, key),
                    new Mark(lane, key, sequence),
                    Duration.ofMillis(LIFE_MILLIS));
            ledger.acknowledge(
                    EXPIRY_LANE, expiryWord(lane, key), System.currentTimeMillis() + LIFE_MILLIS);
            ledger.acknowledge(lane, key, sequence);
        }

        private void increment(int key) {
            int counter = key - FIRST_COUNTER;
            Mark one = new Mark(Mark.COUNTER, counter, 1);
            ledger.begin(lane, key, ledger.begun(lane, key) + 1);
            map.merge(
                    counterKey(counter),
                    one,
                    (count, _) -> new Mark(Mark.COUNTER, counter, count.sequence() + 1));
            ledger.acknowledge(lane, key, ledger.returned(lane, key) + 1);
        }
    }

    private static int expiryWord(int lane, int key) {
        return lane * (FIRST_COUNTER - FIRST_FLEETING) + key - FIRST_FLEETING;
    }

    /**
     * Reads until the ledger says stop. Returns the first wrong read, or null if there was none.
     */
    String read(int lane, long seed) {
        Reading reading = new Reading(lane, new SplittableRandom(seed));
        reading.run();
        return reading.firstWrong;
    }

    /** A reader, with what it has seen of each key. */
    private final class Reading {
        private final int ownLane;
        private final SplittableRandom random;
        private final long[][] seen = new long[Ledger.LANES][Ledger.KEYS];
        private final long[] counted = new long[Ledger.KEYS];
        private long absent;
        private long wrong;
        private String firstWrong;

        private Reading(int ownLane, SplittableRandom random) {
            this.ownLane = ownLane;
            this.random = random;
        }

        private void run() {
            ledger.set(ownLane, Figure.STATE, Ledger.WORKING);
            for (long reads = 1; goesOn(); reads++) {
                int lane = random.nextInt(writerLanes);
                int key = random.nextInt(random.nextBoolean() ? QUIET_KEYS : Ledger.KEYS);
                if (key < FIRST_FLEETING) {
                    readOwn(lane, key);
                } else if (key < FIRST_COUNTER) {
                    readFleeting(lane, key);
                } else if (!evicting) {
                    readCounter(key);
                }
                if (reads % READS_PER_NOTE == 0) {
                    note(reads);
                }
                if (reads % READS_PER_WALK == 0) {
                    walk();
                    noteNearCache(ownLane);
                }
            }
        }

        private void note(long reads) {
            ledger.set(ownLane, Figure.READS, reads);
            ledger.set(ownLane, Figure.ABSENT_READS, absent);
            ledger.set(ownLane, Figure.WRONG_READS, wrong);
        }

        private void wrong(String what) {
            wrong++;
            if (firstWrong == null) {
                firstWrong = what;
            }
        }

        private Mark look(String name) {
            return switch (random.nextInt(16)) {
                case 0 -> map.getOrDefault(name, null);
                case 1 -> map.containsKey(name) ? map.get(name) : null;
                default -> map.get(name);
            };
        }

        private void readOwn(int lane, int key) {
            long returned = ledger.returned(lane, key);
            boolean asks = random.nextInt(16) == 0;
            Mark found = null;
            boolean present;
            if (asks) {
                present = map.containsKey(laneKey(lane, key));
            } else {
                found = look(laneKey(lane, key));
                present = found != null;
            }
            VarHandle.fullFence();
            judge(lane, key, returned, ledger.begun(lane, key), present, found);
        }

        /**
         * Judges a read, and notes the least number that the key's last operation can have after
         * it.
         */
        private void judge(
                int lane, int key, long returned, long begun, boolean present, Mark found) {
            long least = Math.max(returned, seen[lane][key]);
            absent += present ? 0 : 1;
            if (found != null) {
                if (found.lane() != lane
                        || found.key() != key
                        || found.sequence() < least
                        || found.sequence() > begun
                        || removes(lane, key, found.sequence())) {
                    wrong(
                            "%s; operation %d had returned, %d was seen, %d had begun"
                                    .formatted(found, returned, seen[lane][key], begun));
                }
                least = Math.max(least, found.sequence());
            } else if (present || !evicting) {
                long possible = least;
                while (possible <= begun && removes(lane, key, possible) == present) {
                    possible++;
                }
                if (possible > begun) {
                    wrong(
                            "%s is %s; operation %d had returned, %d was seen, %d had begun"
                                    .formatted(
                                            laneKey(lane, key),
                                            present ? "there" : "absent",
                                            returned,
                                            seen[lane][key],
                                            begun));
                } else {
                    least = possible;
                }
            }
            seen[lane][key] = least;
        }

        /** An operation that returned may have expired. Its value must not be seen once it has. */
        private void readFleeting(int lane, int key) {
            long returned = ledger.returned(lane, key);
            long expired = ledger.returned(EXPIRY_LANE, expiryWord(lane, key));
            long now = System.currentTimeMillis();
            Mark found = map.get(laneKey(lane, key));
            VarHandle.fullFence();
            long begun = ledger.begun(lane, key);
            if (found == null) {
                absent++;
            } else if (found.sequence() < Math.max(returned, seen[lane][key])
                    || found.sequence() > begun) {
                wrong(
                        "%s; operation %d had returned, %d was seen, %d had begun"
                                .formatted(found, returned, seen[lane][key], begun));
            } else {
                seen[lane][key] = found.sequence();
                if (found.sequence() <= returned && now > expired) {
                    wrong("%s expired at %d and was seen at %d".formatted(found, expired, now));
                }
            }
        }

        private void readCounter(int key) {
            long returned = 0;
            for (int lane = 0; lane < writerLanes; lane++) {
                returned += ledger.returned(lane, key);
            }
            Mark found = look(counterKey(key - FIRST_COUNTER));
            VarHandle.fullFence();
            long begun = 0;
            for (int lane = 0; lane < writerLanes; lane++) {
                begun += ledger.begun(lane, key);
            }
            long count = found == null ? 0 : found.sequence();
            if (count < Math.max(returned, counted[key]) || count > begun) {
                wrong(
                        "counter %d is %d; %d increments had returned, %d were seen, %d had begun"
                                .formatted(key, count, returned, counted[key], begun));
            }
            counted[key] = Math.max(counted[key], count);
        }

        /** Judges every entry that a walk shows, as if it was read at some time during the walk. */
        private void walk() {
            long[][] returned = new long[writerLanes][FIRST_FLEETING];
            for (int lane = 0; lane < writerLanes; lane++) {
                int each = lane;
                Arrays.setAll(returned[lane], key -> ledger.returned(each, key));
            }
            map.forEach((_, found) -> {
                int lane = found.lane();
                int key = found.key();
                if (lane != Mark.COUNTER && key < FIRST_FLEETING) {
                    judge(lane, key, returned[lane][key], ledger.begun(lane, key), true, found);
                }
            });
        }
    }

    /** Notes what the map's near cache did. */
    void noteNearCache(int lane) {
        NearCacheStats stats = map.nearCacheStats();
        ledger.set(lane, Figure.CONFIRMED, stats.confirmed());
        ledger.set(lane, Figure.REFRESHED, stats.refreshed());
        ledger.set(lane, Figure.STALE, stats.stale());
        ledger.set(lane, Figure.UNCONFIRMED, stats.unconfirmed());
    }

    /** Judges the counters and every lane's keys while nobody writes. */
    void judgeAll() {
        Reading last = new Reading(EXPIRY_LANE, new SplittableRandom(0));
        for (int lane = 0; lane < writerLanes; lane++) {
            for (int key = 0; key < FIRST_FLEETING; key++) {
                last.readOwn(lane, key);
            }
        }
        for (int key = FIRST_COUNTER; key < Ledger.KEYS && !evicting; key++) {
            last.readCounter(key);
        }
        if (last.wrong > 0) {
            throw new AssertionError(last.firstWrong);
        }
    }
}
