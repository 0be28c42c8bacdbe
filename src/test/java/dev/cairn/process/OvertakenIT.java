package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Overtaken;
import dev.cairn.Recovery.Kind;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Attacks copies of a checkpoint that is overtaken. Another process makes checkpoints while this
 * one, which only reads, copies the one before them.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OvertakenIT {
    private static final Options READ_ONLY =
            Options.defaults().withReadOnly(true).withLockTimeout(Duration.ofMillis(300));

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;
    private Child writer;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    /** Starts a writer of a store whose only stripe has a log of several regions. */
    private void startWriter() {
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET.withStripes(1))) {
            for (int i = 0; i < 60; i++) {
                store.put(bytes("other" + i), Values.of("other" + i, 0, 1, 3000));
            }
        }
        writer = children.start();
        writer.ask("open", file());
        overtake();
    }

    private void overtake() {
        writer.ask("put", "key", 100);
        writer.ask("checkpoint");
    }

    private void overtakeAt(String step) {
        Steps.listen(reached -> {
            if (reached.equals(step)) {
                overtake();
            }
        });
    }

    @AfterEach
    void listenNoMore() {
        Steps.listen(null);
    }

    @Test
    void aBackupOfAReadOnlyStoreSaysSo() {
        Path target = directory.resolve("backup");
        startWriter();
        try (CairnStore store = Cairn.open(file(), READ_ONLY)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.JOINED);
            overtakeAt("backup");
            assertThatThrownBy(() -> store.backup(target))
                    .isInstanceOfSatisfying(
                            Overtaken.class, e -> assertThat(e.path()).isEqualTo(file()));
            assertThat(target).doesNotExist();
            assertThat(store.get(bytes("key"))).isNotNull(); // the reader can still be used
            Steps.listen(null);
            assertThat(store.backup(target)).isEqualTo(store.stats().durableEpoch());
        }
    }

    /** A reader without a lock file makes a snapshot. */
    @Test
    void anOpenThatMakesASnapshotSaysSo() throws IOException {
        startWriter();
        Files.delete(directory.resolve("store.cairn-lock"));
        overtakeAt("O progress"); // of the reader's replay
        assertThatThrownBy(() -> Cairn.open(file(), READ_ONLY))
                .isInstanceOfSatisfying(
                        Overtaken.class, e -> assertThat(e.path()).isEqualTo(file()));
        Steps.listen(null);
        try (CairnStore store = Cairn.open(file(), READ_ONLY)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.SNAPSHOT);
            overtake();
            assertThatThrownBy(() -> store.get(bytes("key"))).isInstanceOf(Overtaken.class);
        }
    }
}
