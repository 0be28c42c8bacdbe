package dev.cairn.lincheck;

import static dev.cairn.lincheck.Linchecks.assertCaught;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.benmanes.caffeine.cache.Caffeine;

import dev.cairn.Cairn;
import dev.cairn.CairnMap;
import dev.cairn.Durability;
import dev.cairn.MapBuilder;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.codec.Codec;
import dev.cairn.codec.Codecs;
import dev.cairn.codec.Input;
import dev.cairn.codec.Output;
import dev.cairn.engine.ConfirmedEntry;
import dev.cairn.engine.StoreHandle;
import dev.cairn.os.Steps;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Attacks the promise that the operations of a map are linearizable, also those that a near cache
 * answers. The canary is a near cache that need not confirm.
 */
@Tag("lincheck")
class MapLincheckTest {
    /** At the beginning key 1 has the value 1, key 2 is absent, and the near cache knows both. */
    private static final List<List<String>> SCENARIOS =
            List.of(
                    List.of("get 1; get 1", "writeElsewhere 1 2; writeElsewhere 1 3"),
                    List.of("get 1; get 1", "remove 1; put 1 2"),
                    List.of("get 2; get 2", "put 2 1; remove 2"),
                    List.of("put 2 2; get 1", "put 1 3; get 2"),
                    List.of("replace 1 1 2; get 1", "replace 1 1 3; get 1"),
                    List.of("merge 1 1; get 1", "merge 1 2"),
                    List.of("putIfAbsent 2 2", "computeIfAbsent 2 3"),
                    List.of("computeIfAbsent 2 2; get 2", "computeIfAbsent 2 3; remove 2"));

    private static final List<List<String>> READING = SCENARIOS.subList(0, 2);
    private static final List<List<String>> COHERENCE = SCENARIOS.subList(0, 5);

    /** Three records fill a region, and the next write folds it. */
    private static final int FOLDING_BYTES = SmallScale.REGION_BYTES / 4;

    private static CairnMap<Integer, Integer> map;
    private static Codec<Integer> values = Codecs.int32();

    private final SmallScale scale = new SmallScale();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @AfterEach
    void close() {
        map.close();
        values = Codecs.int32();
        scale.close();
        Steps.listen(null);
    }

    @Test
    void modelCheckerFindsAnOrderForEveryInterleaving() {
        open(builder());
        modelChecking(SCENARIOS).check(Operations.class);
    }

    @Test
    void modelCheckerFindsAnOrderForEveryInterleavingWithANearCache() {
        open(nearCached(builder()).cacheAbsence());
        modelChecking(COHERENCE).check(Operations.class);
    }

    @Test
    void modelCheckerFindsAnOrderWithANearCacheWhileRegionsAreFolded() {
        values = new Padded();
        open(nearCached(builder()));
        modelChecking(READING).check(Operations.class);
    }

    /**
     * RULE 29: while a read looks at the two words, the place of its entry is used again, for a
     * later version. If the words were loaded in the other order, this test would fail.
     */
    @Test
    void modelCheckerFindsNoStaleValueWhenAPlaceIsUsedAgain() {
        values = new Padded();
        open(nearCached(builder(Linchecks.FIVE_REGIONS_BYTES)));
        String writes = "; writeElsewhere 1 3".repeat(writesUntilTheSamePlace() - 1).substring(2);
        Linchecks.modelCheckingOneWriter()
                .iterations(0)
                .addCustomScenario(
                        Linchecks.scenario(
                                Aligned.class,
                                "writeElsewhere 1 2",
                                List.of("get 1", writes),
                                "get 1"))
                .sequentialSpecification(Model.class)
                .check(Aligned.class);
    }

    private static int writesUntilTheSamePlace() {
        Aligned writer = new Aligned();
        long place = writer.confirmedEntry().slot();
        int writes = 0;
        do {
            assertThat(++writes).isLessThan(100);
            writer.writeElsewhere(1, 1);
        } while (writer.confirmedEntry().slot() != place);
        return writes;
    }

    /** The canary: a near cache that need not confirm what it returns. */
    @Test
    void modelCheckerCatchesAStaleNearCache() {
        open(nearCached(builder()).boundedStaleness(Duration.ofDays(1)));
        assertCaught(modelChecking(READING), Operations.class, "writeElsewhere(1, 2): void");
    }

    @Test
    void stressFindsAnOrderForEveryRun() {
        open(builder());
        stress();
    }

    @Test
    void stressFindsAnOrderForEveryRunWithANearCache() {
        open(nearCached(builder()).cacheAbsence());
        stress();
    }

    private static void stress() {
        Linchecks.stress()
                .iterations(5)
                .threads(3)
                .actorsPerThread(3)
                .invocationsPerIteration(1000)
                .sequentialSpecification(Model.class)
                .check(Operations.class);
    }

    private static ModelCheckingOptions modelChecking(List<List<String>> scenarios) {
        return Linchecks.modelChecking(Operations.class, scenarios, "get 1; get 2")
                .sequentialSpecification(Model.class);
    }

    private static MapBuilder<Integer, Integer> builder() {
        return builder(0);
    }

    private static MapBuilder<Integer, Integer> builder(long maxBytes) {
        return Cairn.map(Codecs.int32(), values)
                .options(
                        Options.defaults()
                                .withStripes(1)
                                .withMaxBytes(maxBytes)
                                .withDurability(Durability.NONE)
                                .withLockTimeout(Linchecks.PATIENCE));
    }

    /** Adds a near cache without threads of its own. */
    private static MapBuilder<Integer, Integer> nearCached(MapBuilder<Integer, Integer> builder) {
        return builder.nearCache(Caffeine.newBuilder().executor(Runnable::run));
    }

    /**
     * Opens and warms up. Then the file has grown and each key has its bucket, so that all runs do
     * the same.
     */
    private void open(MapBuilder<Integer, Integer> builder) {
        Steps.listen(new Linchecks.CountedTime());
        map = builder.open(directory.resolve("map.cairn"));
        for (int i = 0; i < 100; i++) {
            new Operations();
        }
    }

    @Param(name = "key", gen = IntGen.class, conf = "1:2")
    @Param(name = "value", gen = IntGen.class, conf = "1:3")
    public static class Operations {
        final CairnMap<Integer, Integer> shared = map;

        public Operations() {
            Integer _ = shared.put(2, 1);
            Integer _ = shared.remove(2);
            Integer _ = shared.put(1, 1);
            Integer _ = shared.get(1);
            Integer _ = shared.get(2);
        }

        @Operation
        public @Nullable Integer get(@Param(name = "key") int key) {
            return shared.get(key);
        }

        @Operation
        public @Nullable Integer put(
                @Param(name = "key") int key, @Param(name = "value") int value) {
            return shared.put(key, value);
        }

        /** Writes as another process does. */
        @Operation
        public void writeElsewhere(@Param(name = "key") int key, @Param(name = "value") int value) {
            long _ = shared.store().put(encoded(key, Codecs.int32()), encoded(value, values));
        }

        static byte[] encoded(int number, Codec<Integer> codec) {
            Output out = new Output();
            codec.encode(number, out);
            return out.toBytes();
        }

        @Operation
        public @Nullable Integer remove(@Param(name = "key") int key) {
            return shared.remove(key);
        }

        @Operation
        public @Nullable Integer putIfAbsent(
                @Param(name = "key") int key, @Param(name = "value") int value) {
            return shared.putIfAbsent(key, value);
        }

        @Operation
        public boolean replace(
                @Param(name = "key") int key,
                @Param(name = "value") int old,
                @Param(name = "value") int value) {
            return shared.replace(key, old, value);
        }

        @Operation
        public @Nullable Integer merge(
                @Param(name = "key") int key, @Param(name = "value") int value) {
            return shared.merge(key, value, Integer::sum);
        }

        @Operation
        public @Nullable Integer computeIfAbsent(
                @Param(name = "key") int key, @Param(name = "value") int value) {
            return shared.computeIfAbsent(key, _ -> value);
        }
    }

    /** The entry is the first of a region, so that the next write changes the slot word alone. */
    public static class Aligned extends Operations {
        public Aligned() {
            long table = confirmedEntry().table();
            while (confirmedEntry().table() == table) {
                writeElsewhere(1, 1);
            }
            Integer _ = get(1);
        }

        ConfirmedEntry confirmedEntry() {
            StoreHandle store = (StoreHandle) shared.store();
            return Objects.requireNonNull(store.look(encoded(1, Codecs.int32()), 0));
        }
    }

    public static class Model {
        private final ConcurrentMap<Integer, Integer> model = new ConcurrentHashMap<>();

        public Model() {
            model.put(1, 1);
        }

        public @Nullable Integer get(int key) {
            return model.get(key);
        }

        public @Nullable Integer put(int key, int value) {
            return model.put(key, value);
        }

        public void writeElsewhere(int key, int value) {
            Integer _ = model.put(key, value);
        }

        public @Nullable Integer remove(int key) {
            return model.remove(key);
        }

        public @Nullable Integer putIfAbsent(int key, int value) {
            return model.putIfAbsent(key, value);
        }

        public boolean replace(int key, int old, int value) {
            return model.replace(key, old, value);
        }

        public @Nullable Integer merge(int key, int value) {
            return model.merge(key, value, Integer::sum);
        }

        public @Nullable Integer computeIfAbsent(int key, int value) {
            return model.computeIfAbsent(key, _ -> value);
        }
    }

    /** Makes records so large that few fill a region. */
    private static final class Padded implements Codec<Integer> {
        @Override
        public void encode(Integer value, Output out) {
            out.int32(value);
            out.write(new byte[FOLDING_BYTES]);
        }

        @Override
        public Integer decode(Input in) {
            int value = in.int32();
            byte[] _ = in.bytes(FOLDING_BYTES);
            return value;
        }
    }
}
