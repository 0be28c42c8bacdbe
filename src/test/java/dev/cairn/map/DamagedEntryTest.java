package dev.cairn.map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.CairnMap;
import dev.cairn.CorruptStore;
import dev.cairn.UndecodableEntry;
import dev.cairn.format.RecordLayout;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

/**
 * Attacks what a map does about an entry of another codec, and about one whose record is damaged.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DamagedEntryTest {
    private static final String KEY = "a key that stands in the file once";

    /** The versions that a record is given. It was written with neither. */
    private static final long NONE = 0;

    private static final long ANOTHER = 77;

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("map.cairn");
    }

    private CairnMap<String, Long> longs(boolean nearCache) {
        return (nearCache ? Maps.cached() : Maps.longs()).open(file());
    }

    @Test
    void anIteratorGoesOnBehindAnUndecodableEntry() {
        try (CairnMap<String, String> texts = Maps.texts().open(file());
                CairnMap<String, Long> longs = longs(false)) {
            for (long i = 0; i < 30; i++) {
                longs.put("key" + i, i);
            }
            List<Long> order = new ArrayList<>(longs.values());
            texts.put("key" + order.get(10), "text");
            assertThat(longs.keySet())
                    .as("keys in the same order")
                    .containsExactlyElementsOf(order.stream().map(i -> "key" + i).toList());

            Iterator<Long> values = longs.values().iterator();
            List<Long> shown = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                shown.add(values.next());
            }
            assertThatThrownBy(values::hasNext).isInstanceOf(UndecodableEntry.class);
            values.remove();
            values.forEachRemaining(shown::add);

            assertThat(longs.keySet()).doesNotContain("key" + order.get(9)).hasSize(29);
            order.remove(10);
            assertThat(shown).isEqualTo(order);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void keysAreFoundRemovedAndSetWhateverTheirValues(boolean nearCache) {
        try (CairnMap<String, String> texts = Maps.texts().open(file());
                CairnMap<String, Long> longs = longs(nearCache)) {
            longs.put("a", 3L);
            assertThat(longs.get("a")).isEqualTo(3);
            texts.put("a", "text");
            assertThat(longs.containsKey("a")).isTrue();
            assertThat(longs.keySet().remove("a")).isTrue();
            assertThat(longs.containsKey("a")).isFalse();
            texts.put("a", "text");
            longs.set("a", 4L);
            assertThat(longs.get("a")).isEqualTo(4);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatReturnsAnUndecodableValueIsAppliedThenThrows(boolean nearCache) {
        try (CairnMap<String, String> texts = Maps.texts().open(file());
                CairnMap<String, Long> longs = longs(nearCache)) {
            texts.put("a", "text");
            assertThatThrownBy(() -> longs.put("a", 3L)).isInstanceOf(UndecodableEntry.class);
            assertThat(longs.get("a")).isEqualTo(3);
            texts.put("a", "text");
            assertThatThrownBy(() -> longs.remove("a")).isInstanceOf(UndecodableEntry.class);
            assertThat(longs.containsKey("a")).isFalse();
        }
    }

    @Test
    void aDamagedRecordIsNoAbsence() throws IOException {
        try (CairnMap<String, Long> map = longs(false)) {
            map.put(KEY, 5L);
            setVersion(NONE);
            assertThatThrownBy(() -> map.get(KEY)).isInstanceOf(CorruptStore.class);
            assertThatThrownBy(() -> map.containsKey(KEY)).isInstanceOf(CorruptStore.class);
            assertThatThrownBy(() -> map.store().get(KEY.getBytes(UTF_8)))
                    .isInstanceOf(CorruptStore.class);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFunctionOnADamagedRecordIsNotTriedForEver(boolean nearCache) throws IOException {
        try (CairnMap<String, Long> map = longs(nearCache)) {
            map.put(KEY, 5L);
            assertThat(map.get(KEY)).isEqualTo(5);
            setVersion(ANOTHER);
            assertThatThrownBy(() -> map.merge(KEY, 1L, Long::sum))
                    .isInstanceOf(CorruptStore.class);
        }
    }

    @Test
    void aPutOverADamagedRecordIsAppliedThenThrows() throws IOException {
        try (CairnMap<String, Long> map = longs(false)) {
            map.put(KEY, 5L);
            setVersion(ANOTHER);
            assertThatThrownBy(() -> map.put(KEY, 6L)).isInstanceOf(CorruptStore.class);
            assertThat(map.get(KEY)).isEqualTo(6);
        }
    }

    /** Damages the version word of the key's record. */
    private void setVersion(long version) throws IOException {
        byte[] bytes = Files.readAllBytes(file());
        byte[] name = KEY.getBytes(UTF_8);
        int at = bytes.length - name.length;
        while (!Arrays.equals(bytes, at, at + name.length, name, 0, name.length)) {
            at--;
        }
        ByteBuffer word = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        word.putLong(0, version);
        long record = (long) at - RecordLayout.HEADER_BYTES;
        try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
            assertThat(channel.write(word, record + RecordLayout.VERSION)).isEqualTo(Long.BYTES);
        }
    }
}
