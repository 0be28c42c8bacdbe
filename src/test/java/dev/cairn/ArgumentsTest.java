package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.codec.Codecs;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.AbstractList;
import java.util.AbstractMap.SimpleEntry;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * Attacks the promise that wrong arguments change nothing and are never taken for a damaged store.
 */
@NullUnmarked
class ArgumentsTest {
    private static final byte[] KEY = {1};
    private static final byte[] VALUE = {2};
    private static final Duration ENDLESS = Duration.ofSeconds(Long.MAX_VALUE);
    private static final Duration NEGATIVE = Duration.ofSeconds(Long.MIN_VALUE);

    @TempDir Path directory;

    private CairnMap<String, String> map;
    private CairnStore store;
    private long version;

    @BeforeEach
    void open() {
        map =
                Cairn.map(Codecs.utf8(), Codecs.utf8())
                        .nearCache(Caffeine.newBuilder().maximumSize(9))
                        .cacheAbsence()
                        .open(directory.resolve("map.cairn"));
        store = map.store();
        version = map.set("\u0001", "\u0002");
    }

    @AfterEach
    void nothingHasChanged() {
        assertThat(store.get(KEY)).isEqualTo(VALUE);
        assertThat(store.getVersioned(KEY).version()).isEqualTo(version);
        assertThat(map).hasSize(1);
        assertThat(store.verify().damages()).isEmpty();
        map.close();
    }

    private static void refused(Class<? extends Exception> as, ThrowingCallable... calls) {
        for (int i = 0; i < calls.length; i++) {
            assertThatThrownBy(calls[i]).as("result of call %d", i).isInstanceOf(as);
        }
    }

    @Test
    void nullsInAStore() {
        refused(
                NullPointerException.class,
                () -> store.get(null),
                () -> store.getVersioned(null),
                () -> store.getAll(null),
                () -> store.getAll(Arrays.asList(KEY, null)),
                () -> store.get(null, MemorySegment.ofArray(new byte[1])),
                () -> store.get(KEY, null),
                () -> store.read(null, _ -> 0),
                () -> store.read(KEY, null),
                () -> store.containsKey(null),
                () -> store.version(null),
                () -> store.timeLeft(null),
                () -> store.putAll(null),
                () -> store.putAll(Arrays.asList(Map.entry(KEY, VALUE), null)),
                () -> store.putAll(List.of(new SimpleEntry<>(KEY, null))),
                () -> store.putAll(List.of(new SimpleEntry<>(null, VALUE))),
                () -> store.putAll(List.of(Map.entry(KEY, VALUE)), null),
                () -> store.putIfAbsent(KEY, VALUE, null),
                () -> store.replace(KEY, 1, VALUE, null),
                () -> Cairn.sharedMemory(null),
                () -> store.put(null, VALUE),
                () -> store.put(KEY, null),
                () -> store.put(null, VALUE, ENDLESS),
                () -> store.put(KEY, null, ENDLESS),
                () -> store.put(KEY, VALUE, null),
                () -> store.putIfAbsent(null, VALUE),
                () -> store.putIfAbsent(KEY, null),
                () -> store.replace(null, 1, VALUE),
                () -> store.replace(KEY, 1, null),
                () -> store.remove(null),
                () -> store.remove(null, 1),
                () -> store.forEach(null),
                () -> store.forEachWhile(null),
                () -> store.forEachIn(0, null),
                () -> store.stripeOf(null),
                () -> store.awaitChange(null, 0, Duration.ZERO),
                () -> store.awaitChange(KEY, 0, null),
                () -> store.watch().poll(null),
                () -> store.backup(null));
    }

    /** A null action must be refused even where there is nothing to show it. */
    @Test
    void nullActionsOnAnEmptyStore() {
        try (CairnStore empty = Cairn.open(directory.resolve("empty"))) {
            refused(
                    NullPointerException.class,
                    () -> empty.forEach(null),
                    () -> empty.forEachWhile(null),
                    () -> empty.forEachIn(0, null),
                    () -> empty.put(KEY, VALUE, null));
            assertThat(empty.size()).isZero();
        }
    }

    @Test
    void nullsInAMap() {
        BiFunction<Object, Object, String> function = (_, _) -> "x";
        refused(
                NullPointerException.class,
                () -> map.get(null),
                () -> map.get(null, _ -> "x"),
                () -> map.get("absent", null),
                () -> map.containsKey(null),
                () -> map.containsValue(null),
                () -> map.put(null, "x"),
                () -> map.put("x", null),
                () -> map.set(null, "x"),
                () -> map.set("x", null),
                () -> map.set("x", "x", null),
                () -> map.putIfAbsent(null, "x"),
                () -> map.putIfAbsent("x", null),
                () -> map.replace(null, "x"),
                () -> map.replace("x", null),
                () -> map.replace("\u0001", null, "x"),
                () -> map.replace("\u0001", "\u0002", null),
                () -> map.remove(null),
                () -> map.computeIfAbsent(null, _ -> "x"),
                () -> map.computeIfAbsent("x", null),
                () -> map.computeIfPresent(null, function),
                () -> map.computeIfPresent("\u0001", null),
                () -> map.compute(null, function),
                () -> map.compute("\u0001", null),
                () -> map.merge(null, "x", function),
                () -> map.merge("\u0001", null, function),
                () -> map.merge("\u0001", "x", null),
                () -> map.getAll(null),
                () -> map.getAll(Arrays.asList("x", null)),
                () -> map.get("absent", null, _ -> "x"),
                () -> map.putIfAbsent("x", "x", null),
                () -> map.compute("x", null, function),
                () -> map.merge("x", "x", null, function),
                () -> map.putAll(Map.of(), null),
                () -> map.timeLeft(null),
                () -> map.replaceAll(null),
                () -> map.putAll(null),
                () -> map.forEach(null),
                () -> map.forEachIn(0, null),
                () -> map.version(null),
                () -> map.stripeOf(null),
                () -> map.awaitChange(null, 0, Duration.ZERO),
                () -> map.watch().poll(null));
    }

    @Test
    void outOfRange() {
        refused(
                IllegalArgumentException.class,
                () -> store.put(KEY, VALUE, Duration.ZERO),
                () -> store.put(KEY, VALUE, NEGATIVE),
                () -> map.set("x", "x", NEGATIVE),
                () -> store.replace(KEY, 0, VALUE),
                () -> store.replace(KEY, Long.MIN_VALUE, VALUE),
                () -> store.remove(KEY, -1),
                () -> store.awaitChange(KEY, -1, Duration.ZERO),
                () -> store.awaitChange(KEY, 0, NEGATIVE),
                () -> store.watch().poll(NEGATIVE),
                () -> store.backup(Path.of("shm:a/b")),
                () -> store.backup(Path.of("shm:")),
                () -> Cairn.sharedMemory(""),
                () -> Cairn.sharedMemory("a/b"),
                () -> Cairn.sharedMemory(".."),
                () -> Cairn.open(Path.of("shm:a/b")));
        refused(
                IndexOutOfBoundsException.class,
                () -> store.forEachIn(-1, (_, _) -> {}),
                () -> store.forEachIn(Integer.MAX_VALUE, (_, _) -> {}),
                () -> map.forEachIn(64, (_, _) -> {}));
    }

    @Test
    void endlessTimes() throws Exception {
        store.put(new byte[] {3}, VALUE, ENDLESS);
        assertThat(store.get(new byte[] {3})).isEqualTo(VALUE);
        assertThat(store.awaitChange(KEY, version + 1, ENDLESS)).isEqualTo(version);
        assertThat(store.remove(new byte[] {3})).isPositive();
    }

    @Test
    void options() {
        Options options = Options.defaults();
        refused(
                NullPointerException.class,
                () -> options.withDurability(null),
                () -> options.withCheckpointEvery(null),
                () -> options.withLockTimeout(null),
                () -> options.withPermissions(null),
                () -> options.withPermissions(new HashSet<>(Arrays.asList(null, null))),
                () -> Cairn.open(null),
                () -> Cairn.open(null, options),
                () -> Cairn.open(directory.resolve("other"), null));
        refused(
                IllegalArgumentException.class,
                () -> options.withMaxBytes(-1),
                () -> options.withStripes(0),
                () -> options.withStripes(3),
                () -> options.withStripes(Integer.MIN_VALUE),
                () -> options.withStripes(2 * Options.MAX_STRIPES),
                () -> options.withCheckpointEvery(Duration.ZERO),
                () -> options.withCheckpointEvery(NEGATIVE),
                () -> options.withCheckpointEvery(ENDLESS),
                () -> options.withLockTimeout(Duration.ZERO),
                () -> options.withLockTimeout(NEGATIVE),
                () -> options.withLockTimeout(ENDLESS),
                () -> options.withDefaultTimeToLive(Duration.ZERO),
                () -> options.withDefaultTimeToLive(NEGATIVE));
        assertThat(options.withDefaultTimeToLive(ENDLESS).defaultTimeToLive()).isEqualTo(ENDLESS);
        assertThat(directory.resolve("other")).doesNotExist();
    }

    @Test
    void builder() {
        var builder = Cairn.map(Codecs.utf8(), Codecs.utf8());
        refused(
                NullPointerException.class,
                () -> Cairn.map(null, Codecs.utf8()),
                () -> Cairn.map(Codecs.utf8(), null),
                () -> builder.options(null),
                () -> builder.checkpointEvery(null),
                () -> builder.nearCache(null),
                () -> builder.boundedStaleness(null),
                () -> builder.loadTimeout(null),
                () -> builder.open(null));
        refused(
                IllegalArgumentException.class,
                () -> builder.checkpointEvery(NEGATIVE),
                () -> builder.boundedStaleness(NEGATIVE),
                () -> builder.boundedStaleness(ENDLESS),
                () -> builder.loadTimeout(Duration.ZERO),
                () -> builder.loadTimeout(NEGATIVE),
                () -> builder.loadTimeout(ENDLESS));
    }

    /** What a caller's list, action or function throws must reach the caller unchanged. */
    @Test
    void theCallersOwnErrors() {
        assertThat(store.getAll(shrinking())).hasSizeLessThan(3).containsOnly(VALUE);
        refused(
                IndexOutOfBoundsException.class,
                () -> store.forEach((_, _) -> List.of().get(0)),
                () -> map.get("absent", _ -> List.<String>of().get(0)),
                () -> map.compute("\u0001", (_, _) -> List.<String>of().get(0)));
        refused(
                IllegalArgumentException.class,
                () -> store.getAll(failing()),
                () ->
                        store.forEachWhile((_, _) -> {
                            throw new IllegalArgumentException("the caller's");
                        }));
    }

    /** A list that has one key after the first look, as if another thread had removed from it. */
    private static List<byte[]> shrinking() {
        return new AbstractList<>() {
            private int size = 3;

            @Override
            public byte[] get(int index) {
                if (index >= size) {
                    throw new IndexOutOfBoundsException(index);
                }
                size = 1;
                return KEY;
            }

            @Override
            public int size() {
                return size;
            }
        };
    }

    private static List<byte[]> failing() {
        return new AbstractList<>() {
            @Override
            public byte[] get(int index) {
                throw new IllegalArgumentException("the caller's");
            }

            @Override
            public int size() {
                return 1;
            }
        };
    }
}
