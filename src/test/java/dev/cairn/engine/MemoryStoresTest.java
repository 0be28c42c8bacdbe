package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Durability;
import dev.cairn.IncompatibleFormat;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Seed;
import dev.cairn.SharedMemoryStore;
import dev.cairn.SharedMemoryStore.State;
import dev.cairn.StoreInUse;
import dev.cairn.StoreReplaced;
import dev.cairn.format.DataHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/** Attacks the listing and the removal of the stores of a directory, whatever else lies there. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MemoryStoresTest {
    private static final Options SMALL = Options.defaults().withStripes(2);
    private static final String ID = "01234567-89ab-cdef-0123-456789abcdef";
    private static final long SELF = ProcessHandle.current().pid();

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private MemoryStores stores() {
        return MemoryStores.in(directory);
    }

    @AfterEach
    void nobodyListens() {
        Steps.listen(_ -> {});
    }

    private CairnStore open(String name) {
        return Cairn.open(directory.resolve(name), SMALL);
    }

    private void make(String name, int entries) {
        try (CairnStore store = open(name)) {
            for (int i = 0; i < entries; i++) {
                store.put(Content.key(i), Content.value(i, 0, 100));
            }
        }
    }

    private SharedMemoryStore only() {
        List<SharedMemoryStore> rows = stores().list();
        assertThat(rows).hasSize(1);
        return rows.getFirst();
    }

    private SortedMap<String, Long> files() throws IOException {
        SortedMap<String, Long> sizes = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                sizes.put(file.getFileName().toString(), Files.size(file));
            }
        }
        return sizes;
    }

    private Path write(String name, byte[] content) throws IOException {
        return Files.write(directory.resolve(name), content);
    }

    @Test
    void whatIsToldOfAStoreThatNobodyHasOpen() throws IOException {
        Instant before = Instant.now().minusSeconds(1);
        make("one", 37);

        SharedMemoryStore row = only();

        assertThat(row.name()).isEqualTo("one");
        assertThat(row.state()).isEqualTo(State.UNUSED);
        assertThat(row.entries()).hasValue(37);
        assertThat(row.durability()).hasValue(Durability.CHECKPOINT);
        assertThat(row.processes()).isEmpty();
        assertThat(row.owner()).hasValue(Files.getOwner(directory.resolve("one")).getName());
        assertThat(row.changed()).isBetween(before, Instant.now().plusSeconds(1));
        assertThat(row.leftovers()).isEmpty();
        assertThat(row.problem()).isEmpty();
        assertThat(row.bytes()).isEqualTo(files().values().stream().mapToLong(each -> each).sum());
    }

    @Test
    void whatIsToldOfOneThatIsOpenChangesNothing() throws IOException {
        try (CairnStore store =
                Cairn.open(
                        directory.resolve("one"),
                        SMALL.withDurability(Durability.NONE).withManualCheckpoints())) {
            store.put(Content.key(1), Content.value(1, 0, 100));
            SortedMap<String, Long> before = files();

            SharedMemoryStore row = only();

            assertThat(row.state()).isEqualTo(State.USED);
            assertThat(row.processes()).containsExactly(SELF);
            assertThat(row.entries()).hasValue(1);
            assertThat(row.durability()).hasValue(Durability.NONE);
            assertThat(files()).isEqualTo(before);
            store.put(Content.key(2), Content.value(2, 0, 100));
            assertThat(only().entries()).hasValue(2);
        }
    }

    @Test
    void aReaderIsSeenAndKeepsTheStore() throws IOException {
        make("one", 3);
        SortedMap<String, Long> before = files();
        try (CairnStore reader = Cairn.open(directory.resolve("one"), SMALL.withReadOnly(true))) {
            assertThat(only().state()).isEqualTo(State.USED);
            assertThat(only().processes()).containsExactly(SELF);
            assertThatThrownBy(() -> stores().remove("one"))
                    .isInstanceOf(StoreInUse.class)
                    .hasMessageContaining("process " + SELF + " has it open; close the store");
            assertThat(reader.size()).isEqualTo(3);
        }
        assertThat(files()).isEqualTo(before);
        assertThat(stores().remove("one")).isPositive();
        assertThat(files()).isEmpty();
    }

    /**
     * The lock is one that this version does not have, and this version cannot read the data file.
     */
    @Test
    void aStoreOfAnotherVersionIsKeptWhileItIsOpenAndRemovedThen() throws IOException {
        make("one", 3);
        byte[] data = Files.readAllBytes(directory.resolve("one"));
        data[DataHeader.FORMAT_VERSION]++;
        write("one", data);
        try (KernelLocks other = KernelLocks.openExisting(directory.resolve("one-lock"), true)) {
            KernelLocks.Held held = (KernelLocks.Held) other.tryExclusive(1L << 40, 1);
            assertThat(only().state()).isEqualTo(State.UNREADABLE);
            assertThat(only().problem().orElseThrow()).contains("has format version 2");
            assertThatThrownBy(() -> stores().remove("one")).isInstanceOf(StoreInUse.class);
            held.release();
        }
        assertThat(stores().remove("one")).isPositive();
        assertThat(files()).isEmpty();
    }

    @Test
    void removingTakesAllFilesOfOneStoreAndNoneOfAnother() throws IOException {
        make("one", 10);
        make("one-more", 10);
        long bytes = stores().list().getFirst().bytes();
        SortedMap<String, Long> before = files();

        assertThat(stores().remove("one")).isEqualTo(bytes);

        before.keySet().removeAll(List.of("one", "one-shm", "one-lock"));
        assertThat(files()).isEqualTo(before);
        try (CairnStore again = open("one")) {
            assertThat(again.size()).isZero();
        }
        try (CairnStore other = open("one-more")) {
            assertThat(other.size()).isEqualTo(10);
        }
    }

    @Test
    void anOpenStoreIsNotRemoved() throws IOException {
        try (CairnStore store = open("one")) {
            store.put(Content.key(1), Content.value(1, 0, 10));
            assertThatThrownBy(() -> stores().remove("one"))
                    .isInstanceOf(StoreInUse.class)
                    .hasMessageContaining("process " + SELF);
            assertThat(stores().removeLeftovers("one")).isZero();
            store.checkpoint();
            assertThat(files().keySet()).containsExactly("one", "one-lock", "one-shm");
        }
    }

    /** The lock file is gone, so only the lock on the data file tells. */
    @Test
    void anOpenStoreWithoutItsLockFileIsNotRemoved() throws IOException {
        try (CairnStore store = open("one")) {
            Files.delete(directory.resolve("one-lock"));
            assertThat(only().state()).isEqualTo(State.USED);
            assertThatThrownBy(() -> stores().remove("one")).isInstanceOf(StoreInUse.class);
            assertThat(directory.resolve("one")).exists();
            assertThat(store.size()).isZero();
        }
    }

    @Test
    void companionsWithoutADataFileAreLeftovers() throws IOException {
        make("one", 3);
        make("two", 3);
        Files.delete(directory.resolve("one"));

        SharedMemoryStore row = stores().list().getFirst();

        assertThat(row.state()).isEqualTo(State.LEFTOVER);
        assertThat(row.leftovers()).containsExactly("one-shm", "one-lock");
        assertThat(row.entries()).isEmpty();
        assertThat(stores().removeLeftovers("one")).isEqualTo(row.bytes());
        assertThat(stores().removeLeftovers("two")).isZero();
        assertThat(files().keySet()).containsExactly("two", "two-lock", "two-shm");
    }

    /** The data file was removed while a process has it open, which goes on. */
    @Test
    void companionsOfADataFileThatSomebodyStillHasAreNone() throws IOException {
        try (CairnStore store = open("one")) {
            Files.delete(directory.resolve("one"));
            assertThat(only().state()).isEqualTo(State.USED);
            assertThat(only().leftovers()).isEmpty();
            assertThatThrownBy(() -> stores().removeLeftovers("one"))
                    .isInstanceOf(StoreInUse.class)
                    .hasMessageContaining("process " + SELF);
            assertThat(files().keySet()).containsExactly("one-lock", "one-shm");
            assertThat(store.size()).isZero();
        } catch (StoreReplaced _) {
            // The close tells that the file lost its name.
        }
        assertThat(stores().removeLeftovers("one")).isPositive();
        assertThat(files()).isEmpty();
    }

    @Test
    void whatDeadProcessesWereMakingIsLeft() throws IOException {
        make("one", 3);
        byte[] data = Files.readAllBytes(directory.resolve("one"));
        byte[] shared = Files.readAllBytes(directory.resolve("one-shm"));
        List<String> made =
                List.of(
                        ".one.cairn-creating",
                        ".one." + ID + ".cairn-creating",
                        ".one-shm.cairn-building",
                        ".one-lock." + ID,
                        ".two.cairn-creating",
                        ".two-shm.cairn-building",
                        ".three." + ID + ".cairn-creating",
                        ".three." + ID + ".cairn-creating-shm",
                        ".three." + ID + ".cairn-creating-lock");
        write(made.get(0), new byte[0]);
        write(made.get(1), data);
        write(made.get(2), new byte[1 << 16]);
        write(made.get(3), new byte[0]);
        write(made.get(4), data);
        write(made.get(5), shared);
        write(made.get(6), data);
        write(made.get(7), shared);
        write(made.get(8), new byte[0]);

        List<SharedMemoryStore> rows = stores().list();

        assertThat(rows).extracting(SharedMemoryStore::name).containsExactly("one", "three", "two");
        assertThat(rows)
                .extracting(SharedMemoryStore::state)
                .containsExactly(State.UNUSED, State.LEFTOVER, State.LEFTOVER);
        assertThat(rows.get(0).leftovers()).containsExactlyInAnyOrderElementsOf(made.subList(0, 4));
        assertThat(rows.get(1).leftovers()).containsExactlyInAnyOrderElementsOf(made.subList(6, 9));
        assertThat(rows.get(2).leftovers()).containsExactlyInAnyOrderElementsOf(made.subList(4, 6));
        for (SharedMemoryStore row : rows) {
            stores().removeLeftovers(row.name());
        }
        assertThat(files().keySet()).containsExactly("one", "one-lock", "one-shm");
        assertThat(only().entries()).hasValue(3);
    }

    @Test
    void removingAStoreTakesWhatWasBeingMadeOfIt() throws IOException {
        make("one", 3);
        write(".one-shm.cairn-building", new byte[1 << 16]);
        write(".one." + ID + ".cairn-creating", Files.readAllBytes(directory.resolve("one")));
        assertThat(stores().remove("one")).isPositive();
        assertThat(files()).isEmpty();
    }

    @Test
    void aBackupThatIsBeingMadeIsNoLeftover() {
        make("one", 50);
        AtomicReference<SharedMemoryStore> seen = new AtomicReference<>();
        try (CairnStore store = open("one")) {
            Steps.listen(step -> {
                if (step.equals("backup")) {
                    seen.set(stores().list().getLast());
                    assertThat(stores().removeLeftovers("two")).isZero();
                }
            });
            store.backup(directory.resolve("two"));
        }
        assumeTrue(seen.get() != null, "steps are not told here");
        assertThat(seen.get().name()).isEqualTo("two");
        assertThat(seen.get().state()).isEqualTo(State.USED);
        assertThat(seen.get().leftovers()).isEmpty();
        try (CairnStore copy = open("two")) {
            assertThat(copy.size()).isEqualTo(50);
        }
    }

    /** By its name it is a leftover, but by its content a store of that name. */
    @Test
    void aStoreThatIsNamedLikeALeftoverIsNone() throws IOException {
        make(".one.cairn-creating", 3);
        assertThat(only().name()).isEqualTo(".one.cairn-creating");
        assertThat(only().leftovers()).isEmpty();
        assertThat(stores().removeLeftovers("one")).isZero();
        assertThat(files()).hasSize(3);
    }

    @Test
    void foreignFilesAreNeitherListedNorRemoved() throws IOException {
        Random random = Seed.random(MemoryStoresTest.class);
        byte[] noise = new byte[9000];
        random.nextBytes(noise);
        write("noise", noise);
        write("noise-shm", noise);
        write("noise-lock", new byte[0]);
        write("empty", new byte[0]);
        write("short", new byte[] {'C', 'A', 'I'});
        write("zeros", new byte[9000]);
        write("sem.other", noise);
        write(".noise.cairn-creating", noise);
        write(".noise-shm.cairn-building", noise);
        Files.createDirectory(directory.resolve("folder"));
        Files.createDirectory(directory.resolve("folder-shm"));
        SortedMap<String, Long> before = files();

        assertThat(stores().list()).isEmpty();
        for (String name : List.of("noise", "empty", "zeros", "short", "folder")) {
            assertThatThrownBy(() -> stores().remove(name))
                    .as(name)
                    .isInstanceOf(IncompatibleFormat.class)
                    .hasMessageContaining("nothing was removed");
        }
        assertThat(stores().removeLeftovers("noise")).isZero();
        assertThatThrownBy(() -> stores().remove("absent"))
                .isInstanceOf(UncheckedIOException.class)
                .hasCauseInstanceOf(NoSuchFileException.class);
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void pipesAndLinksAreNotOpened() throws IOException {
        make("one", 3);
        Files.createSymbolicLink(directory.resolve("link"), directory.resolve("one"));
        Files.createSymbolicLink(directory.resolve("dangling"), directory.resolve("nowhere"));
        Files.createSymbolicLink(directory.resolve("loop"), directory.resolve("loop"));
        fifo("pipe");
        fifo("pipe-shm");
        SharedMemoryStore row = only();
        assertThat(row.name()).isEqualTo("one");
        assertThat(row.entries()).hasValue(3);
        for (String name : List.of("link", "dangling", "loop", "pipe")) {
            assertThatThrownBy(() -> stores().remove(name))
                    .as(name)
                    .isInstanceOf(IncompatibleFormat.class)
                    .hasMessageContaining("is not a regular file");
        }
        assertThat(only().entries()).hasValue(3);
    }

    @Test
    void aPipeInThePlaceOfACompanionIsNotOpened() throws IOException {
        make("one", 3);
        Files.delete(directory.resolve("one-shm"));
        Files.delete(directory.resolve("one-lock"));
        fifo("one-shm");
        fifo("one-lock");
        assertThat(only().state()).isEqualTo(State.UNUSED);
        assertThat(only().entries()).hasValue(3);
        assertThatThrownBy(() -> stores().remove("one"))
                .isInstanceOf(IncompatibleFormat.class)
                .hasMessageContaining("one-shm");
    }

    private void fifo(String name) throws IOException {
        Process made = new ProcessBuilder("mkfifo", directory.resolve(name).toString()).start();
        assumeTrue(made.onExit().join().exitValue() == 0, "no mkfifo here");
    }

    /** The file is cut off at many lengths, and each byte of its header is changed. */
    @Test
    void filesThatAreCutOffOrDamagedAreListedWithTheReason() throws IOException {
        make("one", 3);
        byte[] data = Files.readAllBytes(directory.resolve("one"));
        byte[] shared = Files.readAllBytes(directory.resolve("one-shm"));
        for (int length : new int[] {8, 9, 63, 64, 100, 4095, 4096, 8192, 9000, data.length - 1}) {
            write("one", Arrays.copyOf(data, length));
            assertThat(only().state())
                    .as("state with a data file of %d bytes", length)
                    .isEqualTo(State.UNREADABLE);
            assertThat(only().problem()).hasValueSatisfying(why -> assertThat(why).contains("one"));
        }
        for (int at = 8; at < 64; at++) {
            byte[] damaged = data.clone();
            damaged[at] ^= (byte) 0x55;
            write("one", damaged);
            assertThat(only().state())
                    .as("state with a wrong byte at %d", at)
                    .isEqualTo(State.UNREADABLE);
        }
        write("one", data);
        for (int length : new int[] {8, 100, 1024, 4096, 102_399, 102_400, 103_000}) {
            write("one-shm", Arrays.copyOf(shared, length));
            assertThat(only().state())
                    .as("state with %d bytes of shared memory", length)
                    .isEqualTo(State.UNUSED);
            assertThat(only().entries()).hasValue(3);
        }
        Random random = Seed.random(MemoryStoresTest.class);
        for (int round = 0; round < 200; round++) {
            byte[] damaged = shared.clone();
            for (int i = 0; i < 20; i++) {
                damaged[8 + random.nextInt(103_000)] = (byte) random.nextInt();
            }
            write("one-shm", damaged);
            assertThat(only().name()).isEqualTo("one");
        }
        write("one", Arrays.copyOf(data, 64));
        write("one-shm", shared);
        assertThat(stores().remove("one")).isPositive();
        assertThat(files()).isEmpty();
    }

    @Test
    void namesOfAnyBytesAreWalkedOver() throws IOException {
        make("new\nline\u001b[2J", 3);
        byte[] data = Files.readAllBytes(directory.resolve("new\nline\u001b[2J"));
        Process made =
                new ProcessBuilder(
                                "sh",
                                "-c",
                                "cp \"$1\" \"$(printf 'a\\377\\200b')\"; : > \"$(printf '\\377-lock')\"",
                                "sh",
                                write("copy", data).toString())
                        .directory(directory.toFile())
                        .start();
        assertThat(made.onExit().join().exitValue()).isZero();
        assertThat(stores().list())
                .extracting(SharedMemoryStore::name)
                .containsExactly("copy", "new\nline\u001b[2J");
        assertThat(stores().remove("new\nline\u001b[2J")).isPositive();
    }

    @Test
    void namesThatLeadElsewhereAreRefused() {
        make("one", 1);
        for (String name : List.of("", ".", "..", "../one", "a/b", "/")) {
            assertThatThrownBy(() -> stores().remove(name))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> stores().removeLeftovers(name))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(only().state()).isEqualTo(State.UNUSED);
    }

    /** A lock file that is not empty belongs to somebody else, and must stay. */
    @Test
    void aBackupWithoutCompanionsIsListedAndRemoved() throws IOException {
        make("one", 7);
        try (CairnStore store = open("one")) {
            store.backup(directory.resolve("two"));
        }
        stores().remove("one");
        assertThat(only().entries()).hasValue(7);
        assertThat(only().state()).isEqualTo(State.UNUSED);
        write(".two-shm.cairn-building", new byte[100_000]);
        assertThat(stores().removeLeftovers("two")).isEqualTo(100_000);
        assertThat(files().keySet()).containsExactly("two");
        write("two-lock", new byte[] {1});
        assertThat(stores().remove("two")).isPositive();
        assertThat(files().keySet()).containsExactly("two-lock");
    }

    /** If the header of a file says what its bytes cannot be, nothing may be computed from it. */
    @Test
    void countsThatCannotBeAreLeftOut() throws IOException {
        make("one", 3);
        try (FileChannel shared =
                FileChannel.open(directory.resolve("one-shm"), StandardOpenOption.WRITE)) {
            ByteBuffer word = ByteBuffer.allocate(8).putLong(0, -1L);
            shared.write(word, SharedLayout.stripeAt(0) + StripeWords.LIVE_COUNT);
            word.rewind();
            shared.write(word, SharedLayout.stripeAt(1) + StripeWords.LIVE_COUNT);
        }
        assertThat(only().entries()).isEmpty();
        assertThat(only().state()).isEqualTo(State.UNUSED);
    }
}
