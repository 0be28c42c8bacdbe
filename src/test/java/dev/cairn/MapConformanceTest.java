package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.google.common.collect.testing.ConcurrentMapTestSuiteBuilder;
import com.google.common.collect.testing.TestStringMapGenerator;
import com.google.common.collect.testing.features.CollectionFeature;
import com.google.common.collect.testing.features.CollectionSize;
import com.google.common.collect.testing.features.MapFeature;
import com.google.common.collect.testing.testers.CollectionToStringTester;
import com.google.common.collect.testing.testers.MapToStringTester;

import dev.cairn.codec.Codecs;

import junit.framework.TestCase;
import junit.framework.TestSuite;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Attacks the contract of {@link ConcurrentMap}, views and iterators included, with Guava's own
 * suite. The canary is a map whose {@code putIfAbsent} overwrites.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MapConformanceTest {
    /** Guava-testlib 33.8.0 makes 932 tests of the features below. */
    private static final int LEAST_TESTS = 900;

    /** The most maps that a test of the suite has at the same time. */
    private static final int USED_AT_ONCE = 4;

    private final List<Pool> pools = new ArrayList<>();
    private int opened;

    @TempDir(factory = MemoryDirectory.class)
    static Path directory;

    @AfterAll
    void closeMaps() {
        pools.forEach(Pool::close);
    }

    @TestFactory
    Stream<DynamicTest> mapKeepsTheContract() {
        return conformance("map", stores(map -> map));
    }

    @TestFactory
    Stream<DynamicTest> mapWithANearCacheKeepsTheContract() {
        return conformance(
                "map with near cache",
                stores(map -> map.nearCache(Caffeine.newBuilder()).cacheAbsence()));
    }

    @TestFactory
    Stream<DynamicTest> mapWithANearCacheOfOneEntryKeepsTheContract() {
        return conformance(
                "map with near cache of one entry",
                stores(map -> map.nearCache(Caffeine.newBuilder().maximumSize(1))));
    }

    private Supplier<ConcurrentMap<String, String>> stores(
            UnaryOperator<MapBuilder<String, String>> design) {
        Options options = Options.defaults().withStripes(2).withDurability(Durability.NONE);
        MapBuilder<String, String> builder =
                design.apply(Cairn.map(Codecs.utf8(), Codecs.utf8()).options(options));
        return () -> builder.open(directory.resolve("map" + ++opened + ".cairn"));
    }

    /** The canary. */
    @Test
    void mapWhosePutIfAbsentOverwritesIsCaught() {
        Supplier<ConcurrentMap<String, String>> broken =
                () ->
                        new ConcurrentHashMap<>() {
                            @Override
                            public String putIfAbsent(String key, String value) {
                                return put(key, value);
                            }
                        };
        List<String> failed = new ArrayList<>();
        conformance("broken", broken)
                .forEach(test -> {
                    try {
                        test.getExecutable().execute();
                    } catch (Throwable _) {
                        failed.add(test.getDisplayName());
                    }
                });
        assertThat(failed).anyMatch(name -> name.startsWith("ConcurrentMapPutIfAbsentTester."));
    }

    private Stream<DynamicTest> conformance(
            String name, Supplier<ConcurrentMap<String, String>> opener) {
        Pool pool = new Pool(opener);
        pools.add(pool);
        List<TestCase> tests =
                leaves(suite(name, pool)).filter(test -> !wantsAllAsText(test)).toList();
        assertThat(tests).hasSizeGreaterThan(LEAST_TESTS);
        return tests.stream().map(MapConformanceTest::dynamic);
    }

    private static TestSuite suite(String name, Pool pool) {
        return ConcurrentMapTestSuiteBuilder.using(pool)
                .named(name)
                .withFeatures(
                        MapFeature.GENERAL_PURPOSE,
                        CollectionFeature.SUPPORTS_ITERATOR_REMOVE,
                        CollectionSize.ANY)
                .createTestSuite();
    }

    /**
     * Logging a map must not read the store, so its text differs from what the suite wants. That
     * there is a text is tested.
     */
    private static boolean wantsAllAsText(TestCase test) {
        return (test instanceof MapToStringTester || test instanceof CollectionToStringTester)
                && !test.getName().startsWith("testToString_minimal");
    }

    private static Stream<TestCase> leaves(TestSuite suite) {
        return Collections.list(suite.tests()).stream()
                .flatMap(test ->
                        test instanceof TestSuite inner
                                ? leaves(inner)
                                : Stream.of((TestCase) test));
    }

    private static DynamicTest dynamic(TestCase test) {
        String name = test.getClass().getSimpleName() + "." + test.getName();
        return dynamicTest(
                name,
                () -> {
                    try {
                        test.runBare();
                    } catch (AssertionError e) {
                        throw new AssertionError(name + ": " + e.getMessage(), e);
                    }
                });
    }

    /** Makes maps of a few stores in turn, since opening a store costs more than a test. */
    private static final class Pool extends TestStringMapGenerator implements AutoCloseable {
        private final Deque<ConcurrentMap<String, String>> maps = new ArrayDeque<>();

        Pool(Supplier<ConcurrentMap<String, String>> opener) {
            for (int i = 0; i < USED_AT_ONCE; i++) {
                maps.add(opener.get());
            }
        }

        @Override
        protected Map<String, String> create(Map.Entry<String, String>[] entries) {
            ConcurrentMap<String, String> map = maps.remove();
            maps.add(map);
            map.clear();
            for (Map.Entry<String, String> entry : entries) {
                map.put(entry.getKey(), entry.getValue());
            }
            return map;
        }

        @Override
        public void close() {
            for (ConcurrentMap<String, String> map : maps) {
                if (map instanceof CairnMap<String, String> store) {
                    store.close();
                }
            }
        }
    }
}
