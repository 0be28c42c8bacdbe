package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/** Attacks what goes on beside evictions: feeds, and the salvage of a cache. */
@ExtendWith(NeverInPlace.class)
class EvictionBesideTest {
    private static final long BOUND = 1L << 20;
    private static final Random RANDOM = Seed.random(EvictionBesideTest.class);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path file() {
        return directory.resolve("cache");
    }

    /**
     * A feed must tell each put and each removal once. A copy that is kept is no put, and an
     * eviction is no removal.
     */
    @Test
    void feedTellsWhatWasWrittenAndNoEviction() throws InterruptedException {
        try (CairnStore store = Cairn.open(file(), CacheModel.quiet(BOUND));
                ChangeFeed<byte[]> feed = store.watch()) {
            for (int batch = 0; batch < 150; batch++) {
                Set<String> written = new HashSet<>();
                for (int i = 0; i < 200; i++) {
                    byte[] key = Content.key((long) RANDOM.nextInt(10_000));
                    boolean removes = RANDOM.nextInt(8) == 0;
                    long version = removes ? store.remove(key) : store.put(key, new byte[100]);
                    if (version != 0) {
                        written.add(text(removes, key, version));
                    }
                }
                Set<String> told = new HashSet<>();
                for (Change<byte[]> change = feed.poll(Duration.ZERO);
                        change != null;
                        change = feed.poll(Duration.ZERO)) {
                    String text =
                            switch (change) {
                                case Change.Put<byte[]> put ->
                                        text(false, put.key(), put.version());
                                case Change.Removed<byte[]> removed ->
                                        text(true, removed.key(), removed.version());
                                case Change.Lagged<byte[]> lagged -> lagged.toString();
                            };
                    assertThat(told.add(text)).as("whether it is told for the first time").isTrue();
                }
                assertThat(told).isEqualTo(written);
            }
            assertThat(store.size()).as("entries that were not evicted").isLessThan(BOUND / 128);
        }
    }

    private static String text(boolean removed, byte[] key, long version) {
        return "%s %s %d".formatted(removed, HexFormat.of().formatHex(key), version);
    }

    @Test
    void salvageOfACacheIsWhatTheCacheHolds() {
        Path target = directory.resolve("salvaged");
        Map<byte[], byte[]> content = new TreeMap<>(Arrays::compareUnsigned);
        try (CacheModel cache = new CacheModel(file(), CacheModel.quiet(BOUND))) {
            for (int i = 0; i < 20_000; i++) {
                cache.put(Content.key((long) RANDOM.nextInt(6_000)), RANDOM.nextInt(300));
                if (i % 5 == 0) {
                    cache.remove(Content.key((long) RANDOM.nextInt(6_000)));
                }
            }
            cache.check();
            cache.store().forEach(content::put);
        }
        Salvage salvage = Cairn.salvage(file(), target);
        assertThat(salvage.entries()).isEqualTo(content.size());
        assertThat(salvage.uncertain()).isZero();
        try (CairnStore store = Cairn.open(target)) {
            assertThat(store.size()).isEqualTo(content.size());
            content.forEach((key, value) -> assertThat(store.get(key)).isEqualTo(value));
        }
    }
}
