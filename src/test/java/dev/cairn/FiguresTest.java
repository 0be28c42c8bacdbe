package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Guards the text of the figures that Cairn gives: one line that people can read, whatever the
 * locale.
 */
class FiguresTest {
    private static final Options ONE_STRIPE = Options.defaults().withStripes(1);

    @TempDir private Path directory;

    private final Locale before = Locale.getDefault();
    private Path file;

    @BeforeEach
    void elsewhere() {
        Locale.setDefault(Locale.forLanguageTag("ar-EG"));
        file = directory.resolve("figures.cairn");
    }

    @AfterEach
    void back() {
        Locale.setDefault(before);
    }

    private void putThousand(CairnStore store) {
        for (int i = 0; i < 1000; i++) {
            store.put(("key" + i).getBytes(UTF_8), new byte[100]);
        }
    }

    @Test
    void ofAStore() {
        try (CairnStore store = Cairn.open(file, ONE_STRIPE.withManualCheckpoints())) {
            putThousand(store);
            store.checkpoint();

            assertThat(store.stats().toString())
                    .matches(
                            "1,000 entries, room for [\\d,]+ in the index;"
                                    + " 1[\\d.]+ KiB live and 0 bytes of garbage in a data file of [\\d.]+ MiB;"
                                    + " shared-memory file of [\\d.]+ KiB;"
                                    + " \\d+ regions of 64.0 KiB, \\d+ free, 0 waiting for a checkpoint;"
                                    + " stripes: 1, damaged: 0; writing processes: 1; writes: 1,000;"
                                    + " checkpoint 2 is durable, 3 is to come, the last is sound;"
                                    + " checkpoints made here: \\d in [\\d.]+ .?s, the longest [\\d.]+ .?s,"
                                    + " failed: 0, longest cut [\\d.]+ .s;"
                                    + " lock waits: \\d+ in [\\d.]+ .?s, the longest [\\d.]+ .?s; takeovers: 0;"
                                    + " evicted: 0, dropped after they had expired: 0;"
                                    + " file names: named; clock 0 ms ahead");
            assertThat(store.recovery().toString())
                    .matches(
                            "created in [\\d.]+ .?s: 0 entries at checkpoint 1, 0 bytes of log read"
                                    + " again, stripes repaired: 0; .+");
        }
    }

    @Test
    void ofAVerification() {
        try (CairnStore store = Cairn.open(file, ONE_STRIPE)) {
            putThousand(store);

            assertThat(store.verify().toString())
                    .matches("sound: 1,000 entries, 1,000 records, 1[\\d.]+ KiB of log read");
        }
    }

    @Test
    void ofASalvage() {
        Cairn.open(file, ONE_STRIPE).close();
        try (CairnStore store = Cairn.open(file)) {
            putThousand(store);
        }

        assertThat(Cairn.salvage(file, directory.resolve("sound.cairn")).toString())
                .matches(
                        "complete: 1,000 entries of 1,000 that checkpoint \\d counts, which is the"
                                + " newest; uncertain: 0; lost: 0 entries, 0 bytes and 0 regions of log;"
                                + " damages listed: 0");
    }

    @Test
    void ofANearCache() throws IOException {
        try (CairnMap<String, String> map =
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .nearCache(Caffeine.newBuilder().maximumSize(10).recordStats())
                        .open(file)) {
            map.put("key", "value");
            for (int i = 0; i < 1001; i++) {
                assertThat(map.get("key")).isEqualTo("value");
            }

            assertThat(map.nearCacheStats())
                    .hasToString(
                            "confirmed: 1,000, refreshed: 0, stale: 0, unconfirmed: 0; Caffeine:"
                                    + " 1,000 hits, 1 misses, 0 evictions");
        }
    }
}
