package dev.cairn;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Path;

/** Attacks a full cache whose shared memory is made anew: it must take every put, as before. */
class RebuiltEvictionTest {
    private static final int STORES = 12;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @ParameterizedTest
    @EnumSource
    void putsBehindARebuildAreTaken(Durability durability) {
        Options options = CacheModel.quiet(160 << 10).withStripes(2).withDurability(durability);
        for (int each = 0; each < STORES; each++) {
            try (CacheModel cache = new CacheModel(directory.resolve("cache" + each), options)) {
                for (long i = 0; i < 900; i++) {
                    cache.put(Content.key(i), 678);
                }
                cache.rebuild();
                for (long i = 0; i < 40; i++) {
                    cache.put(Content.key(1_000 + i), i % 3 == 0 ? 3_026 : 687);
                }
                cache.check();
            }
        }
    }
}
