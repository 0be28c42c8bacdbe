package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;

/** Verification finds nothing wrong with a store that evicts meanwhile. */
class VerifiedEvictionTest {
    private static final int VERIFICATIONS = 40;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @Test
    void verificationBesideEvictionsFindsNothingWrong() {
        AtomicBoolean stop = new AtomicBoolean();
        try (CairnStore store =
                Cairn.open(directory.resolve("cache"), CacheModel.quiet(4L << 20))) {
            for (long i = 0; i < 40_000; i++) {
                store.put(Content.key(i), new byte[100]);
            }
            CompletableFuture<Void> writing =
                    CompletableFuture.runAsync(
                            () -> {
                                for (long i = 0; !stop.get(); i++) {
                                    store.put(Content.key(1_000_000 + i), new byte[100]);
                                }
                            },
                            task -> Thread.ofPlatform().start(task));
            try {
                for (int i = 0; i < VERIFICATIONS; i++) {
                    assertThat(store.verify().damages()).isEmpty();
                }
            } finally {
                stop.set(true);
                writing.join();
            }
            assertThat(store.verify().damages()).isEmpty();
        }
    }
}
