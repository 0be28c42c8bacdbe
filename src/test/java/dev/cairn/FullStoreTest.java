package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Attacks the promise that a full store can be emptied, overwritten and filled again, however small
 * the disk and however many stripes share it. A disk of a given size is a medium that refuses
 * blocks beyond it. Real disks are mounted where that is allowed.
 */
class FullStoreTest {
    private static final int REGION_BYTES = 1 << 16;

    /**
     * How often a write to a full store is tried again. Each time the test first does what the
     * refusal asks for.
     */
    private static final int MOST_TRIES = 40;

    private static final int OVERWRITTEN = 100;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final Random random = Seed.random(FullStoreTest.class);

    @AfterEach
    void usualMedium() {
        Medium.use(Medium.SYSTEM);
    }

    /** A disk that has room for a data file of a given size only. */
    private record SmallDisk(long dataBytes) implements Medium {
        @Override
        public void force(MappedFile file, long from, long to) throws IOException {
            Medium.SYSTEM.force(file, from, to);
        }

        @Override
        public void reserving(Path file, long from, long to) throws IOException {
            if (to > dataBytes && file.toString().endsWith(".cairn")) {
                throw new IOException(file + ": No space left on device");
            }
        }
    }

    /**
     * The numbers are the stripes, the regions that the disk has room for, and the bytes of a
     * value.
     */
    @ParameterizedTest(name = "{0} stripes, {1} regions, values of {2}")
    @CsvSource({
        "1, 5, 100",
        "1, 8, 1000",
        "1, 12, 20000",
        "4, 8, 100",
        "4, 13, 1000",
        "4, 20, 20000",
        "64, 68, 100",
        "64, 80, 1000",
        "64, 150, 1000",
        "64, 90, 20000",
        "64, 290, 20000",
    })
    void aFullDiskCanBeEmptiedAndOverwritten(int stripes, int regions, int valueBytes) {
        Medium.use(new SmallDisk((regions + 1L) * REGION_BYTES));
        Options options = Options.defaults().withStripes(stripes);
        goRound(directory.resolve("background.cairn"), options, valueBytes);
        goRound(directory.resolve("manual.cairn"), options.withManualCheckpoints(), valueBytes);
    }

    @ParameterizedTest(name = "{0} stripes, {1} regions, values of {2}")
    @CsvSource({"1, 4, 100", "1, 5, 1000", "4, 10, 100", "64, 130, 1000"})
    void aStoreAtItsBoundCanBeEmptiedAndOverwritten(int stripes, int regions, int valueBytes) {
        Options options =
                Options.defaults().withStripes(stripes).withMaxBytes((regions + 1L) * REGION_BYTES);
        goRound(directory.resolve("background.cairn"), options, valueBytes);
        goRound(directory.resolve("manual.cairn"), options.withManualCheckpoints(), valueBytes);
    }

    /** A cache is limited by the disk, however large its bound is. */
    @ParameterizedTest(name = "{0} stripes, {1} regions, values of {2}, {3}")
    @CsvSource({
        "1, 20, 100, NONE",
        "1, 40, 1000, CHECKPOINT",
        "4, 20, 100, CHECKPOINT",
        "4, 60, 20000, NONE",
        "64, 100, 1000, NONE",
        "64, 100, 1000, CHECKPOINT",
    })
    void aCacheEvictsWhereTheDiskIsFull(
            int stripes, int regions, int valueBytes, Durability durability) {
        Medium.use(new SmallDisk((regions + 1L) * REGION_BYTES));
        Options options =
                Options.defaults()
                        .withStripes(stripes)
                        .withMaxBytes(256L << 20)
                        .withEviction(true)
                        .withDurability(durability);
        try (CairnStore store = Cairn.open(directory.resolve("cache.cairn"), options)) {
            for (int key = 0; key < 20 * regions; key++) {
                store.put(Content.key(key), Content.value(key, 0, valueBytes));
                assertThat(store.get(Content.key(key)))
                        .isEqualTo(Content.value(key, 0, valueBytes));
            }
            for (int key = 0; key < 20_000_000 / valueBytes; key++) {
                store.put(Content.key(key), Content.value(key, 1, valueBytes));
            }
            assertThat(store.stats().evictions()).isPositive();
            assertThat(store.stats().regions()).isLessThanOrEqualTo(regions + 1L);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"6m", "10m", "20m"})
    void aFullDiskCanBeEmptiedAndOverwritten(String size) throws IOException {
        Path disk = Files.createDirectory(directory.resolve("disk"));
        for (int valueBytes : new int[] {100, 1000, 20_000}) {
            try (Mount mount = Mount.memory(disk, size)) {
                goRound(mount.directory().resolve("a.cairn"), Options.defaults(), valueBytes);
            }
            try (Mount mount = Mount.memory(disk, size)) {
                Options manual = Options.defaults().withManualCheckpoints();
                goRound(mount.directory().resolve("a.cairn"), manual, valueBytes);
            }
        }
    }

    private void goRound(Path file, Options options, int valueBytes) {
        boolean manual = options.checkpointEvery() == null;
        List<Integer> keys = new ArrayList<>();
        int count;
        try (CairnStore store = Cairn.open(file, options)) {
            count = fill(store, valueBytes);
            for (int i = 0; i < count; i++) {
                keys.add(i);
            }
            Collections.shuffle(keys, random);
            for (int key : keys.subList(0, Math.min(count, OVERWRITTEN))) {
                again(store, manual, () -> store.put(key(key), value(key, 1, valueBytes)));
            }
        }
        try (CairnStore store = Cairn.open(file, options)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            assertThat(store.size()).isEqualTo(count);
            assertThat(store.verify().damages()).isEmpty();
            for (int n = 0; n < count; n++) {
                byte[] expected = value(keys.get(n), n < OVERWRITTEN ? 1 : 0, valueBytes);
                assertThat(store.get(key(keys.get(n)))).isEqualTo(expected);
            }
            for (int key : keys) {
                again(store, manual, () -> assertThat(store.remove(key(key))).isPositive());
            }
            assertThat(store.size()).isZero();
            for (int i = 0; i < 3 * count / 4; i++) {
                int key = i;
                again(store, manual, () -> store.put(key(key), value(key, 2, valueBytes)));
            }
            assertThat(store.verify().damages()).isEmpty();
            assertThat(store.size()).isEqualTo(3 * count / 4);
        }
    }

    /** Puts entries until one is refused. Returns how many there are then. */
    private static int fill(CairnStore store, int valueBytes) {
        for (int i = 0; ; i++) {
            try {
                store.put(key(i), value(i, 0, valueBytes));
            } catch (StoreFull full) {
                assertThat(full).hasMessageContaining("remove entries");
                return i;
            }
        }
    }

    /**
     * With checkpoints in the background a write must not be refused. Without them, a refusal must
     * ask for a checkpoint.
     */
    private static void again(CairnStore store, boolean manual, Runnable write) {
        for (int tries = 1; ; tries++) {
            try {
                write.run();
                return;
            } catch (StoreFull full) {
                assertThat(manual).as(full.getMessage()).isTrue();
                assertThat(full).hasMessageContaining("a checkpoint would free");
                assertThat(tries).isLessThan(MOST_TRIES);
                store.checkpoint();
            }
        }
    }

    private static byte[] key(int i) {
        return Content.key(i);
    }

    private static byte[] value(int i, int sequence, int bytes) {
        return Content.value(i, sequence, bytes);
    }

    @Test
    void theLeastBoundThatIsAcceptedIsEnoughToOverwrite() {
        try (var _ = new SmallScale()) {
            for (Options options :
                    List.of(
                            Options.defaults(),
                            Options.defaults().withManualCheckpoints(),
                            Options.defaults().withDurability(Durability.NONE))) {
                Path file = directory.resolve("least" + options.hashCode() + ".cairn");
                overwriteAtTheLeast(file, options.withStripes(1));
            }
        }
    }

    private static void overwriteAtTheLeast(Path file, Options options) {
        long least = least(file, options);
        try (CairnStore store = Cairn.open(file, options.withMaxBytes(least))) {
            for (int n = 0; n < 3000; n++) {
                int sequence = n;
                again(
                        store,
                        options.checkpointEvery() == null,
                        () -> store.put(key(1), value(1, sequence, 16)));
            }
            assertThat(store.get(key(1))).isEqualTo(value(1, 2999, 16));
            assertThat(store.stats().dataFileBytes()).isLessThanOrEqualTo(least);
        }
    }

    /** The least bound, which the exception for a smaller one names. */
    private static long least(Path file, Options options) {
        try (CairnStore _ = Cairn.open(file, options.withMaxBytes(1))) {
            throw new AssertionError("a store of one byte was opened");
        } catch (IllegalArgumentException e) {
            return Long.parseLong(e.getMessage().replaceAll(".*must be (\\d+) at least", "$1"));
        }
    }

    @Test
    void aDiskThatIsTooSmallForAnyStoreIsToldAtTheFirstOpen() {
        Path file = directory.resolve("store.cairn");
        Medium.use(new SmallDisk(64L * REGION_BYTES));
        for (int attempt = 0; attempt < 2; attempt++) {
            assertThatThrownBy(() -> Cairn.open(file))
                    .isInstanceOf(StoreFull.class)
                    .hasMessageContaining(file.toString())
                    .hasMessageContaining("64 stripes")
                    .hasMessageContaining("fewer stripes");
        }
        try (CairnStore store =
                Cairn.open(directory.resolve("less.cairn"), Options.defaults().withStripes(32))) {
            store.put(key(1), value(1, 0, 10));
        }
        Medium.use(Medium.SYSTEM);
        try (CairnStore store = Cairn.open(file)) {
            store.put(key(1), value(1, 0, 10));
        }
    }

    /**
     * Blocks that were given back may be gone for good. So a compaction must keep those that
     * cleaning needs.
     */
    @Test
    void aStoreThatWasCompactedOnADiskThatIsFullNowCanBeEmptied() {
        Path file = directory.resolve("store.cairn");
        Options options = Options.defaults().withStripes(4);
        try (CairnStore store = Cairn.open(file, options)) {
            int count = 20_000;
            for (int i = 0; i < count; i++) {
                store.put(key(i), value(i, 0, 200));
            }
            for (int i = 0; i < count; i += 2) {
                store.remove(key(i));
            }
            try {
                store.compact();
            } catch (UnsupportedOperationException _) {
                return; // no native access: nothing was given back
            }
            Medium.use(new SmallDisk(0));
            for (int i = 1; i < count; i += 2) {
                assertThat(store.remove(key(i))).isPositive();
            }
            assertThat(store.size()).isZero();
        }
    }

    /** Puts entries until the store is full. Returns how many there are. */
    private static int fill(CairnStore store, String message) {
        int count = 0;
        try {
            while (true) {
                store.put(key(count), value(count, 0, 4000));
                count++;
            }
        } catch (StoreFull full) {
            assertThat(full).hasMessageContaining(message);
            return count;
        }
    }

    /** A large value must be refused too, though its record alone would fit into the tail. */
    @Test
    void aLargeValueDoesNotTakeTheLastRegions() {
        Options options = Options.defaults().withStripes(1).withMaxBytes(60L * REGION_BYTES);
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"), options)) {
            int count = fill(store, "remove entries");
            byte[] large = new byte[REGION_BYTES + REGION_BYTES / 2];
            assertThatThrownBy(() -> store.put(key(-1), large)).isInstanceOf(StoreFull.class);
            for (int i = 0; i < count; i++) {
                assertThat(store.remove(key(i))).isPositive();
            }
            assertThat(store.size()).isZero();
            store.put(key(-1), large);
        }
    }

    /** At the bound too, the message must say that it is not the bound that refuses. */
    @Test
    void aStoreAtItsBoundThatCannotFillItsHolesSaysWhy() {
        Options options = Options.defaults().withStripes(1).withMaxBytes(200L * REGION_BYTES);
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"), options)) {
            int count = fill(store, "may have");
            for (int i = 0; i < count; i++) {
                store.remove(key(i));
            }
            store.checkpoint();
            try {
                store.compact();
            } catch (UnsupportedOperationException _) {
                return; // no native access: nothing was given back
            }
            Medium.use(new SmallDisk(0));
            assertThatThrownBy(
                            () -> {
                                for (int i = 0; ; i++) {
                                    store.put(key(i), value(i, 0, 4000));
                                }
                            })
                    .isInstanceOf(StoreFull.class)
                    .hasMessageContaining("no space")
                    .hasCauseInstanceOf(IOException.class);
        }
    }

    /** Removals must never be refused, whatever others write at the same time. */
    @ParameterizedTest
    @CsvSource({"1, 8", "4, 13", "64, 70"})
    void manyThreadsFillAndEmptyAFullDisk(int stripes, int regions) throws Exception {
        Medium.use(new SmallDisk((regions + 1L) * REGION_BYTES));
        int threads = 4;
        int each = 1500;
        long seed = random.nextLong();
        Options options = Options.defaults().withStripes(stripes);
        try (CairnStore store = Cairn.open(directory.resolve("store.cairn"), options)) {
            LongAdder refused = new LongAdder();
            List<Future<?>> writers = new ArrayList<>();
            try (ExecutorService executor = Executors.newFixedThreadPool(threads)) {
                for (int t = 0; t < threads; t++) {
                    int first = t * each;
                    writers.add(executor.submit(() -> turnOver(store, first, each, seed, refused)));
                }
                for (Future<?> writer : writers) {
                    writer.get(60, TimeUnit.SECONDS);
                }
            }
            System.out.printf("%d stripes: %d puts refused%n", stripes, refused.sum());
            assertThat(refused.sum()).isPositive();
            assertThat(store.size()).isZero();
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /**
     * Puts and removes entries of its own, more than there is room for, and finally removes them
     * all.
     */
    private static void turnOver(
            CairnStore store, int first, int keys, long seed, LongAdder refused) {
        Random own = new Random(seed + first);
        boolean[] there = new boolean[keys];
        for (int n = 0; n < 4 * keys; n++) {
            int i = own.nextInt(keys);
            if (there[i] && n % 3 == 0) {
                assertThat(store.remove(key(first + i))).isPositive();
                there[i] = false;
            } else {
                try {
                    store.put(key(first + i), value(first + i, n, 4000));
                    there[i] = true;
                } catch (StoreFull _) {
                    refused.increment();
                }
            }
        }
        for (int i = 0; i < keys; i++) {
            assertThat(store.remove(key(first + i)) != 0).isEqualTo(there[i]);
        }
    }
}
