package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.format.CacheLayout;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.os.Host;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Attacks the promises of a store that evicts: it stays within its bound, it takes every entry that
 * may be put, and it never returns an entry that went.
 */
class EvictionTest {
    private static final long BOUND = 1L << 20;

    private static final String TICK_PROPERTY = "dev.cairn.cleaning-tick-millis";

    /** More than the tables of all stripes take. Every second of them may be a former one. */
    private static final long INDEX_BYTES = 1L << 20;

    private static final Random RANDOM = Seed.random(EvictionTest.class);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path file() {
        return directory.resolve("cache");
    }

    private CacheModel cache(Options options) {
        return new CacheModel(file(), options);
    }

    private static DataHeader header(Path file) throws IOException {
        return DataHeader.decode(
                file, Host.read(file, DataHeader.HEADER_AT, DataHeader.BLOCK_BYTES));
    }

    /** Mostly a short size, and now and then up to a sixteenth of the bound. */
    private static int size(long bound) {
        return switch (RANDOM.nextInt(40)) {
            case 0 -> RANDOM.nextInt((int) bound / 16);
            case 1, 2, 3 -> RANDOM.nextInt(8_000);
            default -> RANDOM.nextInt(400);
        };
    }

    @ParameterizedTest
    @CsvSource({
        "1048576, 64, NONE",
        "1048576, 1, CHECKPOINT",
        "1048576, 64, EACH_WRITE",
        "300000, 4, NONE",
        "300000, 64, CHECKPOINT",
        "2000000, 16, NONE"
    })
    void boundIsKeptAndEveryPutTaken(long bound, int stripes, Durability durability)
            throws IOException {
        Options options = CacheModel.quiet(bound).withStripes(stripes).withDurability(durability);
        try (CacheModel cache = cache(options)) {
            DataHeader header = header(file());
            long sharedBytes =
                    SharedLayout.stripeAt(header.stripes())
                            + CacheLayout.bytes(header)
                            + INDEX_BYTES;
            for (int phase = 0; phase < 3; phase++) {
                for (int i = 0; i < 3 * bound / 1024; i++) {
                    step(cache, bound, phase);
                    if (i % 16 == 0) {
                        cache.assertBounded();
                        assertThat(cache.store().stats().sharedMemoryFileBytes())
                                .isLessThanOrEqualTo(sharedBytes);
                    }
                }
                cache.check();
            }
            assertThat(cache.gone()).isPositive();
        }
    }

    private static void step(CacheModel cache, long bound, int phase) {
        byte[] key = Content.key((long) (RANDOM.nextInt(4_000) + 1_000 * phase));
        switch (RANDOM.nextInt(8)) {
            case 0 -> cache.remove(key);
            case 1, 2 -> cache.isThere(key);
            default -> cache.put(key, size(bound));
        }
    }

    @Test
    void entriesOfMoreThanAnEighthOfTheBoundAreRefused() {
        try (CacheModel cache = cache(CacheModel.quiet(BOUND))) {
            for (long i = 0; i < 10_000; i++) {
                cache.put(Content.key(i), 100);
            }
            int regionBytes = (int) cache.store().stats().regionBytes();
            cache.put(Content.key(6_000L), (int) BOUND / 8 - 2 * regionBytes);
            assertThat(cache.isThere(Content.key(6_000L))).isTrue();
            CairnStore store = cache.store();
            byte[] key = Content.key(50_000L);
            byte[] tooLarge = new byte[(int) BOUND / 8];
            assertThatThrownBy(() -> store.put(key, tooLarge))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(
                            "with maxBytes %d, takes entries of at most %d bytes"
                                    .formatted(BOUND, BOUND / 8));
            assertThatThrownBy(() -> store.putIfAbsent(key, tooLarge))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> store.putAll(List.of(Map.entry(key, tooLarge))))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThat(store.containsKey(key)).isFalse();
            cache.check();
        }
    }

    /** A bulk put has more than there is room for. The last entries must be there. */
    @Test
    void bulkPutOfMoreThanTheBoundIsTaken() {
        try (CacheModel cache = cache(CacheModel.quiet(BOUND))) {
            List<byte[]> keys = new ArrayList<>();
            for (long i = 0; i < 20_000; i++) {
                keys.add(Content.key(i));
            }
            cache.putAll(keys, 100);
            cache.check();
            assertThat(cache.gone()).isPositive();
            assertThat(cache.store().size()).isGreaterThan(BOUND / 2 / 144);
        }
    }

    @Test
    void regionsAndStripesAreSuchThatEvictionCanChoose() throws IOException {
        for (long bound = 1 << 17; bound <= 1L << 28; bound *= 2) {
            for (int stripes : new int[] {1, 64, 1024}) {
                Path file = directory.resolve("cache" + bound + "of" + stripes);
                Cairn.open(file, CacheModel.quiet(bound).withStripes(stripes)).close();
                DataHeader header = header(file);
                long regions = bound / header.regionBytes();
                assertThat(header.cache().maxBytes()).isEqualTo(bound);
                assertThat(header.stripes()).isLessThanOrEqualTo(stripes);
                assertThat(regions).isGreaterThanOrEqualTo(16L * header.stripes());
                assertThat(regions >= 128 || header.regionBytes() == DataHeader.MIN_REGION_BYTES)
                        .isTrue();
                assertThat(header.stripes() == stripes || regions < 32L * header.stripes())
                        .as("stripes: as many as asked for, if the bound has room for them")
                        .isTrue();
            }
        }
    }

    @Test
    void smallestBoundIsSaidAndWorks() {
        long[] least = new long[1];
        assertThatThrownBy(() -> Cairn.open(file(), CacheModel.quiet(1)))
                .isInstanceOfSatisfying(
                        IllegalArgumentException.class,
                        e -> {
                            String said = "maxBytes is 1; with eviction it must be ";
                            assertThat(e.getMessage()).contains(said).endsWith(" at least");
                            String rest =
                                    e.getMessage()
                                            .substring(
                                                    e.getMessage().indexOf(said) + said.length());
                            least[0] = Long.parseLong(rest.substring(0, rest.indexOf(' ')));
                        });
        assertThat(file()).doesNotExist();
        assertThatThrownBy(() -> Cairn.open(file(), CacheModel.quiet(least[0] - 1)))
                .isInstanceOf(IllegalArgumentException.class);
        for (Durability durability : List.of(Durability.NONE, Durability.CHECKPOINT)) {
            Path file = directory.resolve("least" + durability);
            try (CacheModel cache =
                    new CacheModel(file, CacheModel.quiet(least[0]).withDurability(durability))) {
                int largest = (int) least[0] / 8 - 4096 - 64;
                for (long i = 0; i < 3_000; i++) {
                    cache.put(Content.key(i % 500), i % 20 == 0 ? largest : RANDOM.nextInt(300));
                    cache.assertBounded();
                    if (i % 300 == 0) {
                        cache.check();
                    }
                }
                cache.check();
                assertThat(cache.gone()).isPositive();
            }
        }
    }

    @Test
    void whatWasEvictedIsAbsentToConditionalWrites() {
        try (CacheModel cache = cache(CacheModel.quiet(BOUND))) {
            CairnStore store = cache.store();
            for (long i = 0; i < 20_000; i++) {
                cache.put(Content.key(i), 100);
            }
            int met = 0;
            for (long i = 0; i < 2_000; i++) {
                byte[] key = Content.key(i);
                if (!cache.isThere(key)) {
                    met++;
                    cache.replace(key, 100, 0); // with the version that it had
                    cache.remove(key, 0);
                    cache.remove(key);
                    assertThat(store.version(key)).isZero();
                    cache.putIfAbsent(key, 100);
                    assertThat(cache.isThere(key)).isTrue();
                    cache.replace(key, 80, 0);
                    cache.replace(key, 80, 1); // with another version
                }
            }
            assertThat(met).isGreaterThan(500);
            cache.check();
        }
    }

    @Test
    void explicitRemovesStayRemoved() {
        try (CacheModel cache = cache(CacheModel.quiet(BOUND))) {
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 2_000; i++) {
                    cache.put(Content.key((long) RANDOM.nextInt(8_000)), RANDOM.nextInt(300));
                    cache.remove(Content.key((long) RANDOM.nextInt(8_000)));
                }
                cache.check(); // it shows nothing that was removed
            }
            cache.reopen();
            assertThat(cache.gone()).isPositive();
        }
    }

    @Test
    void expiredEntriesLeaveAndOthersStay() {
        try (SetClocks clocks = new SetClocks();
                CacheModel cache = cache(CacheModel.quiet(BOUND))) {
            int half = (int) (BOUND / 144 / 4);
            for (long i = 0; i < half; i++) {
                cache.put(Content.key(2 * i), 100);
                cache.put(Content.key(2 * i + 1), 100, Duration.ofMinutes(1));
            }
            assertThat(cache.store().size()).as("entries before any has gone").isEqualTo(2L * half);
            clocks.pass(Duration.ofHours(1));
            for (long i = 0; i < half; i++) {
                assertThat(cache.get(Content.key(2 * i + 1)))
                        .as("whether an expired entry is there")
                        .isFalse();
                assertThat(cache.get(Content.key(2 * i))).isTrue();
            }
            assertThat(cache.store().size()).isEqualTo(2L * half);
            for (long i = 0; i < 8L * half; i++) { // twice the bound
                cache.put(Content.key(1_000_000 + i), 100);
            }
            long there = 0;
            for (long i = 0; i < half; i++) {
                there += cache.get(Content.key(2 * i)) ? 1 : 0;
            }
            assertThat(there)
                    .as("entries that were read and have not expired")
                    .isGreaterThan(half / 2L);
            cache.check(half / 20);
        }
    }

    /** A full store makes the checkpoints itself, even though checkpoints are manual. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void evictedRegionsWaitForCheckpoints(boolean manual) {
        Options options = CacheModel.quiet(BOUND).withDurability(Durability.CHECKPOINT);
        System.setProperty(TICK_PROPERTY, "100000000");
        try (CacheModel cache = cache(manual ? options.withManualCheckpoints() : options)) {
            long regions = BOUND / cache.store().stats().regionBytes();
            long waited = 0;
            for (long i = 0; i < 30_000; i++) {
                cache.put(Content.key(i), 100);
                if (i == 6_000) {
                    cache.store().checkpoint(); // what it holds lives until the next
                }
                if (i % 8 == 0) {
                    cache.assertBounded();
                    waited = Math.max(waited, cache.store().stats().waitingRegions());
                }
            }
            assertThat(waited).as("regions that waited").isBetween(1L, regions / 4);
            assertThat(cache.store().stats().checkpoints()).isGreaterThan(1);
            cache.store().checkpoint();
            assertThat(cache.store().stats().waitingRegions()).isZero();
            cache.check();
            cache.reopen();
        } finally {
            System.clearProperty(TICK_PROPERTY);
        }
    }
}
