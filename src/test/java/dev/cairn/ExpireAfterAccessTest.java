package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Attacks expiry after access: entries that nobody reads expire, entries that somebody reads stay,
 * and most reads write nothing.
 */
class ExpireAfterAccessTest {
    private static final byte[] KEY = "k".getBytes(UTF_8);
    private static final byte[] VALUE = "v".getBytes(UTF_8);
    private static final Duration IDLE = Duration.ofMinutes(8);
    private static final Duration EIGHTH = Duration.ofMinutes(1);
    private static final Duration MOMENT = Duration.ofSeconds(2);

    private final SetClocks clocks = new SetClocks();

    @TempDir private Path directory;

    @AfterEach
    void setBack() {
        clocks.close();
    }

    private static Options idle() {
        return Options.defaults().withExpireAfterAccess(IDLE);
    }

    private CairnStore open(Options options) {
        return Cairn.open(directory.resolve("store"), options);
    }

    @Test
    void whatNobodyReadsExpires() {
        try (CairnStore store = open(idle())) {
            store.put(KEY, VALUE);
            clocks.pass(IDLE.minus(MOMENT));
            assertThat(store.version(KEY)).as("version before its time to expire").isPositive();
            clocks.pass(EIGHTH.plus(MOMENT).plus(MOMENT));
            assertThat(store.get(KEY)).isNull();
            assertThat(store.containsKey(KEY)).isFalse();
            List<byte[]> scanned = new ArrayList<>();
            store.forEach((key, _) -> scanned.add(key));
            assertThat(scanned).isEmpty();
        }
    }

    @Test
    void everyKindOfReadKeepsAnEntry() {
        List<Consumer<CairnStore>> reads =
                List.of(
                        store -> assertThat(store.get(KEY)).isEqualTo(VALUE),
                        store -> assertThat(store.getVersioned(KEY)).isNotNull(),
                        store -> assertThat(store.getAll(List.of(KEY))).containsExactly(VALUE),
                        store -> assertThat(store.read(KEY, MemorySegment::byteSize)).isEqualTo(1L),
                        store -> {
                            try (Arena arena = Arena.ofConfined()) {
                                assertThat(store.get(KEY, arena.allocate(8))).isEqualTo(1);
                            }
                        });
        try (CairnStore store = open(idle())) {
            for (Consumer<CairnStore> read : reads) {
                store.put(KEY, VALUE);
                for (int i = 0; i < 4; i++) {
                    clocks.pass(IDLE.minus(MOMENT));
                    read.accept(store);
                }
                clocks.pass(IDLE.plus(EIGHTH).plus(MOMENT));
                assertThat(store.get(KEY)).isNull();
            }
        }
    }

    @Test
    void readsThroughANearCacheKeepAnEntry() {
        try (CairnMap<String, String> map =
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .options(idle())
                        .nearCache(Caffeine.newBuilder().maximumSize(10))
                        .open(directory.resolve("store"))) {
            map.put("k", "v");
            for (int i = 0; i < 40; i++) {
                assertThat(map.get("k")).isEqualTo("v");
                clocks.pass(EIGHTH.plus(EIGHTH));
            }
            clocks.pass(IDLE.plus(EIGHTH));
            assertThat(map.get("k")).isNull();
        }
    }

    @Test
    void mostReadsWriteNothing() {
        try (CairnStore store = open(idle())) {
            long version = store.put(KEY, VALUE);
            for (int i = 0; i < 1000; i++) {
                assertThat(store.get(KEY)).isEqualTo(VALUE);
            }
            assertThat(store.version(KEY)).isEqualTo(version);
            clocks.pass(EIGHTH.plus(MOMENT));
            for (int i = 0; i < 1000; i++) {
                assertThat(store.get(KEY)).isEqualTo(VALUE);
            }
            assertThat(store.version(KEY)).isEqualTo(version + 1);
        }
    }

    @Test
    void aTimeToLiveIsNotPutOff() {
        try (CairnStore store = open(idle())) {
            store.put(KEY, VALUE, IDLE);
            clocks.pass(IDLE.minus(MOMENT));
            assertThat(store.get(KEY)).isEqualTo(VALUE);
            clocks.pass(MOMENT.plus(MOMENT));
            assertThat(store.get(KEY)).isNull();
        }
    }

    @Test
    void itIsAPropertyOfTheFile() {
        open(Options.defaults()).close();
        assertThatThrownBy(() -> open(idle()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("created without");
        Path other = directory.resolve("other");
        Cairn.open(other, idle()).close();
        try (CairnStore store = Cairn.open(other)) {
            store.put(KEY, VALUE);
            clocks.pass(IDLE.plus(EIGHTH).plus(MOMENT));
            assertThat(store.get(KEY)).as("value, read with other options").isNull();
        }
    }

    @Test
    void itGoesWithEviction() {
        Options cache = idle().withMaxBytes(1 << 20).withEviction(true);
        try (CairnStore store = open(cache)) {
            store.put(KEY, VALUE);
            byte[] bulk = new byte[1000];
            for (int i = 0; i < 20_000; i++) {
                store.put(("bulk" + i).getBytes(UTF_8), bulk);
                if (i % 10 == 0) {
                    assertThat(store.get(KEY)).as("put %d", i).isEqualTo(VALUE);
                }
            }
            assertThat(store.stats().evictions()).isGreaterThan(10_000);
            clocks.pass(IDLE.plus(EIGHTH).plus(MOMENT));
            assertThat(store.get(KEY)).isNull();
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void jitterShortensATimeToLive() {
        try (CairnStore store = open(Options.defaults().withTimeToLiveJitter(0.5))) {
            Set<Instant> expiries = new HashSet<>();
            Instant before = Instant.now();
            for (int i = 0; i < 100; i++) {
                byte[] key = {(byte) i};
                store.put(key, VALUE, Duration.ofHours(2));
                Versioned entry = store.getVersioned(key);
                assertThat(entry).isNotNull();
                assertThat(entry.expires())
                        .isBetween(
                                before.plus(Duration.ofMinutes(59)),
                                Instant.now().plus(Duration.ofMinutes(121)));
                expiries.add(entry.expires());
            }
            assertThat(expiries).hasSizeGreaterThan(90);
        }
    }
}
