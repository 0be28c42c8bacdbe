package dev.cairn.index;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * Attacks lookups that meet other entries. One stripe has so many entries that others have the same
 * hash bits in their slot words, and tags that fit or only seem to. Another key must not be taken
 * for damage.
 */
class CollidingHashesTest {
    private static final int ENTRIES = 400_000;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private static byte[] key(long number) {
        return ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(number * 0x9E3779B97F4A7C15L)
                .putLong(number)
                .array();
    }

    @Test
    void anotherKeyOfTheSameHashBitsIsNoDamage() {
        Path file = directory.resolve("store.cairn");
        try (CairnStore store = Cairn.open(file, Options.defaults().withStripes(1))) {
            for (int i = 0; i < ENTRIES; i++) {
                store.put(key(i), new byte[] {(byte) i});
            }
            for (int i = 0; i < ENTRIES; i++) {
                assertThat(store.get(key(i))).containsExactly((byte) i);
                assertThat(store.containsKey(key(ENTRIES + i))).isFalse();
            }
            for (int i = 0; i < ENTRIES; i += 2) {
                assertThat(store.remove(key(i))).isPositive();
                store.put(key(ENTRIES + i), new byte[] {1}); // where the tags of others stood
            }
            assertThat(store.size()).isEqualTo(ENTRIES);
        }
    }
}
