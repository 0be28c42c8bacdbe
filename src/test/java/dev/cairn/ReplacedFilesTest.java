package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * Attacks what a process is told whose files are renamed, removed or replaced. See ReplacedFilesIT
 * too.
 */
@Timeout(120)
class ReplacedFilesTest {
    /** The bytes of the file behind its last region may be as many as this. */
    private static final int REGION_BYTES = 1 << 16;

    private static final int ENTRIES = 200;
    private static final Options QUIET =
            Options.defaults().withStripes(2).withCheckpointEvery(Duration.ofDays(1));

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private Path beside(String suffix) {
        return directory.resolve("store.cairn" + suffix);
    }

    private static void put(CairnStore store, int from, int to) {
        for (int i = from; i < to; i++) {
            store.put(Content.key(i), Content.value(i, 1, 1000));
        }
    }

    private static void readsAll(CairnStore store, int entries) {
        assertThat(store.size()).isEqualTo(entries);
        for (int i = 0; i < entries; i++) {
            assertThat(store.get(Content.key(i))).isEqualTo(Content.value(i, 1, 1000));
        }
        assertThat(store.verify().damages()).isEmpty();
    }

    private static Stats.Naming naming(CairnStore store) {
        return store.stats().naming();
    }

    @Test
    void aCheckpointOfAFileWithoutANameIsNoDurability() throws IOException {
        CairnStore store = Cairn.open(file(), QUIET);
        put(store, 0, ENTRIES);
        long epoch = store.checkpoint();
        assertThat(naming(store)).isEqualTo(Stats.Naming.NAMED);
        for (String suffix : List.of("", "-shm", "-lock")) {
            Files.delete(beside(suffix));
        }
        assertThat(naming(store)).isEqualTo(Stats.Naming.REMOVED);
        put(store, 0, 5);
        assertThatThrownBy(store::checkpoint)
                .isInstanceOf(StoreReplaced.class)
                .hasMessageContainingAll(file().toString(), "removed or replaced", "backup");
        assertThatThrownBy(store::checkpoint) // although nothing is left to do
                .isInstanceOf(StoreReplaced.class);
        assertThatThrownBy(store::compact).isInstanceOf(StoreReplaced.class);
        assertThat(store.stats().durableEpoch())
                .isGreaterThan(epoch); // space is freed all the same
        readsAll(store, ENTRIES);
        Path saved = directory.resolve("saved.cairn");
        store.backup(saved);
        assertThatThrownBy(store::close).isInstanceOf(StoreReplaced.class);
        assertThatCode(store::close).doesNotThrowAnyException();
        assertThat(names()).containsExactly("saved.cairn");
        try (CairnStore backup = Cairn.open(saved)) {
            readsAll(backup, ENTRIES);
        }
    }

    private List<String> names() throws IOException {
        try (Stream<Path> names = Files.list(directory)) {
            return names.map(name -> name.getFileName().toString()).toList();
        }
    }

    @Test
    void eachDurableWriteToAFileWithoutANameIsRefused() throws IOException {
        CairnStore store = Cairn.open(file(), QUIET.withDurability(Durability.EACH_WRITE));
        put(store, 0, 1);
        Files.delete(file());
        assertThatThrownBy(() -> put(store, 1, 2)).isInstanceOf(StoreReplaced.class);
        assertThatThrownBy(store::close).isInstanceOf(StoreReplaced.class);
    }

    /** A backup is restored under a running process. From then on it is the store. */
    @Test
    void aBackupThatIsRenamedOverTheStoreStaysWhatItIs() throws IOException {
        Path backup = directory.resolve("backup.cairn");
        CairnStore store = Cairn.open(file(), QUIET);
        put(store, 0, ENTRIES);
        store.checkpoint();
        store.backup(backup);
        byte[] saved = Files.readAllBytes(backup);
        put(store, ENTRIES, ENTRIES + 5);
        Files.move(backup, file(), StandardCopyOption.REPLACE_EXISTING);
        assertThatThrownBy(() -> put(store, ENTRIES, 50 * ENTRIES))
                .isInstanceOf(StoreReplaced.class)
                .hasMessageContaining("removed or replaced");
        assertThatThrownBy(store::checkpoint).isInstanceOf(StoreReplaced.class);
        assertThatThrownBy(store::close).isInstanceOf(StoreReplaced.class);
        assertThat(Files.readAllBytes(file())).isEqualTo(saved);
        try (CairnStore restored = Cairn.open(file())) {
            assertThat(restored.recovery().kind()).isEqualTo(Recovery.Kind.REBUILT);
            readsAll(restored, ENTRIES);
        }
    }

    @Test
    void aStoreOfAnotherNameIsClosedAsAWhole() throws IOException {
        CairnStore store = Cairn.open(file(), QUIET);
        put(store, 0, ENTRIES);
        for (String suffix : List.of("", "-shm", "-lock")) {
            Files.move(beside(suffix), directory.resolve("moved.cairn" + suffix));
        }
        assertThat(naming(store)).isEqualTo(Stats.Naming.RENAMED);
        assertThatThrownBy(store::checkpoint)
                .isInstanceOf(StoreReplaced.class)
                .hasMessageContainingAll(file().toString(), "was renamed", "new name");
        assertThatThrownBy(store::close).isInstanceOf(StoreReplaced.class);
        assertThat(file()).doesNotExist();
        try (CairnStore moved = Cairn.open(directory.resolve("moved.cairn"))) {
            assertThat(moved.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            readsAll(moved, ENTRIES);
        }
    }

    @Test
    void withoutTheSharedMemoryFileAStoreIsDurableButItsIndexDoesNotGrow() throws IOException {
        try (var _ = new SmallScale();
                CairnStore store = Cairn.open(file(), QUIET)) {
            put(store, 0, ENTRIES);
            Files.delete(beside("-shm"));
            assertThat(naming(store)).isEqualTo(Stats.Naming.COMPANION_LOST);
            assertThat(store.checkpoint()).isPositive();
            assertThatThrownBy(
                            () -> {
                                for (int i = 0; i < 1_000_000; i++) {
                                    store.put(Content.key(1_000_000 + i), new byte[0]);
                                }
                            })
                    .isInstanceOf(StoreReplaced.class)
                    .hasMessageContaining(beside("-shm").toString());
            store.forEach((key, value) -> {
                if (value.length == 0) {
                    store.remove(key);
                }
            });
            readsAll(store, ENTRIES);
        }
        try (CairnStore store = Cairn.open(file())) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.REBUILT);
            readsAll(store, ENTRIES);
        }
    }

    @Test
    void withoutTheLockFileAStoreGoesOn() throws IOException {
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            Files.delete(beside("-lock"));
            assertThat(naming(store)).isEqualTo(Stats.Naming.COMPANION_LOST);
            put(store, 0, 20 * ENTRIES);
            assertThat(store.checkpoint()).isPositive();
            readsAll(store, 20 * ENTRIES);
        }
        try (CairnStore store = Cairn.open(file())) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
            assertThat(naming(store)).isEqualTo(Stats.Naming.NAMED);
            readsAll(store, 20 * ENTRIES);
        }
    }

    /** A reader has nothing to lose, and its figures say that it shows the past. */
    @Test
    void aReaderOfAFileWithoutANameReadsOn() throws IOException {
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            put(store, 0, ENTRIES);
        }
        try (CairnStore store = Cairn.open(file(), QUIET.withReadOnly(true))) {
            Files.delete(file());
            assertThat(naming(store)).isEqualTo(Stats.Naming.REMOVED);
            readsAll(store, ENTRIES);
        }
        Files.delete(beside("-shm"));
    }

    @Test
    void theSharedMemoryOfAnotherStoreIsLeftToIt() throws IOException {
        Path other = directory.resolve("other.cairn");
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            put(store, 0, ENTRIES);
        }
        try (CairnStore store = Cairn.open(other, QUIET)) {
            put(store, 0, 2 * ENTRIES);
            Files.move(
                    directory.resolve("other.cairn-shm"),
                    beside("-shm"),
                    StandardCopyOption.REPLACE_EXISTING);
            try (CairnStore first = Cairn.open(file(), QUIET)) {
                assertThat(first.recovery().detail()).contains("belongs to another store");
                readsAll(first, ENTRIES);
            }
            readsAll(store, 2 * ENTRIES);
        }
    }

    /** Opens that are refused must leave no mapping and no descriptor. */
    @Test
    void whoeverIsRefusedLeavesNothingOpen() throws IOException {
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            put(store, 0, ENTRIES);
        }
        byte[] data = Files.readAllBytes(file());
        byte[] shared = Files.readAllBytes(beside("-shm"));
        List<Long> before = List.of(used("fd"), used("map_files"));
        for (Options options : List.of(QUIET, QUIET.withReadOnly(true))) {
            for (long length = 0; length < data.length - REGION_BYTES; length += data.length / 7) {
                cut(file(), length);
                assertThatThrownBy(() -> Cairn.open(file(), options))
                        .isInstanceOf(CairnException.class);
                Files.write(file(), data);
                Files.write(beside("-shm"), shared);
            }
            Files.write(beside("-shm"), "of somebody else".getBytes(UTF_8));
            assertThatThrownBy(() -> Cairn.open(file(), options))
                    .isInstanceOf(IncompatibleFormat.class);
            Files.write(beside("-shm"), shared);
        }
        assertThat(List.of(used("fd"), used("map_files"))).isEqualTo(before);
    }

    private static void cut(Path path, long length) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(length);
        }
    }

    /** Counts the links of this process to the files of the test. */
    private long used(String kind) throws IOException {
        Path links = Path.of("/proc/self", kind);
        if (!Files.isReadable(links)) {
            return 0;
        }
        try (Stream<Path> all = Files.list(links)) {
            return all.filter(this::leadsHere).count();
        }
    }

    private boolean leadsHere(Path link) {
        try {
            return Files.readSymbolicLink(link).startsWith(directory);
        } catch (IOException _) {
            return false; // closed meanwhile
        }
    }
}
