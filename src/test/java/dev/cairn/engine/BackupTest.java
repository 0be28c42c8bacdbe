package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Seed;
import dev.cairn.StoreClosed;
import dev.cairn.index.Mapped;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** Attacks backups: what they take of their process, what they copy, and how they end. */
class BackupTest {
    private static final int ENTRIES = 20_000;
    private static final int ROUNDS = 12;
    private static final Options MANUAL = Options.defaults().withManualCheckpoints();

    @TempDir Path directory;
    private Path file;
    private Path target;

    @BeforeEach
    void nameFiles() {
        file = directory.resolve("store");
        target = directory.resolve("backup");
    }

    private void fill(int entries) {
        try (CairnStore store = Cairn.open(file, MANUAL)) {
            for (int i = 0; i < entries; i++) {
                store.put(Content.key(i), Content.value(i, 0, 100));
            }
        }
    }

    @Test
    void anInterruptDoesNotEndIt() {
        fill(ENTRIES);
        for (boolean readOnly : new boolean[] {false, true}) {
            Path copy = directory.resolve("copy" + readOnly);
            try (CairnStore store = Cairn.open(file, MANUAL.withReadOnly(readOnly))) {
                Thread.currentThread().interrupt();
                long _ = store.backup(copy);
                assertThat(Thread.interrupted()).isTrue();
            }
            requireWhole(copy, ENTRIES);
        }
    }

    /**
     * The close comes at any time of a backup. The backup must return with a target, or throw and
     * leave none.
     */
    @Test
    void closingEndsItWithOneAnswer() throws Exception {
        fill(ENTRIES);
        Random random = Seed.random(getClass());
        int ended = 0;
        for (int round = 0; round < ROUNDS; round++) {
            CairnStore store = Cairn.open(file, MANUAL);
            AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
            Thread backup =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    long _ = store.backup(target);
                                } catch (Throwable e) {
                                    thrown.set(e);
                                }
                            });
            LockSupport.parkNanos(random.nextInt(30_000_000));
            store.close();
            backup.join();
            assertThat(leftovers()).isZero();
            if (thrown.get() == null) {
                requireWhole(target, ENTRIES);
                remove(target);
            } else {
                ended++;
                assertThat(thrown.get()).isInstanceOf(StoreClosed.class);
                assertThat(target).doesNotExist();
            }
        }
        System.out.printf("%d of %d backups were ended by the close%n", ended, ROUNDS);
        try (CairnStore store = Cairn.open(file, MANUAL)) { // trying again works
            long _ = store.backup(target);
        }
        requireWhole(target, ENTRIES);
    }

    @Test
    void withoutLargeValuesItNeedsNoMemoryForEntries() throws IOException {
        fill(ENTRIES);
        StoreFiles files = StoreFiles.of(file);
        OpenFile opened = OpenFile.open(files.data(), false); // closed with the log
        DataFiles.Prefix prefix = DataFiles.read(opened);
        Mapped log =
                PrivateReplay.logOf(
                        files, mapped(opened, prefix), prefix.header(), prefix.newest());
        try {
            assertThat(log.shared().file().segment().byteSize()).isLessThan(256 << 10);
        } finally {
            log.close();
        }
    }

    @Test
    void aSnapshotTakesAboutTheMemoryOfItsIndex() throws IOException {
        fill(10 * ENTRIES);
        long shared = Files.size(Path.of(file + "-shm"));
        Files.delete(Path.of(file + "-shm"));
        try (CairnStore store = Cairn.open(file, MANUAL.withReadOnly(true))) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.SNAPSHOT);
            assertThat(store.size()).isEqualTo(10 * ENTRIES);
            assertThat(store.stats().sharedMemoryFileBytes()).isLessThan(shared * 5 / 4);
        }
    }

    /** Of each key with a large value or a large key, only the newest run may be in the copy. */
    @Test
    void itCopiesTheRunsThatCount() {
        Map<ByteBuffer, byte[]> expected = new HashMap<>();
        Random random = Seed.random(getClass());
        try (CairnStore store = Cairn.open(file, MANUAL.withStripes(2))) {
            for (int i = 0; i < 600; i++) {
                byte[] key = Content.key(random.nextInt(40), random.nextInt(8) == 0 ? 30_000 : 9);
                byte[] value = Content.value(i, 0, random.nextInt(3) == 0 ? 150_000 : 10);
                if (random.nextInt(4) == 0) {
                    long _ = store.remove(key);
                    expected.remove(ByteBuffer.wrap(key));
                } else {
                    store.put(key, value);
                    expected.put(ByteBuffer.wrap(key), value);
                }
                if (random.nextInt(50) == 0) {
                    long _ = store.checkpoint();
                }
            }
            long _ = store.checkpoint();
            long _ = store.backup(target);
        }
        Map<ByteBuffer, byte[]> found = new HashMap<>();
        try (CairnStore copy = Cairn.open(target, MANUAL)) {
            copy.forEach((key, value) -> found.put(ByteBuffer.wrap(key), value));
            assertThat(copy.verify().damages()).isEmpty();
        }
        assertThat(found).containsExactlyInAnyOrderEntriesOf(expected);
    }

    @Test
    void itRefusesADamagedLargeValue() throws IOException {
        byte[] value = Content.value(1, 0, 300_000);
        try (CairnStore store = Cairn.open(file, MANUAL)) {
            store.put(Content.key(1), value);
        }
        byte[] bytes = Files.readAllBytes(file);
        int at = indexOf(bytes, value, 200_000);
        bytes[at] ^= 1;
        Files.write(file, bytes);
        try (CairnStore store = Cairn.open(file, MANUAL)) {
            assertThatThrownBy(() -> store.get(Content.key(1)))
                    .isInstanceOfSatisfying(
                            CorruptStore.class, e -> assertThat(e.wayOut()).isEmpty());
            assertThatThrownBy(() -> store.backup(target))
                    .hasMessageContaining("cairn salvage")
                    .isInstanceOfSatisfying(
                            CorruptStore.class, e -> assertThat(e.wayOut()).isPresent());
        }
        assertThat(leftovers()).isZero();
        assertThat(target).doesNotExist();
    }

    private static int indexOf(byte[] bytes, byte[] part, int from) {
        for (int at = 0; ; at++) {
            if (ByteBuffer.wrap(bytes, at, 64).equals(ByteBuffer.wrap(part, from, 64))) {
                return at;
            }
        }
    }

    private long leftovers() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(each -> each.getFileName().toString().startsWith(".")).count();
        }
    }

    private static void requireWhole(Path copy, int entries) {
        try (CairnStore store = Cairn.open(copy, MANUAL)) {
            assertThat(store.size()).isEqualTo(entries);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    private static void remove(Path store) throws IOException {
        for (String suffix : new String[] {"", "-shm", "-lock"}) {
            Files.delete(Path.of(store + suffix));
        }
    }

    private static MappedFile mapped(OpenFile file, DataFiles.Prefix prefix) throws IOException {
        return MappedFile.map(file, prefix.header().regionAt(prefix.newest().regions()));
    }
}
