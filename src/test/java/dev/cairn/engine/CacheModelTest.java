package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CacheModel;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Durability;
import dev.cairn.Options;
import dev.cairn.Versioned;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.RandomDistribution;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterProperty;
import net.jqwik.api.lifecycle.BeforeProperty;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * Attacks the promise that a cache holds what was put last, or nothing, with random sequences of
 * all operations. What was removed or has gone must not be there again. The canaries are the flaws
 * below.
 */
class CacheModelTest {
    private static final int KEYS = 48;
    private static final int MANY = 900;

    /** A little more than the smallest bound, for regions of 4 KiB. */
    private static final long BOUND = 160 << 10;

    /** What every run must have met, or else it shows nothing. */
    private static final AtomicLong GONE = new AtomicLong();

    private static final AtomicLong WRITES = new AtomicLong();

    enum Kind {
        PUT,
        PUT_SAME_SIZE,
        PUT_IF_ABSENT,
        REPLACE,
        REMOVE,
        REMOVE_VERSION,
        GET,
        GET_ALL,
        PUT_MANY,
        PUT_ALL,
        READ_MANY,
        REMOVE_MANY,
        CHECKPOINT,
        COMPACT,
        REOPEN,
        LOOK_READ_ONLY,
        REBUILD,
        LOOK_AT_SNAPSHOT
    }

    /** These come more often than the others, so that entries are evicted. */
    private static final List<Kind> ADDING =
            List.of(Kind.PUT, Kind.PUT_SAME_SIZE, Kind.PUT_IF_ABSENT, Kind.REPLACE, Kind.PUT_MANY);

    /**
     * @param key the key, or the first of them
     * @param off how far the version is from the right one
     */
    record Step(Kind kind, int key, int size, int off) {
        void run(CacheModel cache) {
            byte[] name = Content.key((long) key);
            switch (kind) {
                case PUT -> cache.put(name, size);
                case PUT_SAME_SIZE -> cache.put(name, 100);
                case PUT_IF_ABSENT -> cache.putIfAbsent(name, size);
                case REPLACE -> cache.replace(name, size, off);
                case REMOVE -> cache.remove(name);
                case REMOVE_VERSION -> cache.remove(name, off);
                case GET -> cache.isThere(name);
                case GET_ALL -> cache.getAll(some(KEYS));
                case PUT_MANY -> some(MANY).forEach(each -> cache.put(each, size % 700));
                case PUT_ALL -> cache.putAll(some(MANY), size % 700);
                case READ_MANY -> some(MANY).forEach(cache::get);
                case REMOVE_MANY -> some(MANY / 2).forEach(cache::remove);
                case CHECKPOINT -> cache.checkpoint();
                case COMPACT -> cache.store().compact();
                case REOPEN -> cache.reopen();
                case REBUILD -> cache.rebuild();
                case LOOK_READ_ONLY -> cache.lookReadOnly(false);
                case LOOK_AT_SNAPSHOT -> cache.lookReadOnly(true);
            }
        }

        private List<byte[]> some(int count) {
            return LongStream.range(key, key + count).mapToObj(Content::key).toList();
        }
    }

    @Property(tries = 25, shrinking = ShrinkingMode.BOUNDED)
    void cacheHasNothingButWhatWasPutLast(
            @ForAll("steps") List<Step> steps,
            @ForAll("stripes") int stripes,
            @ForAll Durability durability)
            throws IOException {
        run(steps, stripes, durability, UnaryOperator.identity());
    }

    @BeforeProperty
    void nothingMet() {
        GONE.set(0);
        WRITES.set(0);
    }

    @AfterProperty
    void entriesWent() {
        if (WRITES.get() > 0) {
            System.out.printf(
                    "CacheModelTest: %,d writes, %,d entries were evicted%n",
                    WRITES.get(), GONE.get());
            assertThat(GONE.get()).isGreaterThan(1_000);
        }
    }

    private static void run(
            List<Step> steps, int stripes, Durability durability, UnaryOperator<CairnStore> flaw)
            throws IOException {
        Path memory = Path.of("/dev/shm");
        Path directory =
                Files.isWritable(memory)
                        ? Files.createTempDirectory(memory, "cairn-cache")
                        : Files.createTempDirectory("cairn-cache");
        Options options = CacheModel.quiet(BOUND).withStripes(stripes).withDurability(durability);
        try (CacheModel cache = new CacheModel(directory.resolve("cache"), options, flaw)) {
            for (Step step : steps) {
                step.run(cache);
                cache.assertBounded();
            }
            cache.check();
            WRITES.addAndGet(cache.writes());
            GONE.addAndGet(cache.gone());
        } finally {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path each : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
    }

    @Provide
    Arbitrary<Integer> stripes() {
        return Arbitraries.of(1, 2, 64);
    }

    @Provide
    Arbitrary<List<Step>> steps() {
        Arbitrary<Kind> kinds =
                Arbitraries.frequencyOf(
                        Tuple.of(1, Arbitraries.of(Kind.values())),
                        Tuple.of(1, Arbitraries.of(ADDING)));
        Arbitrary<Integer> keys =
                Arbitraries.integers()
                        .between(0, KEYS - 1)
                        .withDistribution(RandomDistribution.uniform());
        Arbitrary<Integer> sizes =
                Arbitraries.frequencyOf(
                        Tuple.of(2, Arbitraries.just(0)),
                        Tuple.of(8, Arbitraries.integers().between(1, 100)),
                        Tuple.of(8, Arbitraries.integers().between(100, 3_000)),
                        Tuple.of(1, Arbitraries.integers().between(3_000, 9_000)));
        return Combinators.combine(kinds, keys, sizes, Arbitraries.of(0, 0, 0, 1, -1, 1000))
                .as(Step::new)
                .list()
                .ofMinSize(1)
                .ofMaxSize(80)
                .withSizeDistribution(RandomDistribution.uniform());
    }

    /** A flaw of a store. It sees each call with its result and gives another result. */
    private interface Flaw {
        @Nullable Object result(String method, Object @Nullable [] args, @Nullable Object right);
    }

    /** Gives an older value of a key whenever the newest is asked for. */
    private static Flaw resurrecting() {
        Map<ByteBuffer, byte[]> first = new HashMap<>();
        return (method, args, right) -> {
            if (method.equals("put") && args != null) {
                first.putIfAbsent(ByteBuffer.wrap((byte[]) args[0]), (byte[]) args[1]);
            }
            return method.equals("get") && right != null && args != null
                    ? first.getOrDefault(ByteBuffer.wrap((byte[]) args[0]), (byte[]) right)
                    : right;
        };
    }

    /** Gives once more what was removed or has gone. */
    private static Flaw forgettingRemoval() {
        Map<ByteBuffer, Versioned> seen = new HashMap<>();
        return (method, args, right) -> {
            if (!method.equals("getVersioned") || args == null) {
                return right;
            }
            ByteBuffer key = ByteBuffer.wrap((byte[]) args[0]);
            if (right != null) {
                seen.put(key, (Versioned) right);
            }
            return right == null ? seen.get(key) : right;
        };
    }

    @Example
    void everyFlawIsNoticed() throws IOException {
        assertThat(isNoticed(resurrecting())).isTrue();
        assertThat(isNoticed(forgettingRemoval())).isTrue();
        assertThat(
                        isNoticed((method, _, right) ->
                                method.equals("size") ? (long) right + 1 : right))
                .as("whether it is noticed that gone entries are still counted")
                .isTrue();
        assertThat(
                        isNoticed((method, _, right) ->
                                method.equals("putIfAbsent") ? Long.valueOf(0) : right))
                .as("whether it is noticed that gone entries are taken for present")
                .isTrue();
        assertThat(isNoticed((method, _, right) -> method.equals("put") ? Long.valueOf(1) : right))
                .as("whether it is noticed that versions do not grow")
                .isTrue();
        assertThat(isNoticed((_, _, right) -> right))
                .as("whether a flaw is noticed where there is none")
                .isFalse();
    }

    private boolean isNoticed(Flaw flaw) throws IOException {
        var generator = steps().generator(1000);
        Random random = new Random(1);
        for (int i = 0; i < 12; i++) {
            try {
                run(generator.next(random).value(), 1, Durability.NONE, store -> with(flaw, store));
            } catch (AssertionError _) {
                return true;
            }
        }
        return false;
    }

    private static CairnStore with(Flaw flaw, CairnStore store) {
        return (CairnStore)
                Proxy.newProxyInstance(
                        CairnStore.class.getClassLoader(),
                        new Class<?>[] {CairnStore.class},
                        (_, called, args) -> {
                            try {
                                return flaw.result(
                                        called.getName(), args, called.invoke(store, args));
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }
}
