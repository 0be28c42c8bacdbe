package dev.cairn.lincheck;

import static dev.cairn.lincheck.Linchecks.assertCaught;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Durability;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.Versioned;
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
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Attacks the promise that the operations of a store are linearizable. Its code runs under the
 * model checker, which interleaves every access to shared memory, and under stress. The canary is a
 * replace in two steps.
 */
@Tag("lincheck")
class StoreLincheckTest {
    /** Three records fill a region, and the next write folds it. */
    private static final int FOLDING_BYTES = SmallScale.REGION_BYTES / 4;

    /** At the beginning key 1 has the value 1 and key 2 is absent. */
    private static final List<List<String>> SCENARIOS =
            List.of(
                    List.of("replace 1 1 2", "replace 1 1 3"),
                    List.of("get 1; get 1", "put 1 2; put 1 3"),
                    List.of("get 1; get 1", "remove 1; put 1 2"),
                    List.of("get 1; get 2", "put 2 2; put 1 2"),
                    List.of("get 2; get 1", "remove 1; putIfAbsent 2 3"),
                    List.of("putIfAbsent 2 2", "putIfAbsent 2 3"),
                    List.of("remove 1; get 1", "replace 1 1 2"));

    private static final List<List<String>> READING = SCENARIOS.subList(1, 3);

    private static CairnStore store;
    private static int valueBytes;

    private final SmallScale scale = new SmallScale();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    /** Opens a store without checkpoints, so that dead regions are used again at once. */
    private void open(long maxBytes) {
        Options options =
                Options.defaults()
                        .withStripes(1)
                        .withMaxBytes(maxBytes)
                        .withDurability(Durability.NONE)
                        .withLockTimeout(Linchecks.PATIENCE);
        Steps.listen(new Linchecks.CountedTime());
        store = Cairn.open(directory.resolve("store.cairn"), options);
    }

    @AfterEach
    void close() {
        store.close();
        scale.close();
        Steps.listen(null);
    }

    @Test
    void modelCheckerFindsAnOrderForEveryInterleaving() {
        open(0);
        valueBytes = 1;
        warmUp();
        modelChecking(Operations.class, SCENARIOS).check(Operations.class);
    }

    @Test
    void modelCheckerFindsAnOrderWhileRegionsAreFolded() {
        open(0);
        valueBytes = FOLDING_BYTES;
        warmUp();
        modelChecking(Operations.class, READING).check(Operations.class);
    }

    /**
     * RULE 9: while a read is under way, another key's record comes to the place that it looks at.
     */
    @Test
    void modelCheckerFindsTheEntryWhoseOldPlaceIsUsedAgain() {
        open(Linchecks.FIVE_REGIONS_BYTES);
        valueBytes = FOLDING_BYTES;
        warmUp();
        String writes = "put 1 2" + "; put 2 3".repeat(15);
        Linchecks.modelCheckingOneWriter()
                .iterations(0)
                .addCustomScenario(
                        Linchecks.scenario(Operations.class, "", List.of("get 1", writes), "get 1"))
                .sequentialSpecification(Model.class)
                .check(Operations.class);
    }

    /** The canary: a replace that compares and then writes, in two steps. */
    @Test
    void modelCheckerCatchesAReplaceInTwoSteps() {
        open(0);
        valueBytes = 1;
        warmUp();
        assertCaught(
                modelChecking(Broken.class, SCENARIOS),
                Broken.class,
                "replace(1, 1, 2): true | replace(1, 1, 3): true");
    }

    @Test
    void stressFindsAnOrderForEveryRun() {
        open(0);
        valueBytes = 1;
        Linchecks.stress()
                .iterations(5)
                .threads(3)
                .actorsPerThread(3)
                .invocationsPerIteration(1000)
                .sequentialSpecification(Model.class)
                .check(Operations.class);
    }

    private static ModelCheckingOptions modelChecking(
            Class<?> subject, List<List<String>> scenarios) {
        return Linchecks.modelChecking(subject, scenarios, "get 1; get 2")
                .sequentialSpecification(Model.class);
    }

    /**
     * Warms up. Then the file has grown and each key has its bucket, so that from now on all runs
     * do the same.
     */
    private static void warmUp() {
        for (int i = 0; i < 100; i++) {
            new Operations();
        }
    }

    @Param(name = "key", gen = IntGen.class, conf = "1:2")
    @Param(name = "value", gen = IntGen.class, conf = "1:3")
    public static class Operations {
        final CairnStore shared = store;

        public Operations() {
            long _ = shared.put(key(2), value(1));
            long _ = shared.remove(key(2));
            long _ = shared.put(key(1), value(1));
        }

        @Operation
        public @Nullable Integer get(@Param(name = "key") int key) {
            byte[] value = shared.get(key(key));
            return value == null ? null : (int) value[value.length - 1];
        }

        @Operation
        public void put(@Param(name = "key") int key, @Param(name = "value") int value) {
            long _ = shared.put(key(key), value(value));
        }

        @Operation
        public boolean putIfAbsent(@Param(name = "key") int key, @Param(name = "value") int value) {
            return shared.putIfAbsent(key(key), value(value)) != 0;
        }

        @Operation
        public boolean remove(@Param(name = "key") int key) {
            return shared.remove(key(key)) != 0;
        }

        @Operation
        public boolean replace(
                @Param(name = "key") int key,
                @Param(name = "value") int old,
                @Param(name = "value") int value) {
            while (true) {
                Versioned seen = shared.getVersioned(key(key));
                if (seen == null || !Arrays.equals(seen.value(), value(old))) {
                    return false;
                }
                if (replace(key(key), seen.version(), value(value))) {
                    return true;
                }
            }
        }

        boolean replace(byte[] key, long version, byte[] value) {
            return shared.replace(key, version, value) != 0;
        }

        static byte[] key(int key) {
            return new byte[] {(byte) key};
        }

        private static byte[] value(int value) {
            byte[] bytes = new byte[valueBytes];
            Arrays.fill(bytes, (byte) value);
            return bytes;
        }
    }

    public static class Broken extends Operations {
        @Override
        boolean replace(byte[] key, long version, byte[] value) {
            return shared.put(key, value) > version;
        }
    }

    public static class Model {
        private final Map<Integer, Integer> map = new HashMap<>(Map.of(1, 1));

        public @Nullable Integer get(int key) {
            return map.get(key);
        }

        public void put(int key, int value) {
            map.put(key, value);
        }

        public boolean putIfAbsent(int key, int value) {
            return map.putIfAbsent(key, value) == null;
        }

        public boolean remove(int key) {
            return map.remove(key) != null;
        }

        public boolean replace(int key, int old, int value) {
            return map.replace(key, old, value);
        }
    }
}
