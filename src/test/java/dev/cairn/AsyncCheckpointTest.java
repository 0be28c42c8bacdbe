package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Attacks checkpoints that are made in the background on request: what they promise, and what runs
 * after them.
 */
@Timeout(120)
class AsyncCheckpointTest {
    private static final Options MANUAL = Options.defaults().withManualCheckpoints();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private CairnStore open(Options options) {
        return Cairn.open(directory.resolve("store.cairn"), options);
    }

    @Test
    void virtualThreadsMakeDurableWhatTheyWrote() throws Exception {
        try (CairnStore store = open(MANUAL);
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                int key = i;
                all.add(
                        threads.submit(() -> {
                            long _ = store.put(Content.key(key), new byte[100]);
                            long epoch = store.checkpointAsync().join();
                            assertThat(store.stats().durableEpoch()).isGreaterThanOrEqualTo(epoch);
                        }));
            }
            for (Future<?> one : all) {
                one.get();
            }
            assertThat(store.stats().checkpoints()).isLessThan(200); // several share one
        }
    }

    /**
     * What runs after a checkpoint may close the store, even its last handle. Closing waits for the
     * thread that made the checkpoint.
     */
    @Test
    void whatIsHungOnItMayCloseTheStore() {
        CairnStore store = open(MANUAL);
        store.put(Content.key(1), new byte[1]);
        CompletableFuture<Void> closed = store.checkpointAsync().thenRun(store::close);
        closed.join();
        assertThatThrownBy(store::checkpointAsync).isInstanceOf(StoreClosed.class);
    }

    @Test
    void onesThatWaitWhenTheStoreIsClosedEnd() {
        List<CompletableFuture<Long>> all = new ArrayList<>();
        try (CairnStore store = open(MANUAL)) {
            for (int i = 0; i < 50; i++) {
                store.put(Content.key(i), new byte[1]);
                all.add(store.checkpointAsync());
            }
        }
        for (CompletableFuture<Long> one : all) {
            assertThat(one.join()).isPositive();
        }
    }

    @Test
    void itsErrorsAreThoseOfACheckpoint() throws Exception {
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = open(MANUAL)) {
            store.put(Content.key(1), new byte[1]);
            Files.delete(file);
            CompletableFuture<Long> refused = store.checkpointAsync();
            assertThatThrownBy(refused::get)
                    .isInstanceOf(ExecutionException.class)
                    .hasCauseInstanceOf(StoreReplaced.class);
            assertThatThrownBy(store::close).isInstanceOf(StoreReplaced.class);
        }
        open(MANUAL).close();
        try (CairnStore reading = open(MANUAL.withReadOnly(true))) {
            assertThatThrownBy(reading::checkpointAsync)
                    .isInstanceOf(UnsupportedOperationException.class);
        }
    }
}
