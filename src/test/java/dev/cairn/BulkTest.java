package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.AbstractMap.SimpleEntry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Attacks the bulk operations: reading and writing many keys at once must do what single operations
 * do.
 */
class BulkTest {
    private static final int KEYS = 3_000;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private CairnStore open(Options options) {
        return Cairn.open(directory.resolve("store.cairn"), options);
    }

    private static byte[] value(Random random, int key) {
        int length = random.nextInt(50) == 0 ? 100_000 : random.nextInt(200);
        return Content.value(key, random.nextInt(1 << 20), Math.max(length, 40));
    }

    private static void require(byte[] key, byte[] value) {
        long _ = Content.sequence(ByteBuffer.wrap(key).getLong(), value);
    }

    private static Map.Entry<byte[], byte[]> entry(byte[] key, byte[] value) {
        return new SimpleEntry<>(key, value);
    }

    @Test
    void manyAreReadAsOneByOne() {
        Random random = Seed.random(getClass());
        try (CairnStore store = open(Options.defaults().withStripes(8))) {
            Map<ByteBuffer, byte[]> model = new HashMap<>();
            for (int round = 0; round < 6; round++) {
                for (int i = 0; i < KEYS; i++) {
                    change(store, random, model);
                }
                List<byte[]> keys = new ArrayList<>();
                int count = random.nextInt(200);
                for (int i = 0; i < count; i++) {
                    keys.add(Content.key(random.nextInt(2 * KEYS)));
                }
                List<byte[]> values = store.getAll(keys);
                assertThat(values).hasSize(count);
                for (int i = 0; i < count; i++) {
                    assertThat(values.get(i))
                            .as("key %d of round %d", i, round)
                            .isEqualTo(model.get(ByteBuffer.wrap(keys.get(i))))
                            .isEqualTo(store.get(keys.get(i)));
                }
                store.checkpoint(); // this lets cleaning move records
            }
            assertThat(store.getAll(List.of())).isEmpty();
            assertThat(store.getAll(new ArrayDeque<>(List.of(Content.key(-1))))).containsNull();
        }
    }

    private static void change(CairnStore store, Random random, Map<ByteBuffer, byte[]> model) {
        int number = random.nextInt(KEYS);
        byte[] key = Content.key(number);
        switch (random.nextInt(4)) {
            case 0 -> {
                long _ = store.remove(key);
                model.remove(ByteBuffer.wrap(key));
            }
            case 1 -> {
                byte[] value = value(random, number);
                long _ = store.put(key, value, Duration.ofDays(1));
                model.put(ByteBuffer.wrap(key), value);
            }
            default -> {
                byte[] value = value(random, number);
                long _ = store.put(key, value);
                model.put(ByteBuffer.wrap(key), value);
            }
        }
    }

    /** Each value that is read must belong to its key, whatever a writer does meanwhile. */
    @Test
    void manyAreReadBesideAWriter() throws InterruptedException {
        Random random = Seed.random(getClass());
        AtomicBoolean done = new AtomicBoolean();
        try (CairnStore store =
                open(Options.defaults().withStripes(1).withCheckpointEvery(Duration.ofMillis(5)))) {
            Random writers = new Random(random.nextLong());
            Thread writer =
                    Thread.ofPlatform()
                            .start(() -> {
                                while (!done.get()) {
                                    int key = writers.nextInt(KEYS);
                                    long _ = store.put(Content.key(key), value(writers, key));
                                }
                            });
            List<byte[]> keys = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                keys.add(Content.key(random.nextInt(KEYS)));
            }
            for (int round = 0; round < 300; round++) {
                List<byte[]> values = store.getAll(keys);
                for (int i = 0; i < keys.size(); i++) {
                    byte[] value = values.get(i);
                    if (value != null) {
                        require(keys.get(i), value);
                    }
                }
            }
            done.set(true);
            writer.join();
        }
    }

    @Test
    void manyAreWrittenAndTheLastOfAKeyCounts() {
        Random random = Seed.random(getClass());
        Map<ByteBuffer, byte[]> model = new HashMap<>();
        try (CairnStore store = open(Options.defaults().withStripes(4))) {
            for (int round = 0; round < 10; round++) {
                List<Map.Entry<byte[], byte[]>> entries = new ArrayList<>();
                int count = random.nextInt(1_000);
                for (int i = 0; i < count; i++) {
                    int number = random.nextInt(KEYS);
                    Map.Entry<byte[], byte[]> entry =
                            entry(Content.key(number), value(random, number));
                    entries.add(entry);
                    model.put(ByteBuffer.wrap(entry.getKey()), entry.getValue());
                }
                store.putAll(entries);
            }
            assertThat(store.size()).isEqualTo(model.size());
            model.forEach((key, value) -> assertThat(store.get(bytes(key))).isEqualTo(value));
            assertThat(store.verify().damages()).isEmpty();
            store.putAll(List.of());
            store.putAll(List.of(entry(Content.key(1), new byte[1])), Duration.ofHours(1));
            assertThat(store.timeLeft(Content.key(1))).isPresent();
        }
        try (CairnStore store = open(Options.defaults())) {
            assertThat(store.size()).isEqualTo(model.size() + (model.containsKey(first()) ? 0 : 1));
        }
    }

    private static byte[] bytes(ByteBuffer key) {
        byte[] bytes = new byte[key.remaining()];
        key.duplicate().get(bytes);
        return bytes;
    }

    private static ByteBuffer first() {
        return ByteBuffer.wrap(Content.key(1));
    }

    @Test
    void oneThatCannotBeWrittenLeavesTheOthersWhole() {
        Options small = Options.defaults().withStripes(1).withMaxBytes(2 << 20);
        try (CairnStore store = open(small)) {
            List<Map.Entry<byte[], byte[]>> entries = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
                entries.add(entry(Content.key(i), Content.value(i, 1, 100_000)));
            }
            assertThatThrownBy(() -> store.putAll(entries)).isInstanceOf(StoreFull.class);
            assertThat(store.size()).isBetween(1L, 39L);
            store.forEach((key, value) -> require(key, value));
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void writesThatAreDurableEachAreDurableTogether() {
        try (CairnStore store = open(Options.defaults().withDurability(Durability.EACH_WRITE))) {
            long before = store.stats().checkpoints();
            List<Map.Entry<byte[], byte[]>> entries = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                entries.add(entry(Content.key(i), new byte[10]));
            }
            store.putAll(entries);
            assertThat(store.stats().checkpoints()).isBetween(before + 1, before + 5);
        }
    }

    @Test
    void mapsReadAndWriteMany() {
        Map<String, Integer> model = new HashMap<>();
        for (int i = 0; i < 3_000; i++) {
            model.put("key " + i, i);
        }
        try (CairnMap<String, Integer> map =
                Cairn.map(Codecs.utf8(), Codecs.int32()).open(directory.resolve("map.cairn"))) {
            map.putAll(model);
            assertThat(map).isEqualTo(model);
            List<String> keys = Arrays.asList("key 7", "absent", "key 3", "key 7");
            assertThat(map.getAll(keys))
                    .containsExactlyEntriesOf(orderedBy(new LinkedHashSet<>(keys), model));
            assertThatThrownBy(() -> map.getAll(Arrays.asList("key 7", null)))
                    .isInstanceOf(NullPointerException.class);
            map.putAll(Map.of("key 7", 8), Duration.ofHours(1));
            assertThat(map.timeLeft("key 7")).isPresent();
            assertThat(map.getAll(List.of("key 7"))).containsValue(8);
        }
    }

    private static Map<String, Integer> orderedBy(Set<String> keys, Map<String, Integer> model) {
        Map<String, Integer> ordered = new LinkedHashMap<>();
        keys.stream().filter(model::containsKey).forEach(key -> ordered.put(key, model.get(key)));
        return ordered;
    }
}
