package dev.cairn.process;

import dev.cairn.CairnStore;
import dev.cairn.Stats;

/**
 * One write to a store of one stripe with small regions and tables; what was there before makes sure
 * which steps it takes.
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
            put(store, TARGET, SMALL);
            fill(store);
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
    };

    static final String TARGET = "target";
    static final String PROBE = "probe";
    static final int SMALL = 60;

    /** More than half a region. */
    private static final int HALF = 2_500;

    /** More than two regions. */
    private static final int LARGE = 10_000;

    private static final int REMOVE = -1;

    private final int bytes;

    Scenario(int bytes) {
        this.bytes = bytes;
    }

    /** What the survivor does before. */
    abstract void prepare(CairnStore store);

    /** Leaves a tail region that has room for a small record and none for half a region. */
    private static void fill(CairnStore store) {
        put(store, "other0", SMALL);
        put(store, "other1", HALF);
        put(store, "other2", HALF);
        put(store, "large", LARGE);
    }

    private static boolean growsNext(Stats stats) {
        return 10 * (stats.entries() + 1) > 7 * stats.indexSlots();
    }

    static void put(CairnStore store, String key, int bytes) {
        store.put(Values.bytes(key), Values.of(key, 0, 1, bytes));
    }

    /** The value behind the write, null if it removes. */
    byte[] after() {
        return bytes == REMOVE ? null : Values.of(TARGET, 1, 2, bytes);
    }

    /** Has a child do the write. */
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
