package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.zip.GZIPInputStream;

/**
 * Attacks compatibility: every build must read the stores that earlier builds wrote, and go on with
 * them. The stores have one stripe and 40 keys. Every third key was put again after a checkpoint,
 * and one was removed. There is a value in a run, and one with a time to live. In the second store
 * some were overwritten in place, seven times.
 */
class GoldenStoreTest {
    private static final String BEFORE = "format-1";
    private static final String IN_PLACE = "format-1-in-place";

    @TempDir Path directory;

    private Path unpacked(String name) throws IOException {
        Path file = directory.resolve(name + ".cairn");
        String resource = "/golden/" + name + ".cairn.gz";
        try (InputStream packed =
                Objects.requireNonNull(GoldenStoreTest.class.getResourceAsStream(resource))) {
            Files.copy(new GZIPInputStream(packed), file);
        }
        return file;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static String expected(String name, int i) {
        if (i % 3 == 0) {
            return "later " + i;
        }
        return name.equals(IN_PLACE) && i % 5 == 1 ? "place 6" : "value " + i;
    }

    private static void check(CairnStore store, String name) {
        for (int i = 0; i < 40; i++) {
            byte[] value = store.get(bytes("key " + i));
            if (i == 7) {
                assertThat(value).isNull();
            } else {
                assertThat(value).as("key %d", i).asString(UTF_8).isEqualTo(expected(name, i));
            }
        }
        assertThat(store.get(bytes("large"))).hasSize(100_000).containsOnly(0);
        assertThat(store.get(bytes("expires"))).isEqualTo(bytes("in 2126"));
        assertThat(store.size()).isEqualTo(41);
        assertThat(store.verify().damages()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {BEFORE, IN_PLACE})
    void isReadByWhoOnlyReads(String name) throws IOException {
        try (CairnStore store = Cairn.open(unpacked(name), Options.defaults().withReadOnly(true))) {
            check(store, name);
        }
    }

    /**
     * A store that was written without overwriting in place must never be overwritten in place,
     * whoever goes on with it.
     */
    @ParameterizedTest
    @ValueSource(strings = {BEFORE, IN_PLACE})
    void isGoneOnWith(String name) throws IOException {
        Path file = unpacked(name);
        try (CairnStore store = Cairn.open(file)) {
            check(store, name);
            for (int n = 0; n < 3; n++) {
                store.put(bytes("new"), bytes("time " + n));
                store.put(bytes("with a time"), bytes("time " + n), Duration.ofDays(1));
            }
            assertThat(store.stats().overwritesInPlace()).isEqualTo(name.equals(IN_PLACE) ? 2 : 0);
            assertThat(store.remove(bytes("new"))).isPositive();
            assertThat(store.remove(bytes("with a time"))).isPositive();
        }
        try (CairnStore store = Cairn.open(file)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            check(store, name);
        }
    }
}
