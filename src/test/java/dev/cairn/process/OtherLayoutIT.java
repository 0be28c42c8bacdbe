package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.StoreReplaced;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/**
 * Attacks what docs/versions.md says of two releases whose shared-memory layouts differ. The other
 * release is this one, after another layout number was put into its file.
 */
class OtherLayoutIT {
    /** The last byte of the magic number, which holds the number of the layout. */
    private static final int LAYOUT = 7;

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private Path file;
    private Child other;

    @BeforeEach
    void anotherReleaseHasItOpen() {
        file = directory.resolve("store.cairn");
        other = children.start();
        other.ask("open", file);
        other.ask("put", "kept", Scenario.SMALL);
        other.ask("checkpoint");
        other.ask("put", "late", Scenario.SMALL);
    }

    private void changeLayout() throws IOException {
        try (RandomAccessFile shared = new RandomAccessFile(file + "-shm", "rw")) {
            shared.seek(LAYOUT);
            int layout = shared.read();
            shared.seek(LAYOUT);
            shared.write(layout ^ 1);
        }
    }

    @Test
    void isRefusedForWritingAsLongAsAnybodyHasItOpen() throws IOException {
        changeLayout();
        assertThatThrownBy(() -> Cairn.open(file))
                .isInstanceOf(StoreReplaced.class)
                .hasMessageContaining("of another version")
                .hasMessageContaining("close the store everywhere");
        changeLayout();
        other.ask("put", "later", Scenario.SMALL);
        try (CairnStore store = Cairn.open(file)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.JOINED);
            assertThat(store.size()).isEqualTo(3);
        }
    }

    @Test
    void readerGetsTheLastCheckpoint() throws IOException {
        changeLayout();
        try (CairnStore store = Cairn.open(file, Options.defaults().withReadOnly(true))) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.SNAPSHOT);
            assertThat(store.get(bytes("kept"))).isNotNull();
            assertThat(store.get(bytes("late"))).isNull();
        }
        changeLayout();
    }

    @Test
    void nothingIsLostOfAStoreThatWasClosed() throws IOException {
        other.ask("close");
        changeLayout();
        try (CairnStore store = Cairn.open(file)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REBUILT);
            assertThat(store.size()).isEqualTo(2);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void lastCheckpointIsLeftOfAStoreWhoseProcessesWereKilled() throws IOException {
        other.kill();
        other.awaitDeath();
        changeLayout();
        try (CairnStore store = Cairn.open(file)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REBUILT);
            assertThat(store.get(bytes("kept"))).isNotNull();
            assertThat(store.get(bytes("late"))).isNull();
        }
    }
}
