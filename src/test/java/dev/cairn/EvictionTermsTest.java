package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.format.CacheLayout;
import dev.cairn.format.DataHeader;
import dev.cairn.os.Host;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * Attacks the terms of a cache: how a store comes to evict, who may decide that, and what a read of
 * a cache stores.
 */
class EvictionTermsTest {
    private static final long BOUND = 1L << 20;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path file() {
        return directory.resolve("cache");
    }

    private static void fill(CairnStore store, long entries) {
        for (long i = 0; i < entries; i++) {
            store.put(Content.key(i), new byte[100]);
        }
    }

    @Test
    void evictionWithoutABoundIsRefused() {
        assertThatThrownBy(() -> Cairn.open(file(), Options.defaults().withEviction(true)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("eviction needs maxBytes");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void evictionOfAnOrdinaryFileIsRefused() {
        Cairn.open(file(), CacheModel.QUIET.withMaxBytes(BOUND).withStripes(1)).close();
        assertThatThrownBy(() -> Cairn.open(file(), CacheModel.quiet(BOUND)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(file().toString())
                .hasMessageContaining("created without");
        try (CairnStore store = Cairn.open(file())) { // it is an ordinary store still
            fill(store, 20_000);
            assertThat(store.size()).isEqualTo(20_000);
        }
    }

    /** Whoever opens a cache evicts by its bound, whatever bound it asks for itself. */
    @Test
    void openingACacheTakesItsTermsOver() throws IOException {
        Cairn.open(file(), CacheModel.quiet(BOUND)).close();
        for (Options options :
                List.of(
                        CacheModel.QUIET,
                        CacheModel.QUIET.withMaxBytes(BOUND / 4),
                        CacheModel.QUIET.withMaxBytes(4 * BOUND),
                        CacheModel.quiet(4 * BOUND))) {
            try (CairnStore store = Cairn.open(file(), options)) {
                fill(store, 20_000);
                assertThat(store.size()).isBetween(BOUND / 2 / 144, BOUND / 128);
                assertThat(Files.size(file())).isBetween(BOUND / 2, BOUND);
                assertThat(store.verify().damages()).isEmpty();
            }
        }
    }

    @Test
    void writesOfACacheAreNeverDurableUnlessThatIsAskedFor() {
        assertThat(CacheModel.quiet(BOUND).durability()).isEqualTo(Durability.NONE);
        assertThat(CacheModel.quiet(BOUND).withDurability(Durability.CHECKPOINT).durability())
                .isEqualTo(Durability.CHECKPOINT);
        Cairn.open(file(), CacheModel.quiet(BOUND)).close();
        assertThatThrownBy(() ->
                        Cairn.open(file(), CacheModel.QUIET.withDurability(Durability.EACH_WRITE)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private byte[] marks() throws IOException {
        DataHeader header =
                DataHeader.decode(
                        file(), Host.read(file(), DataHeader.HEADER_AT, DataHeader.BLOCK_BYTES));
        byte[] shared = Files.readAllBytes(directory.resolve("cache-shm"));
        long from = CacheLayout.marksAt(header);
        long to = from + CacheLayout.bytes(header) - (from - CacheLayout.stripeAt(header, 0));
        return Arrays.copyOfRange(shared, (int) from, (int) to);
    }

    private static int bits(byte[] bytes) {
        int bits = 0;
        for (byte each : bytes) {
            bits += Integer.bitCount(each & 0xFF);
        }
        return bits;
    }

    @Test
    void eachEntryThatIsReadGetsOneMark() throws IOException {
        try (CairnStore store = Cairn.open(file(), CacheModel.quiet(BOUND))) {
            fill(store, 500);
            assertThat(bits(marks())).as("marks of entries that were put and not read").isZero();
            for (int times = 0; times < 100; times++) {
                for (long i = 0; i < 7; i++) {
                    assertThat(store.get(Content.key(i))).isNotNull();
                }
                assertThat(bits(marks())).isEqualTo(7);
            }
            assertThat(store.getVersioned(Content.key(7L))).isNotNull();
            assertThat(store.<Object>read(Content.key(8L), value -> value)).isNotNull();
            assertThat(store.getAll(List.of(Content.key(9L)))).doesNotContainNull();
            assertThat(bits(marks())).isEqualTo(10);
            assertThat(store.get(Content.key(1_000_000L))).isNull();
            assertThat(bits(marks())).as("marks after a read of an absent key").isEqualTo(10);
            store.put(Content.key(10L), new byte[200]);
            assertThat(bits(marks()))
                    .as("marks after an entry was put again, which is a use")
                    .isEqualTo(11);
        }
    }

    @Test
    void readOnlyProcessesReadAndStoreNoMark() throws IOException {
        try (CairnStore store = Cairn.open(file(), CacheModel.quiet(BOUND))) {
            fill(store, 20_000);
        }
        byte[] before = Files.readAllBytes(directory.resolve("cache-shm"));
        byte[] data = Files.readAllBytes(file());
        try (CairnStore store = Cairn.open(file(), CacheModel.QUIET.withReadOnly(true))) {
            long found = 0;
            for (long i = 0; i < 20_000; i++) {
                found += store.get(Content.key(i)) == null ? 0 : 1;
            }
            assertThat(found).isEqualTo(store.size()).isPositive();
            assertThat(store.verify().damages()).isEmpty();
        }
        assertThat(Files.readAllBytes(directory.resolve("cache-shm"))).isEqualTo(before);
        assertThat(Files.readAllBytes(file())).isEqualTo(data);
    }
}
