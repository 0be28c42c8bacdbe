package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.codec.Codecs;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Attacks paths of stores at which something else stands, or a link to what is not there yet. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PathsTest {
    private static final byte[] KEY = Content.key(1);
    private static final byte[] VALUE = Content.value(1, 1, 100);
    private static final Options SMALL = Options.defaults().withStripes(1);

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private List<String> files() throws IOException {
        try (Stream<Path> names = Files.list(directory)) {
            return names.map(name -> name.getFileName().toString()).sorted().toList();
        }
    }

    private static void makePipe(Path path) throws IOException {
        Process made = new ProcessBuilder("mkfifo", path.toString()).inheritIO().start();
        assertThat(made.onExit().join().exitValue()).isZero();
    }

    @Test
    void storeTellsItsRealPath() throws IOException {
        Path link = Files.createSymbolicLink(directory.resolve("link"), file());
        Path real = directory.toRealPath().resolve("store.cairn");
        try (CairnStore store = Cairn.open(link, SMALL);
                CairnStore same =
                        Cairn.open(
                                directory
                                        .resolve("../x")
                                        .resolveSibling(
                                                "./" + directory.getFileName() + "/store.cairn"),
                                SMALL)) {
            assertThat(store.path()).isEqualTo(real);
            assertThat(same.path()).isEqualTo(real);
        }
        try (CairnMap<byte[], byte[]> map = Cairn.map(Codecs.bytes(), Codecs.bytes()).open(link)) {
            assertThat(map.store().path()).isEqualTo(real);
        }
    }

    @Test
    void readOnlyOpeningTellsWhyItShowsASnapshot() throws IOException {
        Path backup = directory.resolve("backup.cairn");
        try (CairnStore store = Cairn.open(file(), SMALL)) {
            store.put(KEY, VALUE);
            long _ = store.checkpoint();
            long _ = store.backup(backup);
        }
        try (CairnStore store = Cairn.open(backup, SMALL.withReadOnly(true))) {
            assertThat(store.get(KEY)).isEqualTo(VALUE);
            assertThat(store.recovery().detail()).contains("it has no lock file");
        }
    }

    /** Opening a pipe waits until somebody opens its other end. */
    @ParameterizedTest
    @ValueSource(strings = {"", "-shm", "-lock"})
    void pipeInThePlaceOfAFileIsRefused(String suffix) throws IOException {
        if (!suffix.isEmpty()) {
            Cairn.open(file(), SMALL).close();
        }
        Path pipe = directory.resolve("store.cairn" + suffix);
        Files.deleteIfExists(pipe);
        makePipe(pipe);
        List<String> before = files();
        for (boolean readOnly : new boolean[] {false, true}) {
            assertThatThrownBy(() -> Cairn.open(file(), SMALL.withReadOnly(readOnly)))
                    .isInstanceOf(IncompatibleFormat.class)
                    .hasMessageContaining(pipe + ": is not a regular file");
        }
        assertThat(files()).isEqualTo(before);
        Path other = directory.resolve("other.cairn");
        try (CairnStore store = Cairn.open(other, SMALL)) { // nothing waits for the pipe
            store.put(KEY, VALUE);
            if (suffix.isEmpty()) {
                assertThatThrownBy(() -> store.backup(pipe))
                        .isInstanceOf(CairnException.class)
                        .hasMessageContaining(pipe.toString());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/null", "/dev/zero"})
    void deviceIsRefused(Path device) {
        for (boolean readOnly : new boolean[] {false, true}) {
            assertThatThrownBy(() -> Cairn.open(device, SMALL.withReadOnly(readOnly)))
                    .isInstanceOf(IncompatibleFormat.class)
                    .hasMessageContaining(device + ": is not a regular file");
        }
        assertThat(Path.of(device + "-lock")).doesNotExist();
    }

    @Test
    void nothingIsLeftBesideWhatIsNoStore() throws IOException {
        Path store = Files.createDirectory(directory.resolve("of")).resolve("store.cairn");
        Cairn.open(store, SMALL).close();
        Path text = Files.writeString(directory.resolve("text"), "hello\n".repeat(2000));
        Path one = Files.write(directory.resolve("one"), new byte[1]);
        Path zeros = Files.write(directory.resolve("zeros"), new byte[1 << 20]);
        Path shared = Files.copy(store.resolveSibling("store.cairn-shm"), directory.resolve("shm"));
        Path second = Files.createLink(directory.resolve("second"), store);
        for (Path path : List.of(text, one, zeros, shared, second)) {
            for (boolean readOnly : new boolean[] {false, true}) {
                assertThatThrownBy(() -> Cairn.open(path, SMALL.withReadOnly(readOnly)))
                        .isInstanceOf(CairnException.class)
                        .hasMessageContaining(path.toString());
            }
        }
        assertThat(files()).containsExactly("of", "one", "second", "shm", "text", "zeros");
    }

    /**
     * An empty file may have been a store that something cut off. To make a new one of it would
     * hide that.
     */
    @Test
    void emptyFileIsSaidToBeEmpty() throws IOException {
        Path empty = Files.createFile(file());
        for (boolean readOnly : new boolean[] {false, true}) {
            assertThatThrownBy(() -> Cairn.open(empty, SMALL.withReadOnly(readOnly)))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining(empty.toString())
                    .hasMessageContaining("an empty file")
                    .hasMessageContaining("remove the file");
        }
        assertThat(files()).containsExactly("store.cairn");
        Files.delete(empty);
        Cairn.open(empty, SMALL).close();
    }

    @Test
    void linkToAFileThatIsAbsentCreatesIt() throws IOException {
        Path target = Files.createDirectory(directory.resolve("target")).resolve("store.cairn");
        Path near = Files.createSymbolicLink(directory.resolve("near"), Path.of("target/../far"));
        Path far = Files.createSymbolicLink(directory.resolve("far"), target);
        assertThatThrownBy(() -> Cairn.open(near, SMALL.withReadOnly(true)))
                .isInstanceOf(UncheckedIOException.class)
                .hasCauseInstanceOf(NoSuchFileException.class)
                .hasMessageContaining(target.toString());
        try (CairnStore store = Cairn.open(near, SMALL);
                CairnStore same = Cairn.open(far, SMALL);
                CairnStore again = Cairn.open(target, SMALL)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CREATED);
            store.put(KEY, VALUE);
            assertThat(same.get(KEY)).isEqualTo(VALUE);
            assertThat(again.get(KEY)).isEqualTo(VALUE);
            assertThat(store.stats().processes()).isEqualTo(1);
        }
        assertThat(files()).containsExactly("far", "near", "target");
        assertThat(target).isRegularFile();
        assertThat(target.resolveSibling("store.cairn-lock")).isRegularFile();
    }

    @Test
    void linkThatLeadsNowhereIsRefused() throws IOException {
        Path nowhere =
                Files.createSymbolicLink(directory.resolve("link"), Path.of("absent/store.cairn"));
        assertThatThrownBy(() -> Cairn.open(nowhere))
                .isInstanceOf(UncheckedIOException.class)
                .hasCauseInstanceOf(NoSuchFileException.class)
                .hasMessageContaining(directory.resolve("absent").toString());
        Path loop = Files.createSymbolicLink(directory.resolve("loop"), Path.of("pool"));
        Files.createSymbolicLink(directory.resolve("pool"), Path.of("loop"));
        assertThatThrownBy(() -> Cairn.open(loop))
                .isInstanceOf(UncheckedIOException.class)
                .hasCauseInstanceOf(FileSystemLoopException.class)
                .hasMessageContaining(loop.toString());
        assertThat(files()).containsExactly("link", "loop", "pool");
    }
}
