package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnException;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.SmallScale;
import dev.cairn.StoreReplaced;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * Attacks the opening of a path whose store is open in this JVM already, after its files were
 * removed or replaced.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpenAnewIT {
    private static final Options READ_ONLY = Options.defaults().withReadOnly(true);
    private static final String OLD = "old";
    private static final String NEW = "new";

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final SmallScale scale = new SmallScale();
    private Path home;
    private Path file;

    @BeforeEach
    void makeHome() throws IOException {
        home = Files.createDirectory(directory.resolve("home"));
        file = home.resolve("store.cairn");
    }

    @AfterEach
    void usualScale() {
        scale.close();
    }

    private void makeHomeAnew() throws IOException {
        try (Stream<Path> files = Files.list(home)) {
            for (Path each : files.toList()) {
                Files.delete(each);
            }
        }
        Files.delete(home);
        Files.createDirectory(home);
    }

    private CairnStore withOld() {
        CairnStore store = Cairn.open(file, Scenario.QUIET);
        Scenario.put(store, OLD, Scenario.SMALL);
        return store;
    }

    /** Closes a store that has lost its files. What it says of that does not matter here. */
    private static void closeDeleted(CairnStore store) {
        try {
            store.close();
        } catch (CairnException _) {
            // It could not be closed as a whole.
        }
    }

    @Test
    void pathOfADeletedStoreGivesANewOne() throws IOException {
        CairnStore deleted = withOld();
        makeHomeAnew();
        try (CairnStore store = Cairn.open(file, Scenario.QUIET)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CREATED);
            assertThat(store.get(bytes(OLD))).isNull();
            assertThat(deleted.get(bytes(OLD))).isNotNull();
            Scenario.put(store, NEW, Scenario.SMALL);
            long _ = store.checkpoint();
            closeDeleted(deleted);
            // Closing the old lock file must have dropped no lock of the new one.
            Child other = children.start();
            assertThat(other.ask("open", file)).isEqualTo(Kind.JOINED.toString());
            assertThat(other.ask("get", NEW)).isEqualTo("1");
            assertThat(store.stats().processes()).isEqualTo(2);
            other.ask("close");
            assertThat(store.verify().damages()).isEmpty();
        }
        try (CairnStore again = Cairn.open(file, Scenario.QUIET)) {
            assertThat(again.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertThat(again.get(bytes(NEW))).isNotNull();
            assertThat(again.size()).isEqualTo(1);
        }
    }

    @Test
    void readOnlyHandleOfADeletedStoreHidesNoNewOne() throws IOException {
        withOld().close();
        try (CairnStore deleted = Cairn.open(file, READ_ONLY)) {
            makeHomeAnew();
            try (CairnStore store = Cairn.open(file, Scenario.QUIET)) {
                assertThat(store.recovery().kind()).isEqualTo(Kind.CREATED);
                Scenario.put(store, NEW, Scenario.SMALL);
            }
            try (CairnStore view = Cairn.open(file, READ_ONLY)) {
                assertThat(view.get(bytes(NEW))).isNotNull();
                assertThat(view.get(bytes(OLD))).isNull();
            }
            assertThat(deleted.get(bytes(OLD))).isNotNull();
        }
    }

    /**
     * The companions of the old file are still there and in use, so nothing can be put beside them.
     */
    @Test
    void dataFileThatIsGoneOrReplacedUnderOpenCompanionsIsRefused() throws IOException {
        CairnStore old = withOld();
        Path copy = home.resolve("copy");
        long _ = old.checkpoint();
        old.backup(copy);
        Files.delete(file);
        assertThatThrownBy(() -> Cairn.open(file, Scenario.QUIET))
                .isInstanceOf(StoreReplaced.class)
                .hasMessageContaining("the data file is gone")
                .hasMessageContaining("close the store everywhere");
        assertThat(file).doesNotExist();
        Files.move(copy, file, StandardCopyOption.ATOMIC_MOVE);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> Cairn.open(file, Scenario.QUIET))
                    .isInstanceOf(StoreReplaced.class)
                    .hasMessageContaining("replaced")
                    .hasMessageContaining("close the store everywhere");
        }
        closeDeleted(old);
        try (CairnStore restored = Cairn.open(file, Scenario.QUIET)) {
            assertThat(restored.get(bytes(OLD))).isNotNull();
            assertThat(restored.verify().damages()).isEmpty();
        }
    }

    @Test
    void renamedStoreIsAnotherUnderItsNewName() throws IOException {
        CairnStore old = withOld();
        Path renamed = home.resolve("renamed.cairn");
        for (String suffix : List.of("", "-shm", "-lock")) {
            Files.move(Path.of(file + suffix), Path.of(renamed + suffix));
        }
        try (CairnStore store = Cairn.open(renamed, Scenario.QUIET)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.JOINED);
            assertThat(store.get(bytes(OLD))).isNotNull();
            Scenario.put(store, NEW, Scenario.SMALL);
            assertThat(old.get(bytes(NEW))).isNotNull();
            closeDeleted(old);
            assertThat(store.verify().damages()).isEmpty();
        }
        assertThat(file).doesNotExist();
        try (CairnStore again = Cairn.open(renamed, Scenario.QUIET)) {
            assertThat(again.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertThat(again.size()).isEqualTo(2);
        }
    }
}
