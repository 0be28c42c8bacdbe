package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Rounds;
import dev.cairn.Seed;
import dev.cairn.SmallScale;
import dev.cairn.StoreFull;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.Random;

/**
 * Attacks the promise that a full store still allows overwrites and removals after kills. Processes
 * are killed while they overwrite and remove in a full store, where each write takes one of the
 * last regions and gives one back. Regions that a dead process had taken must not be lost, however
 * often that happens and however the rest is filled up in between.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FullStoreKillIT {
    private static final String[] STEPS = {
        "N2",
        "N3",
        "W3",
        "W5",
        "W6",
        "W8",
        "W11 region",
        "W12",
        "W14",
        "W2 header",
        "W2 copy",
        "E1",
        "E2",
        "P9"
    };

    private static final int KILLS = Rounds.of(6, 100);
    private static final int MOST_ORDERS = 40;
    private static final int MOST_TIMES = 40;
    private static final int VALUE_BYTES = 100;

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();
    private final Random random = Seed.random(FullStoreKillIT.class);
    private int keys;

    @AfterEach
    void usualScale() {
        scale.close();
    }

    @Test
    void deathsInAFullStoreTakeNothingOfWhatIsLeft() {
        Path file = directory.resolve("store.cairn");
        long most = least(file) + 3 * SmallScale.REGION_BYTES;
        int kills = 0;
        try (CairnStore store = Cairn.open(file, Scenario.QUIET.withMaxBytes(most))) {
            for (int round = 0; round < KILLS || kills < KILLS; round++) {
                fill(store);
                String step = STEPS[random.nextInt(STEPS.length)];
                kills += killAt(step, file, most) ? 1 : 0;
                if (random.nextBoolean()) {
                    store.checkpoint(); // whoever inherits meets a cut in between
                }
                if (random.nextBoolean()) { // an inheritor dies too
                    kills += killAt(STEPS[random.nextInt(STEPS.length)], file, most) ? 1 : 0;
                }
                for (int i = 0; i < 20; i++) {
                    put(store, random.nextInt(keys));
                }
            }
            System.out.printf("FullStoreKillIT: %d kills, %d entries%n", kills, keys);
            assertThat(store.verify().damages()).isEmpty();
            for (int key = 0; key < keys; key++) {
                Values.whole("k" + key, store.get(bytes("k" + key)));
            }
            for (int key = 0; key < keys; key++) {
                assertThat(store.remove(bytes("k" + key))).isPositive();
            }
            assertThat(store.size()).isZero();
            assertThat(store.stats().dataFileBytes()).isLessThanOrEqualTo(most);
        }
    }

    private void fill(CairnStore store) {
        try {
            while (true) {
                put(store, keys);
                keys++;
            }
        } catch (StoreFull full) {
            assertThat(full).hasMessageContaining("remove entries");
        }
    }

    private static void put(CairnStore store, int key) {
        store.put(bytes("k" + key), Values.of("k" + key, 1, 2, VALUE_BYTES));
    }

    /** Returns whether the child came to that step so often. */
    private boolean killAt(String step, Path file, long most) {
        Child child = children.spare();
        child.ask("bounded", file, most);
        child.ask("park", step, 1 + random.nextInt(MOST_TIMES));
        for (int order = 0; order < MOST_ORDERS; order++) {
            child.tell("put", "k" + random.nextInt(keys), VALUE_BYTES);
            String said = child.hear();
            if (said.startsWith(Acting.AT)) {
                child.kill();
                child.awaitDeath();
                return true;
            }
            assertThat(said).startsWith(Acting.DONE);
        }
        child.kill();
        child.awaitDeath();
        return false;
    }

    /** The least size of the store, which the exception for a smaller one names. */
    private static long least(Path file) {
        try (CairnStore _ = Cairn.open(file, Scenario.QUIET.withMaxBytes(1))) {
            throw new AssertionError("a store of one byte was opened");
        } catch (IllegalArgumentException e) {
            return Long.parseLong(e.getMessage().replaceAll(".*must be (\\d+) at least", "$1"));
        }
    }
}
