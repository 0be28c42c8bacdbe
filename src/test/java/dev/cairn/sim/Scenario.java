package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/** What is done to a store while its power may fail at any step. */
@SuppressWarnings("ImmutableEnumChecker") // a lambda without state
enum Scenario {
    FIRST_WRITES(1, Scenario::firstWrites),
    LARGE_CONTENT(2, Scenario::largeContent),
    EXPIRY(1, Scenario::expiry),
    ROLLING(1, Scenario::rolling),
    FOLDING(1, Scenario::folding),
    OVERWRITING_IN_PLACE(2, Scenario::overwritingInPlace),
    EVACUATION(1, Scenario::evacuation),
    INDEX_GROWTH(2, Scenario::indexGrowth),
    REUSE_BY_OTHERS(4, Scenario::reuseByOthers),
    FULL_STORE(1, Scenario::fullStore),
    EVICTION(1, Scenario::eviction),
    EVICTION_OF_MANY_KINDS(1, Scenario::evictionOfManyKinds),
    COMPACTION(2, Scenario::compaction),
    BACKUP(1, Scenario::backup),
    CLOSING(2, Scenario::closing),
    CLOSING_AFTER_GROWTH(1, Scenario::closingAfterGrowth);

    private static final int FULL_REGIONS = 14;

    /** The fewest regions that a cache has for each stripe. */
    private static final int CACHE_REGIONS = 16;

    private final int stripes;
    private final Consumer<Rig> plot;

    Scenario(int stripes, Consumer<Rig> plot) {
        this.stripes = stripes;
        this.plot = plot;
    }

    Options options() {
        Options options = Options.defaults().withManualCheckpoints().withStripes(stripes);
        long regionsAt = DataHeader.CHECKPOINT_SLOTS_AT + 2L * CheckpointSlot.bytes(stripes);
        return switch (this) {
            case FULL_STORE ->
                    options.withMaxBytes(regionsAt + FULL_REGIONS * SmallScale.REGION_BYTES);
            case EVICTION, EVICTION_OF_MANY_KINDS ->
                    evicting(
                            options,
                            regionsAt + (long) stripes * CACHE_REGIONS * SmallScale.REGION_BYTES);
            default -> options;
        };
    }

    /**
     * Options of a cache. Evictions are rolled back with the rest only if there are checkpoints.
     */
    static Options evicting(Options options, long maxBytes) {
        return options.withMaxBytes(maxBytes)
                .withEviction(true)
                .withDurability(Durability.CHECKPOINT);
    }

    /** Whether nothing is written while something else is under way. */
    boolean isOneStory() {
        return this != BACKUP;
    }

    void play(Rig rig) {
        plot.accept(rig);
    }

    private static void firstWrites(Rig rig) {
        rig.put(1, 8, 20);
        rig.checkpoint();
        rig.put(1, 8, 30); // an overwrite
        rig.put(2, 8, 100);
        rig.remove(1, 8);
        rig.remove(9, 8); // which is not there
        rig.checkpoint();
        rig.checkpoint(); // with nothing to do
        rig.put(1, 8, 0);
        rig.put(0, 0, 40);
        rig.checkpoint();
        rig.put(3, 8, 50);
        rig.checkpoint();
        rig.remove(2, 8);
        rig.put(3, 8, 51);
    }

    private static void largeContent(Rig rig) {
        rig.put(1, 8, 9_000);
        rig.put(2, 5_000, 10);
        rig.checkpoint();
        rig.put(1, 8, 3_000);
        rig.put(3, 3_000, 6_000);
        rig.remove(2, 5_000); // a tombstone whose key lies in a run
        rig.checkpoint();
        rig.put(2, 5_000, 2_000);
        rig.put(1, 8, 10_000);
        rig.checkpoint();
        rig.remove(3, 3_000);
        rig.put(1, 8, 10);
        rig.checkpoint();
        rig.put(4, 8, 13_000);
    }

    private static void expiry(Rig rig) {
        rig.putLasting(Content.key(1, 8), 30);
        rig.putFleeting(Content.key(2, 8), 30);
        rig.checkpoint();
        rig.put(2, 8, 10);
        rig.putFleeting(Content.key(1, 8), 3_000);
        rig.checkpoint();
        rig.putLasting(Content.key(1, 8), 2_500);
        rig.remove(2, 8);
        rig.checkpoint();
        rig.putLasting(Content.key(3, 8), 10);
    }

    private static void rolling(Rig rig) {
        for (int i = 0; i < 24; i++) {
            rig.put(i, 8, 700 + i % 5 * 40);
            if (i % 9 == 8) {
                rig.checkpoint();
            }
        }
        rig.checkpoint();
        rig.put(1, 8, 900);
    }

    private static void folding(Rig rig) {
        rig.put(1, 8, 100);
        rig.put(2, 8, 100);
        rig.put(3, 8, 100);
        rig.remove(3, 8);
        for (int i = 0; i < 42; i++) {
            rig.put(i % 3 == 0 ? 4 : 5, 8, 400 + i % 5 * 16); // no length of a key twice in a row
            if (i % 8 == 7) {
                rig.checkpoint();
            }
        }
    }

    private static void overwritingInPlace(Rig rig) {
        for (int i = 0; i < 8; i++) {
            rig.put(i % 4, 8, 100); // each twice, before its first checkpoint
        }
        rig.checkpoint();
        rig.put(1, 8, 100); // the checkpoint does not name it
        rig.put(1, 8, 100);
        rig.put(5, 8, 1_500);
        rig.put(5, 8, 1_500);
        rig.checkpoint();
        rig.put(5, 8, 1_500);
        rig.put(5, 8, 1_501);
        rig.remove(1, 8);
        rig.put(1, 8, 100);
        rig.put(1, 8, 100);
        rig.put(6, 8, 3_000); // in another region, while an older one has what was overwritten
        rig.put(6, 8, 3_000);
        rig.put(1, 8, 100);
        rig.put(5, 8, 1_500);
        rig.checkpoint();
        rig.put(2, 8, 100);
        rig.put(2, 8, 100);
        rig.closeStore();
        rig.openStore();
        rig.put(2, 8, 100);
        rig.put(2, 8, 100);
    }

    private static void evacuation(Rig rig) {
        for (int i = 0; i < 12; i++) {
            rig.put(i, 8, 800);
        }
        rig.put(20, 4_500, 10);
        rig.remove(20, 4_500);
        rig.putFleeting(Content.key(21, 8), 500);
        rig.checkpoint();
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 12; i++) {
                if (i != 3) {
                    rig.put(i, 8, 800 + round);
                }
            }
            rig.checkpoint();
        }
    }

    private static void indexGrowth(Rig rig) {
        for (int i = 0; i < 40; i++) {
            rig.put(i, 6, 10);
            if (i % 13 == 12) {
                rig.checkpoint();
            }
        }
        for (int i = 0; i < 40; i += 2) {
            rig.remove(i, 6);
        }
        rig.checkpoint();
        rig.put(41, 6, 10);
    }

    private static void reuseByOthers(Rig rig) {
        for (int i = 0; i < 12; i++) {
            rig.put(i, 8, 5_000);
        }
        rig.checkpoint();
        for (int i = 0; i < 12; i += 2) {
            rig.remove(i, 8);
        }
        for (int i = 20; i < 24; i++) {
            rig.put(i, 8, 5_000); // not in place of the removed ones, which a checkpoint has
        }
        rig.checkpoint();
        for (int i = 30; i < 38; i++) {
            rig.put(i, 8, 5_000); // in place of the removed ones
        }
        rig.checkpoint();
        for (int i = 30; i < 38; i++) {
            rig.put(i, 8, 4_100);
        }
    }

    private static void fullStore(Rig rig) {
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 24; i++) {
                rig.put(i, 8, 2_000);
            }
            rig.checkpoint();
            for (int i = round; i < 24; i += 3) {
                rig.remove(i, 8);
            }
            rig.put(3, 8, 1_500);
            rig.checkpoint();
        }
        assertThat(rig.full()).isPositive();
    }

    private static void eviction(Rig rig) {
        for (int i = 0; i < 40; i++) {
            rig.put(i % 30, 8, 1_850 + i % 7 * 16); // two fit into a region
            rig.read(i % 5, 8);
            if (i % 19 == 18) {
                rig.checkpoint();
            }
        }
        rig.remove(29, 8);
        rig.requireEqual();
        assertThat(rig.evicted()).isGreaterThan(5);
        assertThat(rig.full()).isZero();
        rig.checkpoint();
        rig.put(50, 8, 1_200);
    }

    private static void evictionOfManyKinds(Rig rig) {
        for (int i = 0; i < 30; i++) {
            int key = i * 7 % 60;
            switch (i % 12) {
                case 0 -> rig.put(key, 1_000, 10); // the longest key that is allowed
                case 1 -> rig.remove(key - 7, 8);
                case 2 -> rig.put(key, 8, 5_000); // the value in a run
                case 3 -> rig.putFleeting(Content.key(key, 8), 900);
                default -> rig.put(key, 8, 1_900);
            }
            rig.read(i % 9, 8);
            if (i % 20 == 19) {
                rig.checkpoint();
            }
        }
        rig.requireEqual();
        assertThat(rig.evicted()).isGreaterThan(5);
        assertThat(rig.full()).isZero();
    }

    private static void compaction(Rig rig) {
        for (int i = 0; i < 10; i++) {
            rig.put(i, 8, 3_000);
        }
        rig.checkpoint();
        for (int i = 0; i < 8; i++) {
            rig.remove(i, 8);
        }
        rig.compact();
        for (int i = 0; i < 5; i++) {
            rig.put(i, 8, 3_000);
        }
        rig.checkpoint();
        rig.put(3, 8, 9_000);
        rig.compact();
        rig.put(7, 8, 3_000);
    }

    private static void closing(Rig rig) {
        rig.put(1, 8, 100);
        rig.closeStore();
        rig.openStore();
        rig.put(2, 8, 100);
        rig.checkpoint();
        rig.closeStore(); // with nothing to make durable
        rig.openStore();
        rig.closeStore(); // with nothing done
        rig.openStore();
        rig.put(1, 8, 5_000);
        rig.remove(2, 8);
        rig.checkpoint();
        rig.put(2, 8, 100);
        rig.closeStore();
        rig.openStore();
    }

    private static void closingAfterGrowth(Rig rig) {
        rig.put(1, 8, 100);
        rig.checkpoint();
        rig.putFailing(Content.key(2, 8), 200_000);
        rig.closeStore();
        rig.openStore();
        rig.put(2, 8, 100);
        rig.checkpoint();
        rig.putFailing(Content.key(3, 8), 900_000);
        rig.put(3, 8, 100);
        rig.checkpoint();
        rig.closeStore();
        rig.openStore();
    }

    /**
     * What the pinned checkpoint has must stay, though two other checkpoints come and its regions
     * die.
     */
    private static void backup(Rig rig) {
        for (int i = 0; i < 8; i++) {
            rig.put(i, 8, 3_000);
        }
        rig.checkpoint();
        Point pinned = rig.now();
        Path target = rig.data().resolveSibling("backup.cairn");
        rig.backup(
                target,
                () -> {
                    for (int round = 0; round < 3; round++) {
                        for (int i = 0; i < 8; i++) {
                            rig.put(i, 8, 3_100 + round);
                        }
                        rig.checkpoint();
                    }
                });
        rig.put(1, 8, 5_000);
        try (CairnStore copy = Cairn.open(target, Options.defaults().withReadOnly(true))) {
            Point _ = Judge.require(List.of(pinned), copy);
        }
        for (int i = 0; i < 8; i++) {
            rig.put(i, 8, 3_200);
        }
        rig.checkpoint();
    }
}
