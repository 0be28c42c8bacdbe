package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;

/**
 * Attacks the eviction of entries whose values lie in runs. They must be evicted like others,
 * though their records fill no region.
 */
class LargeEvictionTest {
    private static final long BOUND = 1L << 20;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    /**
     * @param bytes the bytes of each value: more than a region, up to nearly an eighth of the bound
     */
    @ParameterizedTest
    @CsvSource({"1, 10000", "64, 10000", "1, 110000", "64, 110000"})
    void largeEntriesAloneAreTakenAndEvicted(int stripes, int bytes) {
        Options options = CacheModel.quiet(BOUND).withStripes(stripes);
        try (CacheModel cache = new CacheModel(directory.resolve("cache"), options)) {
            for (int i = 0; i < 500; i++) {
                cache.put(Content.key((long) i), bytes);
                assertThat(cache.isThere(Content.key((long) i)))
                        .as("whether the last put is there")
                        .isTrue();
                cache.assertBounded();
            }
            cache.check();
            assertThat(cache.store().size()).isGreaterThanOrEqualTo(BOUND / 3 / bytes);
        }
    }
}
