package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.Stats;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Attacks the count of regions. Some count the regions anew while others free some. The store must
 * never count too many.
 */
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

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void countingBesideDeathsAndCheckpointsCountsNoneTwice(int counters) throws Exception {
        try (StoreHandle store = OpenStores.open(directory.resolve("store.cairn"), QUIET);
                ExecutorService others = Executors.newCachedThreadPool()) {
            for (int round = 0; round < ROUNDS; round++) {
                AtomicBoolean over = new AtomicBoolean();
                List<Future<?>> beside = new ArrayList<>();
                for (int i = 0; i < counters; i++) {
                    beside.add(again(others, over, store.engine()::recount));
                }
                beside.add(again(others, over, store::checkpoint));
                for (int n = 0; n < WRITES; n++) {
                    store.put(Content.key(n % 7), new byte[LARGE_BYTES]);
                }
                over.set(true);
                for (Future<?> each : beside) {
                    each.get();
                }
                Stats kept = store.stats(); // before a checkpoint that would count anew
                store.engine().recount();
                Stats counted = store.stats();
                assertThat(kept.freeRegions()).isLessThanOrEqualTo(counted.freeRegions());
                assertThat(kept.freeRegions() + kept.waitingRegions())
                        .isLessThanOrEqualTo(counted.freeRegions() + counted.waitingRegions());
            }
        }
    }

    private static Future<?> again(ExecutorService by, AtomicBoolean over, Runnable work) {
        return by.submit(() -> {
            while (!over.get()) {
                work.run();
            }
        });
    }
}
