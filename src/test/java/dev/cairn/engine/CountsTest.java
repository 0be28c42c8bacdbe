package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.Stats;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/** Whoever counts the regions anew while others free some never makes the store count too many. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CountsTest {
    private static final int ROUNDS = 40;
    private static final int WRITES = 2000;
    private static final int LARGE_BYTES = 3 * SmallScale.REGION_BYTES;

    private static final Options QUIET =
            Options.defaults().withStripes(2).withCheckpointEvery(Duration.ofDays(1));

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

    @AfterEach
    void usualScale() {
        scale.close();
    }

    @Test
    void countingBesideDeathsAndCheckpointsCountsNoneTwice() throws Exception {
        try (StoreHandle store = OpenStores.open(directory.resolve("store.cairn"), QUIET);
                ExecutorService others = Executors.newCachedThreadPool()) {
            for (int round = 0; round < ROUNDS; round++) {
                AtomicBoolean over = new AtomicBoolean();
                Future<?> counting =
                        others.submit(() -> {
                            while (!over.get()) {
                                store.engine().recount();
                            }
                        });
                Future<?> checkpoints =
                        others.submit(() -> {
                            while (!over.get()) {
                                store.checkpoint();
                            }
                        });
                for (int n = 0; n < WRITES; n++) {
                    store.put(Content.key(n % 7), new byte[LARGE_BYTES]);
                }
                over.set(true);
                counting.get();
                checkpoints.get();
                store.put(Content.key(0), new byte[1]);
                store.checkpoint();
                Stats kept = store.stats();
                store.engine().recount();
                Stats counted = store.stats();
                assertThat(kept.freeRegions()).isLessThanOrEqualTo(counted.freeRegions());
            }
        }
    }
}
