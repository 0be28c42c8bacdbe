package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.StoreReplaced;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Attacks the promise that a store is never written into another's files. Files are removed,
 * renamed and replaced while processes have them open. Whoever comes later must not get into
 * anybody's way, and whoever lost the files must be told.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReplacedFilesIT {
    private static final List<String> ALL = List.of("", "-shm", "-lock");
    private static final int ENTRIES = 300;
    private static final int BYTES = 3_000;

    /** A store with so many entries must have grown. */
    private static final int MOST = 20 * ENTRIES;

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private Path moved() {
        return directory.resolve("moved.cairn");
    }

    private static Path beside(Path file, String suffix) {
        return file.resolveSibling(file.getFileName() + suffix);
    }

    private void move(String... suffixes) throws IOException {
        for (String suffix : suffixes) {
            Files.move(beside(file(), suffix), beside(moved(), suffix));
        }
    }

    private void delete(String... suffixes) throws IOException {
        for (String suffix : suffixes) {
            Files.delete(beside(file(), suffix));
        }
    }

    private static void fill(Child child) {
        for (int i = 0; i < ENTRIES; i++) {
            child.ask("put", "key" + i, BYTES);
        }
    }

    private static void readsAll(CairnStore store, int entries) {
        for (int i = 0; i < entries; i++) {
            String key = "key" + i;
            assertThat(Values.whole(key, store.get(bytes(key))).sequence()).isEqualTo(2);
        }
        assertThat(store.verify().damages()).isEmpty();
    }

    private static byte[] bytes(String key) {
        return key.getBytes(UTF_8);
    }

    /**
     * Gives a child an order that must be refused. Returns what the child says; it goes on
     * afterwards.
     */
    private static String complaint(Child child, Object... order) {
        child.tell(order);
        String said = child.hear();
        assertThat(said).startsWith(Acting.FAILED);
        return said;
    }

    /** Puts entries until one is refused. Counts them in {@code entries} and returns the reason. */
    private static String putUntilRefused(Child child, int[] entries) {
        for (; entries[0] < MOST; entries[0]++) {
            child.tell("put", "key" + entries[0], BYTES);
            String said = child.hear();
            if (!said.startsWith(Acting.DONE)) {
                return said;
            }
        }
        throw new AssertionError("it grew on and on");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void nothingIsEverWrittenIntoTheStoreThatTookTheName(boolean renamed) throws IOException {
        Child old = children.start();
        Child young = children.start();
        old.ask("open", file());
        old.ask("put", "key0", BYTES);
        if (renamed) {
            move("", "-shm", "-lock");
        } else {
            delete("", "-shm", "-lock");
        }
        assertThat(young.ask("open", file())).isEqualTo("CREATED");
        fill(young);
        young.ask("checkpoint");

        int[] entries = {0};
        String why = putUntilRefused(old, entries);
        int size = Math.max(1, entries[0]); // key0 is there even if it was refused again
        assertThat(why)
                .contains(StoreReplaced.class.getName(), file().toString())
                .contains(renamed ? "was renamed" : "was removed or replaced");
        assertThat(old.ask("naming")).isEqualTo(renamed ? "RENAMED" : "REMOVED");
        assertThat(complaint(old, "checkpoint")).contains(StoreReplaced.class.getName());
        assertThat(old.ask("get", "key0")).isEqualTo("2");
        assertThat(old.ask("verify")).isEqualTo(Integer.toString(size));
        old.ask("backup", directory.resolve("saved.cairn"));
        assertThat(complaint(old, "close")).contains(StoreReplaced.class.getName());

        assertThat(young.ask("verify")).isEqualTo(Integer.toString(ENTRIES));
        assertThat(young.ask("naming")).isEqualTo("NAMED");
        young.ask("close");
        assertOpens(file(), Kind.CLEAN, ENTRIES);
        assertOpens(directory.resolve("saved.cairn"), Kind.REBUILT, size);
        if (renamed) {
            assertOpens(moved(), Kind.CLEAN, size);
        }
    }

    private static void assertOpens(Path file, Kind kind, int entries) {
        try (CairnStore store = Cairn.open(file)) {
            assertThat(store.recovery().kind()).isEqualTo(kind);
            assertThat(store.size()).isEqualTo(entries);
            readsAll(store, entries);
        }
    }

    /** Another program makes a file of the same name. */
    @Test
    void aFileThatIsNoStoreIsLeftAloneToo() throws IOException {
        Child child = children.start();
        child.ask("open", file());
        move("", "-shm", "-lock");
        byte[] foreign = "of somebody else".getBytes(UTF_8);
        for (String suffix : ALL) {
            Files.write(beside(file(), suffix), foreign);
        }
        putUntilRefused(child, new int[1]);
        assertThat(complaint(child, "close")).contains("was renamed");
        for (String suffix : ALL) {
            assertThat(Files.readAllBytes(beside(file(), suffix))).isEqualTo(foreign);
        }
    }

    /**
     * Whoever opens the new names of all three files must find the same locks and the same memory.
     */
    @Test
    void aStoreThatWasRenamedAsAWholeIsSharedByItsNewName() throws IOException {
        Child old = children.start();
        old.ask("open", file());
        fill(old);
        move("", "-shm", "-lock");
        Child young = children.start();
        assertThat(young.ask("open", moved())).isEqualTo("JOINED");
        for (int i = ENTRIES; i < 3 * ENTRIES; i++) {
            young.ask("put", "key" + i, BYTES); // beyond what the other has mapped
        }
        assertThat(old.ask("get", "key" + (3 * ENTRIES - 1))).isEqualTo("2");
        assertThat(old.ask("naming")).isEqualTo("RENAMED");
        assertThat(complaint(old, "close")).contains("was renamed");
        assertThat(young.ask("verify")).isEqualTo(Integer.toString(3 * ENTRIES));
        young.ask("close");
        assertOpens(moved(), Kind.CLEAN, 3 * ENTRIES);
    }

    /**
     * With a lock file of its own, a process would see nobody and take the data file for its own.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nobodyOpensADataFileThatIsInUseWithNewCompanions(boolean inUseByAReader)
            throws IOException {
        Child old = children.start();
        old.ask("open", file());
        fill(old);
        if (inUseByAReader) {
            old.ask("close");
            old.ask("view", file());
        }
        delete("-shm", "-lock");
        old.stop(); // otherwise it might lengthen the file
        byte[] before = Files.readAllBytes(file());
        for (boolean readOnly : new boolean[] {false, true}) {
            if (readOnly) {
                assertThatCode(() -> Cairn.open(file(), readOnly()).close())
                        .doesNotThrowAnyException(); // a snapshot harms nobody
            } else {
                assertThatThrownBy(() -> Cairn.open(file()).close())
                        .isInstanceOf(StoreReplaced.class)
                        .hasMessageContaining(beside(file(), "-lock").toString());
            }
        }
        assertThat(Files.readAllBytes(file())).isEqualTo(before);
        Child.signal("CONT", old.pid());
        assertThat(old.ask("naming")).isEqualTo("COMPANION_LOST");
        assertThat(old.ask("get", "key1")).isEqualTo("2");
        old.ask("close");
        assertOpens(file(), Kind.REBUILT, ENTRIES);
    }

    /** Where /proc shows nobody, the lock on the data file must show that it is in use. */
    @Test
    void nobodyTakesAStoreForHisOwnWhoCannotSeeWhoHasIt() throws IOException {
        List<String> apart = List.of("unshare", "--pid", "--fork", "--mount-proc", "--");
        Process trial =
                new ProcessBuilder("unshare", "--pid", "--fork", "--mount-proc", "true").start();
        assumeTrue(trial.onExit().join().exitValue() == 0, "unshare --pid does not work here");
        Child old = children.start(apart);
        Child young = children.start(apart);
        old.ask("open", file());
        fill(old);
        delete("-lock");
        assertThat(complaint(young, "open", file())).contains(StoreReplaced.class.getName());
        old.ask("close");
        assertThat(young.ask("open", file())).isEqualTo("CLEAN");
        young.ask("close");
        assertOpens(file(), Kind.CLEAN, ENTRIES);
    }

    /**
     * The directory is moved away while a process recovers the store. The process must notice
     * before the store is open.
     */
    @Test
    void aStoreWhoseDirectoryGoesWhileItIsOpenedIsNotOpened() throws IOException {
        Path there = Files.createDirectory(directory.resolve("there"));
        Path gone = directory.resolve("gone");
        Path file = there.resolve("store.cairn");
        Child old = children.start();
        old.ask("open", file);
        fill(old);
        old.ask("close");
        Files.delete(beside(file, "-shm"));
        old.ask("park", "O4 rename", 1);
        old.tell("open", file);
        old.awaitStep("O4 rename");
        Files.move(there, gone);
        Files.createDirectory(there);
        Child young = children.start();
        young.ask("park", "O4 rename", 1);
        young.tell("open", file);
        young.awaitStep("O4 rename");
        old.tell("go");
        assertThat(old.hear()).startsWith(Acting.FAILED).contains(StoreReplaced.class.getName());
        young.tell("go");
        assertThat(young.answer()).isEqualTo("CREATED");
        fill(young);
        young.ask("close");
        assertOpens(file, Kind.CLEAN, ENTRIES);
        assertOpens(gone.resolve("store.cairn"), Kind.REBUILT, ENTRIES);
    }

    private static Options readOnly() {
        return Options.defaults().withReadOnly(true);
    }

    @Test
    void nobodyOpensADataFileThatIsInUseByAnotherName() throws IOException {
        Child old = children.start();
        old.ask("open", file());
        fill(old);
        move("");
        assertThatThrownBy(() -> Cairn.open(moved()).close())
                .isInstanceOf(StoreReplaced.class)
                .hasMessageContaining(beside(moved(), "-lock").toString());
        assertThatThrownBy(() -> Cairn.open(file()).close())
                .isInstanceOf(StoreReplaced.class)
                .hasMessageContaining("the data file is gone");
        assertThat(file()).doesNotExist();
        old.kill();
        old.awaitDeath();
        try (CairnStore store = Cairn.open(moved())) { // as after a power loss
            assertThat(store.recovery().kind()).isEqualTo(Kind.REBUILT);
        }
    }

    @Test
    void whoeverIsKilledKeepsNobodyOut() throws IOException {
        Child old = children.start();
        old.ask("open", file());
        fill(old);
        old.ask("checkpoint");
        delete("-shm", "-lock");
        old.kill();
        old.awaitDeath();
        assertOpens(file(), Kind.REBUILT, ENTRIES);
    }

    /**
     * An open store holds all the descriptors that it needs in use, so others may take the last
     * one.
     */
    @Test
    void aStoreGoesOnWithoutADescriptorLeft() {
        Child child =
                children.start(
                        List.of("bash", "-c", "ulimit -n 400; exec \"$0\" \"$@\" 2>/dev/null"));
        child.ask("open", file());
        fill(child); // and the rest, so that everything it needs is loaded
        child.ask("get", "key1");
        child.ask("put", "large", 1 << 20);
        child.ask("remove", "large");
        child.ask("checkpoint");
        child.ask("verify");
        assertThat(child.ask("hog")).contains("Too many open files");
        for (int i = ENTRIES; i < 4 * ENTRIES; i++) {
            child.ask("put", "key" + i, BYTES);
        }
        assertThat(child.ask("get", "key" + ENTRIES)).isEqualTo("2");
        child.ask("put", "large", 1 << 20);
        child.ask("remove", "large");
        child.ask("checkpoint");
        assertThat(child.ask("verify")).isEqualTo(Integer.toString(4 * ENTRIES));
        child.ask("close");
        child.ask("unhog");
        child.ask("open", file());
        child.ask("close");
        assertOpens(file(), Kind.CLEAN, 4 * ENTRIES);
    }
}
