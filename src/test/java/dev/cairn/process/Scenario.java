package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Stats;
import dev.cairn.format.ClockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.os.Host;
import dev.cairn.os.HostClock;
import dev.cairn.os.Steps;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One write to a store of one stripe with small regions and tables. The content before it
 * determines which steps it takes. The comments give sizes of records in a region of 4096 bytes, of
 * which 4032 are for records.
 */
enum Scenario {
    FIRST_PUT(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {}
    },
    INSERT(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {
            fill(store);
        }
    },
    OVERWRITE(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {
            put(store, TARGET, 2 * SMALL);
            fill(store);
        }
    },
    /** The superseded value is as long as the new one, and younger than every checkpoint. */
    OVERWRITE_IN_PLACE(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {
            put(store, TARGET, 2 * SMALL);
            store.checkpoint();
            put(store, TARGET, SMALL);
            fill(store);
        }
    },
    /** The same record is overwritten for the second time. It lies in the region of the tail. */
    OVERWRITE_IN_PLACE_AGAIN(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {
            fill(store);
            put(store, TARGET, SMALL);
            put(store, TARGET, SMALL);
            assertThat(store.stats().overwritesInPlace()).isEqualTo(1);
        }
    },
    REMOVAL(Scenario.REMOVE) {
        @Override
        void prepare(CairnStore store) {
            put(store, TARGET, SMALL);
            fill(store);
        }
    },
    ROLL(Scenario.HALF) {
        @Override
        void prepare(CairnStore store) {
            fill(store);
        }
    },
    RUN(Scenario.LARGE) {
        @Override
        void prepare(CairnStore store) {
            fill(store);
        }
    },
    RUN_OVER_RUN(Scenario.LARGE) {
        @Override
        void prepare(CairnStore store) {
            put(store, TARGET, LARGE);
            fill(store);
        }
    },
    RUN_OVER_RUN_AND_ROLL(Scenario.LARGE) {
        @Override
        void prepare(CairnStore store) {
            put(store, TARGET, LARGE);
            fill(store);
            put(store, "other0", 1_250);
            put(store, "other1", 110);
        }
    },
    SMALL_OVER_RUN(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {
            put(store, TARGET, LARGE);
            fill(store);
        }
    },
    REMOVAL_OF_RUN(Scenario.REMOVE) {
        @Override
        void prepare(CairnStore store) {
            put(store, TARGET, LARGE);
            fill(store);
        }
    },
    INDEX_GROWTH(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {
            fill(store);
            for (int i = 0; !growsNext(store.stats()); i++) {
                put(store, "filler" + i, SMALL);
            }
        }
    },
    /** The tail is the oldest region too, and full except for 112 bytes. */
    FOLD_OF_THE_ONLY_REGION(Scenario.QUARTER) {
        @Override
        void prepare(CairnStore store) {
            put(store, "other0", SMALL);
            put(store, "gone", SMALL);
            store.remove(Values.bytes("gone"));
            overwrite(store, "hot", 7);
        }
    },
    /** The tombstone must be kept, since what it hides stands in an older region. */
    FOLD_BEHIND_ANOTHER(Scenario.QUARTER) {
        @Override
        void prepare(CairnStore store) {
            put(store, "other0", HALF);
            put(store, "gone", SMALL);
            put(store, "other1", HALF); // the tail from here on
            put(store, "other1", SMALL);
            store.remove(Values.bytes("gone"));
            put(store, "large", LARGE);
            overwrite(store, "hot", 2);
        }
    },
    /** The folded region belongs to a checkpoint and waits for the next. */
    FOLD_BEHIND_A_CHECKPOINT(Scenario.QUARTER) {
        @Override
        void prepare(CairnStore store) {
            FOLD_BEHIND_ANOTHER.prepare(store);
            store.checkpoint();
        }
    },
    /** The store has more garbage than it tolerates, and one entry of the oldest region is live. */
    EVACUATION(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {
            putDoomed(store, 0, 3, THIRD);
            put(store, "other1", SMALL);
            putDoomed(store, 3, 12, THIRD);
            put(store, TARGET, HALF);
            putDoomed(store, 0, 12, SMALL);
        }
    },
    /** The oldest region has a tombstone whose key lies in a run, and an expired entry. */
    EVACUATION_OF_A_TOMBSTONE(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {
            putDoomed(store, 0, 2, THIRD);
            store.put(LONG_KEY, new byte[SMALL]);
            store.remove(LONG_KEY);
            store.put(Values.bytes("expired"), new byte[SMALL], AN_HOUR);
            put(store, "other1", SMALL);
            putDoomed(store, 2, 10, THIRD);
            put(store, TARGET, THIRD);
            putDoomed(store, 0, 9, SMALL);
        }

        @Override
        void prepare(CairnStore store, Path file) throws IOException {
            prepare(store);
            long later = HostClock.wallMillis() + 2 * AN_HOUR.toMillis();
            SharedWords.store(
                    file,
                    SharedLayout.CLOCK,
                    ClockWord.of(later - HostClock.bootMillis(), ClockWord.seed(Host.bootId())));
            assertThat(store.containsKey(Values.bytes("expired"))).isFalse();
        }

        @Override
        int expired() {
            return 1;
        }
    },
    /**
     * The live part of the oldest region does not fit into the tail. The tail is mostly dead and
     * belongs to a checkpoint.
     */
    EVACUATION_THAT_FOLDS(Scenario.SMALL) {
        @Override
        void prepare(CairnStore store) {
            putDoomed(store, 0, 2, THIRD + 80);
            put(store, "other1", THIRD);
            putDoomed(store, 2, 11, THIRD + 80);
            put(store, TARGET, HALF); // the tail from here on
            for (int i = 0; i < 11; i++) {
                store.remove(Values.bytes("doomed" + i));
            }
            store.checkpoint();
        }
    },
    /** The cache is full. The write pays for what it takes, so the oldest region goes. */
    EVICTION(Scenario.HALF) {
        @Override
        Options options() {
            return QUIET.withMaxBytes(CACHE_BYTES).withEviction(true);
        }

        @Override
        void prepare(CairnStore store) {
            for (int i = 0; i < 150; i++) {
                put(store, "cached" + i, i % 3 == 0 ? QUARTER : 300);
                if (i % 4 == 0) {
                    store.get(Values.bytes("cached" + i / 2));
                }
            }
            put(store, TARGET, SMALL);
            for (int i = 0; roomOf(store.stats()) >= CACHE_AHEAD; i++) {
                put(store, "more" + i, QUARTER - 100);
            }
        }
    };

    /** The process does nothing in the background, so what happens is what was asked for. */
    static final Options QUIET =
            Options.defaults()
                    .withStripes(1)
                    .withLockTimeout(Duration.ofSeconds(5))
                    .withCheckpointEvery(Duration.ofDays(1));

    /** Some regions more than the smallest cache has. */
    static final long CACHE_BYTES = 90_000;

    /** If a cache of that size has room for fewer regions than this, it evicts. */
    private static final int CACHE_AHEAD = 8;

    static final String TARGET = "target";
    static final String PROBE = "probe";
    static final int SMALL = 60;

    private static final int QUARTER = 1_000;

    /** Three of these fill a region except for some 300 bytes. */
    private static final int THIRD = 1_200;

    /** More than half a region. */
    private static final int HALF = 2_500;

    /** The mean size of the values that are overwritten all the time. */
    private static final int HOT = 493;

    private static final Duration AN_HOUR = Duration.ofHours(1);

    /** Longer than what fits into a record itself. */
    private static final byte[] LONG_KEY = new byte[1_100];

    /** Larger than two regions. */
    private static final int LARGE = 10_000;

    private static final int REMOVE = -1;

    private final int bytes;

    Scenario(int bytes) {
        this.bytes = bytes;
    }

    /** The options of the store that the survivor creates. */
    Options options() {
        return QUIET;
    }

    /**
     * Creates the store. A cache gets the same ids each time, so that it evicts the same each time.
     */
    CairnStore create(Path file) {
        AtomicLong ids = new AtomicLong();
        Steps.listen(
                new Steps.Listener() {
                    @Override
                    public void at(String step) {}

                    @Override
                    public UUID randomId() {
                        return evicts()
                                ? new UUID(1, ids.incrementAndGet())
                                : Steps.Listener.super.randomId();
                    }
                });
        try {
            return Cairn.open(file, options());
        } finally {
            Steps.listen(null);
        }
    }

    /** Whether any entry may be gone that was not written just now. */
    boolean evicts() {
        return options().eviction();
    }

    /** How many regions a cache may still claim. */
    private static long roomOf(Stats stats) {
        return (CACHE_BYTES - stats.dataFileBytes()) / stats.regionBytes() + stats.freeRegions();
    }

    /** What the survivor does before the write. */
    abstract void prepare(CairnStore store);

    /** Prepares as {@link #prepare(CairnStore)} does, if that takes more than operations. */
    void prepare(CairnStore store, Path file) throws IOException {
        prepare(store);
    }

    /** How many entries expired before the write and are dropped by it. */
    int expired() {
        return 0;
    }

    /** Leaves a tail region that has room for a small record, but not for half a region. */
    private static void fill(CairnStore store) {
        put(store, "other0", SMALL);
        put(store, "other1", HALF);
        put(store, "other2", HALF);
        put(store, "large", LARGE);
    }

    /**
     * Overwrites a key. Each value has another length than the last, so none is overwritten in
     * place.
     */
    private static void overwrite(CairnStore store, String key, int times) {
        for (int i = 0; i < times; i++) {
            boolean last = i == times - 1 && times % 2 == 1;
            put(store, key, last ? HOT : i % 2 == 0 ? HOT - 16 : HOT + 16);
        }
    }

    private static void putDoomed(CairnStore store, int from, int to, int bytes) {
        for (int i = from; i < to; i++) {
            put(store, "doomed" + i, bytes);
        }
    }

    private static boolean growsNext(Stats stats) {
        return 10 * (stats.entries() + 1) > 7 * stats.indexSlots();
    }

    static void put(CairnStore store, String key, int bytes) {
        store.put(Values.bytes(key), Values.of(key, 0, 1, bytes));
    }

    /** The target's value after the write, or null if the write removes it. */
    byte[] after() {
        return bytes == REMOVE ? null : Values.of(TARGET, 1, 2, bytes);
    }

    /** Makes a child do the write. */
    void tell(Child child) {
        if (bytes == REMOVE) {
            child.tell("remove", TARGET);
        } else {
            child.tell("put", TARGET, bytes);
        }
    }

    /** Does the write. */
    void play(CairnStore store) {
        byte[] after = after();
        if (after == null) {
            store.remove(Values.bytes(TARGET));
        } else {
            store.put(Values.bytes(TARGET), after);
        }
    }
}
