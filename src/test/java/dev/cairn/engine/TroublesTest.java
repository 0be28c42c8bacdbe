package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Content;
import dev.cairn.Heard;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.StoreFull;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks what the log says of troubles: each is told once until it is over, with the file before
 * it and the way out behind it.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TroublesTest {
    private static final int REGION_BYTES = 1 << 16;
    private static final Options MANUAL = Options.defaults().withStripes(1).withManualCheckpoints();

    @TempDir Path directory;

    private final Heard heard = new Heard();
    private int written;

    @AfterEach
    void usual() {
        Medium.use(Medium.SYSTEM);
        heard.close();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    /** A medium that fails while it is broken, and counts how often it was asked then. */
    private static final class Disk implements Medium {
        final AtomicInteger failures = new AtomicInteger();
        volatile boolean broken;
        volatile long dataBytes = Long.MAX_VALUE;

        @Override
        public void force(MappedFile file, long from, long to) throws IOException {
            if (broken) {
                failures.incrementAndGet();
                throw new IOException("the test's disk is broken");
            }
            Medium.SYSTEM.force(file, from, to);
        }

        @Override
        public void reserving(Path file, long from, long to) throws IOException {
            if (to > dataBytes && file.toString().endsWith(".cairn")) {
                throw new IOException(file + ": No space left on device");
            }
        }
    }

    private void put(CairnStore store) {
        store.put(Content.key(written), Content.value(written++, 0, 100));
    }

    @Test
    void checkpointsThatWereAskedForAndFailAreToldOnceUntilOneSucceeds() {
        Disk disk = new Disk();
        Medium.use(disk);
        try (CairnStore store = Cairn.open(file(), MANUAL)) {
            for (int time = 1; time <= 2; time++) {
                put(store);
                disk.broken = true;
                for (int i = 0; i < 5; i++) {
                    assertThatThrownBy(store::checkpoint).isInstanceOf(CheckpointFailed.class);
                    assertThatThrownBy(() -> put(store)).isInstanceOf(CheckpointFailed.class);
                }
                assertThatThrownBy(() -> store.checkpointAsync().join())
                        .hasCauseInstanceOf(CheckpointFailed.class);
                tick(store);
                assertThat(heard.lines()).hasSize(2 * time - 1);
                assertThat(heard.lines().getLast())
                        .startsWith("WARNING " + file() + ": a checkpoint failed")
                        .contains("the test's disk is broken", "; check the disk");
                disk.broken = false;
                store.checkpoint();
                put(store);
                store.checkpoint();
                assertThat(heard.lines()).hasSize(2 * time);
                assertThat(heard.lines().getLast())
                        .startsWith("INFO " + file() + ": a checkpoint succeeded");
            }
        }
    }

    @Test
    void checkpointsThatComeByThemselvesAndFailAreToldOnce() {
        Disk disk = new Disk();
        Medium.use(disk);
        Options often = Options.defaults().withStripes(1).withCheckpointEvery(Duration.ofMillis(5));
        try (CairnStore store = Cairn.open(file(), often)) {
            disk.broken = true;
            put(store);
            while (disk.failures.get() < 10) {
                LockSupport.parkNanos(1_000_000);
            }
            assertThat(heard.lines())
                    .singleElement()
                    .asString()
                    .startsWith("WARNING " + file() + ": a checkpoint failed");
            disk.broken = false;
            while (heard.lines().size() == 1) {
                LockSupport.parkNanos(1_000_000);
            }
            assertThat(heard.lines().getLast()).startsWith("INFO ");
        }
    }

    private static void tick(CairnStore store) {
        ((StoreHandle) store).engine().tick();
    }

    private void fill(CairnStore store) {
        assertThatThrownBy(
                        () -> {
                            while (true) {
                                put(store);
                            }
                        })
                .isInstanceOf(StoreFull.class);
    }

    @Test
    void aStoreAtItsBoundIsToldOnceUntilItHasRoom() {
        try (CairnStore store = Cairn.open(file(), MANUAL.withMaxBytes(40L * REGION_BYTES))) {
            fill(store);
            assertRefusalsAreToldOnce(store, "greater maxBytes");
            empty(store);
            fill(store);
            assertThat(heard.lines()).hasSize(2);
        }
    }

    @Test
    void aFullDiskIsToldOnceUntilTheFileHasGrown() {
        Disk disk = new Disk();
        disk.dataBytes = 40L * REGION_BYTES;
        Medium.use(disk);
        try (CairnStore store = Cairn.open(file(), MANUAL)) {
            fill(store);
            assertRefusalsAreToldOnce(store, "free space on the disk");
            disk.dataBytes *= 2;
            fill(store);
            assertThat(heard.lines()).hasSize(2);
        }
    }

    /** Requires one line only, even if entries go and others come now and then. */
    private void assertRefusalsAreToldOnce(CairnStore store, String wayOut) {
        for (int i = 0; i < 50; i++) {
            assertThat(store.remove(Content.key(i))).isPositive();
            fill(store);
            tick(store);
        }
        assertThat(heard.lines())
                .singleElement()
                .asString()
                .startsWith("WARNING " + file() + ": the store is full, and a write was refused: ")
                .contains(wayOut)
                .containsOnlyOnce(file().toString());
    }

    private void empty(CairnStore store) {
        for (int key = 0; key < written; key++) {
            store.remove(Content.key(key));
        }
        for (int i = 0; i < 3; i++) {
            store.checkpoint();
            tick(store);
        }
    }

    @Test
    void aStoreBroughtBackToACheckpointIsAWarningAndABackupIsNone() throws IOException {
        Path torn = directory.resolve("torn.cairn");
        Path backup = directory.resolve("backup.cairn");
        try (CairnStore store = Cairn.open(file(), MANUAL)) {
            put(store);
            store.checkpoint();
            put(store);
            store.backup(backup);
            Files.copy(file(), torn);
        }
        assertThat(heard.lines()).isEmpty();
        for (int time = 0; time < 2; time++) { // the second opening is a clean one
            try (CairnStore store = Cairn.open(torn, MANUAL);
                    CairnStore _ = Cairn.open(torn, MANUAL)) {
                assertThat(store.size()).isOne();
            }
            assertThat(heard.lines())
                    .singleElement()
                    .asString()
                    .startsWith("WARNING " + torn + ": rebuilt in ")
                    .contains("; everything written after that checkpoint is lost; ");
        }
        try (CairnStore store = Cairn.open(backup, MANUAL)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REBUILT);
        }
        assertThat(heard.lines()).hasSize(2);
        assertThat(heard.lines().getLast())
                .startsWith("INFO " + backup + ": rebuilt in ")
                .contains("it is a backup");
    }
}
