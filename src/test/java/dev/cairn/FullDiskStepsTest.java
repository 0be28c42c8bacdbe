package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Attacks the promises about a full disk. The disk is full at each step at which a store takes
 * room, one step after the other: while it is created, while data, index and shared memory grow,
 * and in a backup, a compaction and a salvage. A refusal must name a file, nothing that was
 * acknowledged may be lost, and everything must go on once there is room.
 */
class FullDiskStepsTest {
    private static final int PAGE_BYTES = 4096;
    private static final int SMALL_KEYS = 1600;
    private static final int SMALL_BYTES = 16;
    private static final int LARGE_KEYS = 4;
    private static final int LARGE_BYTES = 30_000;
    private static final int MANY_INODES = 1000;
    private static final String LARGE_DISK = "64m";

    /** Tries one in so many sizes. The first differs from run to run. */
    private static final int STRIDE_PAGES = 8;

    private static final Options OPTIONS =
            Options.defaults().withStripes(1).withManualCheckpoints();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();
    private final Random random = Seed.random(FullDiskStepsTest.class);

    /** Which steps were refused, and how often. */
    private final Map<Step, Integer> refused = new TreeMap<>();

    @AfterEach
    void usualScaleAndMedium() {
        scale.close();
        Medium.use(Medium.SYSTEM);
    }

    private enum Step {
        CREATE,
        PUT,
        PUT_LARGE,
        OVERWRITE,
        REMOVE,
        CHECKPOINT,
        COMPACT,
        GROW_AGAIN,
        BACKUP,
        CLOSE,
        REOPEN,
        SALVAGE,
        OPEN_COPY
    }

    /** A medium that refuses from the n-th request on, until it is given room. */
    private static final class FullFrom implements Medium {
        private final long request;
        private volatile boolean large;
        private long asked;

        private FullFrom(long request) {
            this.request = request;
        }

        @Override
        public void force(MappedFile file, long from, long to) throws IOException {
            Medium.SYSTEM.force(file, from, to);
        }

        @Override
        public synchronized void reserving(Path file, long from, long to) throws IOException {
            if (asked++ >= request && !large) {
                throw new IOException("No space left on device");
            }
        }
    }

    @Test
    void theDiskMayBeFullFromEachRequestForRoomOn() throws IOException {
        long request = 0;
        FullFrom disk;
        do {
            disk = new FullFrom(request);
            Medium.use(disk);
            Path place = Files.createDirectory(directory.resolve("request" + request));
            FullFrom small = disk;
            new Journey(place, () -> small.large = true).go();
            Medium.use(Medium.SYSTEM);
            request++;
        } while (disk.asked >= request);
        System.out.printf("FullDiskStepsTest: %d requests, refused %s%n", request, refused);
        assertThat(refused.keySet())
                .contains(Step.CREATE, Step.PUT, Step.PUT_LARGE, Step.SALVAGE, Step.OPEN_COPY);
    }

    @Test
    void theDiskMayBeFullAtManySizes() throws IOException {
        sizes(1 + random.nextInt(STRIDE_PAGES), STRIDE_PAGES);
        assertThat(refused.keySet()).contains(Step.CREATE, Step.PUT, Step.PUT_LARGE, Step.BACKUP);
    }

    @Test
    @Tag("soak")
    void theDiskMayBeFullAtEachSize() throws IOException {
        sizes(1, 1);
        assertThat(refused.keySet())
                .containsAll(
                        EnumSet.of(
                                Step.CREATE, Step.PUT, Step.PUT_LARGE, Step.BACKUP, Step.SALVAGE));
    }

    /**
     * Tries disks of growing size, from one without room to the first that has room for everything.
     */
    private void sizes(int firstPages, int stride) throws IOException {
        Path place = Files.createDirectory(directory.resolve("disk"));
        int journeys = 0;
        boolean full = true;
        for (int pages = firstPages; full; pages += stride) {
            String size = Long.toString((long) pages * PAGE_BYTES);
            try (Mount mount = Mount.memory(place, size, MANY_INODES)) {
                full = new Journey(place, () -> mount.enlarge(LARGE_DISK, MANY_INODES)).go();
            }
            journeys++;
        }
        System.out.printf("FullDiskStepsTest: %d sizes, refused %s%n", journeys, refused);
    }

    @Test
    void theDiskMayHaveRoomForNoMoreFiles() throws IOException {
        Path place = Files.createDirectory(directory.resolve("disk"));
        boolean full = true;
        int inodes = 1;
        for (; full; inodes++) {
            try (Mount mount = Mount.memory(place, LARGE_DISK, inodes)) {
                full = new Journey(place, () -> mount.enlarge(LARGE_DISK, MANY_INODES)).go();
            }
        }
        System.out.printf("FullDiskStepsTest: %d inodes, refused %s%n", inodes, refused);
        assertThat(refused.keySet()).contains(Step.CREATE, Step.BACKUP, Step.SALVAGE);
    }

    /** The life of a store. Whenever it is refused room, it is given some. */
    private final class Journey {
        private final Path place;
        private final Runnable room;
        private final Map<Integer, byte[]> acknowledged = new HashMap<>();
        private boolean wasFull;
        private CairnStore store;

        private Journey(Path place, Runnable room) {
            this.place = place;
            this.room = room;
        }

        private Path file(String name) {
            return place.resolve(name);
        }

        /** Returns whether anything was refused. */
        private boolean go() throws IOException {
            try {
                live();
                return wasFull;
            } finally {
                close(); // the disk of a failed journey goes
            }
        }

        private void live() throws IOException {
            step(Step.CREATE, this::open);
            long shared = store.stats().sharedMemoryFileBytes();
            for (int key = 0; key < SMALL_KEYS; key++) {
                put(Step.PUT, key, 0, SMALL_BYTES);
            }
            assertThat(store.stats().sharedMemoryFileBytes())
                    .as("length of the shared memory, which must grow")
                    .isGreaterThan(shared);
            for (int key = 0; key < LARGE_KEYS; key++) {
                put(Step.PUT_LARGE, -1 - key, 0, LARGE_BYTES);
            }
            step(Step.CHECKPOINT, () -> store.checkpoint());
            for (int key = 0; key < SMALL_KEYS; key++) {
                put(Step.OVERWRITE, key, 1, SMALL_BYTES);
            }
            for (int key = 1; key < LARGE_KEYS; key++) {
                remove(-1 - key);
            }
            step(Step.COMPACT, this::compact);
            for (int key = 1; key < LARGE_KEYS; key++) {
                put(Step.GROW_AGAIN, -1 - key, 1, LARGE_BYTES);
            }
            step(Step.CHECKPOINT, () -> store.checkpoint());
            step(Step.BACKUP, () -> store.backup(file("backup.cairn")));
            step(Step.CLOSE, () -> store.close());
            step(Step.REOPEN, this::open);
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            requireNothingLost(store);
            store.close();
            step(Step.SALVAGE, () -> Cairn.salvage(file("store.cairn"), file("saved.cairn")));
            requireNoOtherFile();
            for (String copy : Set.of("backup.cairn", "saved.cairn")) {
                step(Step.OPEN_COPY, () -> store = Cairn.open(file(copy), OPTIONS));
                requireNothingLost(store);
                store.close();
            }
        }

        private void open() {
            store = Cairn.open(file("store.cairn"), OPTIONS);
        }

        private void close() {
            if (store != null) {
                store.close();
            }
        }

        private void compact() {
            try {
                store.compact();
            } catch (UnsupportedOperationException _) {
                // Without native access nothing is given back.
            }
        }

        private void put(Step step, int key, int sequence, int bytes) {
            byte[] value = Content.value(key, sequence, bytes);
            step(step, () -> store.put(Content.key(key), value));
            acknowledged.put(key, value);
        }

        private void remove(int key) {
            step(Step.REMOVE, () -> store.remove(Content.key(key)));
            acknowledged.remove(key);
        }

        private void step(Step step, Runnable work) {
            try {
                work.run();
                return;
            } catch (StoreFull | CheckpointFailed | UncheckedIOException e) {
                assertThat(e.getMessage())
                        .as("message of a refused %s: %s", step, e)
                        .contains(place.toString());
                assertThat(wasFull)
                        .as("whether %s was refused before and still is: %s", step, e)
                        .isFalse();
                wasFull = true;
                refused.merge(step, 1, Integer::sum);
            }
            if (step.compareTo(Step.PUT) >= 0 && step.compareTo(Step.BACKUP) <= 0) {
                requireNothingLost(store);
            }
            room.run();
            work.run();
        }

        private void requireNothingLost(CairnStore in) {
            assertThat(in.size()).isEqualTo(acknowledged.size());
            acknowledged.forEach((key, value) -> {
                if (!Arrays.equals(in.get(Content.key(key)), value)) {
                    throw new AssertionError("key " + key + " is not what was acknowledged");
                }
            });
            assertThat(in.verify().damages()).isEmpty();
        }

        /** Requires that nothing is left of what was refused. */
        private void requireNoOtherFile() throws IOException {
            try (Stream<Path> files = Files.list(place)) {
                assertThat(files.map(each -> each.getFileName().toString()))
                        .contains("store.cairn", "store.cairn-lock")
                        .allMatch(name -> name.matches("(store|backup|saved).cairn(-shm|-lock)?"));
            }
        }
    }
}
