package dev.cairn.near;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.codec.Codecs;
import dev.cairn.engine.ConfirmedEntry;
import dev.cairn.engine.OpenStores;
import dev.cairn.engine.StoreHandle;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Attacks the words by which a cached entry is confirmed, and shows that fewer words would not do
 * (RULE 29).
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class WitnessTest {
    /** Dead regions are used again at once, so places come back soon. */
    private static final Options OPTIONS =
            Options.defaults().withStripes(1).withDurability(Durability.NONE);

    private static final int MOST_WRITES = 100_000;
    private static final String KEY = "key";

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();
    private CairnMap<String, String> map;
    private StoreHandle store;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    @BeforeEach
    void open() {
        map =
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .options(OPTIONS)
                        .nearCache(Caffeine.newBuilder().recordStats())
                        .open(file());
        store = OpenStores.open(file(), OPTIONS);
    }

    @AfterEach
    void close() {
        Steps.listen(null);
        store.close();
        map.close();
        scale.close();
    }

    private void put(String key, String value) {
        long _ = store.put(key.getBytes(UTF_8), value.getBytes(UTF_8));
    }

    private ConfirmedEntry look() {
        ConfirmedEntry seen = store.look(KEY.getBytes(UTF_8), 0);
        assertThat(seen).isNotNull();
        return seen;
    }

    private static boolean samePlace(ConfirmedEntry one, ConfirmedEntry other) {
        return one.slotAt() == other.slotAt() && one.slot() == other.slot();
    }

    private static String value(int number) {
        return "%04d".formatted(number % 10_000).repeat(225);
    }

    @Test
    void theSlotWordAloneComesBackWithAnotherValue() {
        put(KEY, value(0));
        assertThat(map.get(KEY)).isEqualTo(value(0));
        ConfirmedEntry cached = look();
        int writes = 1;
        for (; writes < MOST_WRITES; writes++) {
            put(KEY, value(writes));
            if (samePlace(look(), cached)) {
                break;
            }
        }
        ConfirmedEntry now = look();
        System.out.printf("WitnessTest: the same slot word after %d writes%n", writes);
        assertThat(now.slot())
                .as("slot word, which alone would confirm it")
                .isEqualTo(cached.slot());
        assertThat(now.version()).isGreaterThan(cached.version());
        assertThat(now.table()).isNotEqualTo(cached.table());
        assertThat(store.unchanged(cached.stripe(), cached.table(), cached.slotAt(), cached.slot()))
                .isFalse();
        assertThat(map.get(KEY)).isEqualTo(value(writes)).isNotEqualTo(value(0));
    }

    /** A write is seen before the version says so, for as long as its writer stands there. */
    @Test
    void theVersionOfTheStripeComesTooLate() {
        put(KEY, value(1));
        assertThat(map.get(KEY)).isEqualTo(value(1));
        long before = stripeVersion();
        List<String> read = new ArrayList<>();
        Steps.listen(step -> {
            if (step.equals("W8")) {
                assertThat(stripeVersion())
                        .as("version of the stripe, which alone would confirm it")
                        .isEqualTo(before);
                read.add(map.get(KEY));
            }
        });
        put(KEY, value(2));
        assertThat(read).containsExactly(value(2));
        assertThat(stripeVersion()).isGreaterThan(before);
    }

    private long stripeVersion() {
        try {
            byte[] shared = Files.readAllBytes(file().resolveSibling("store.cairn-shm"));
            return Words.plain(shared, (int) SharedLayout.stripeAt(0) + StripeWords.VERSION);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Two threads look the same entry up again. The first finds it before it was moved, and stores
     * what it found after the second. By then a third thread has loaded the second's table word. It
     * must not load the first's slot word. With that table word, the slot word's place may be in
     * use again, for another value of the key.
     */
    @Test
    void anOlderLookupDoesNotReplaceTheWitnessesOfALaterOne() {
        put(KEY, value(0));
        ConfirmedEntry first = look();
        for (int i = 0; i < MOST_WRITES && samePlace(look(), first); i++) {
            put("another key", value(i));
        }
        ConfirmedEntry second = look();
        assertThat(second.version()).isEqualTo(first.version());
        assertThat(second.slot()).isNotEqualTo(first.slot());

        NearEntry<String> held = new NearEntry<>(value(0), first, 0);
        held.seenAgain(second);
        held.seenAgain(first);
        assertThat(held.table()).isEqualTo(second.table());
        assertThat(held.slot()).isEqualTo(second.slot());
        assertThat(held.slotAt()).isEqualTo(second.slotAt());
    }
}
