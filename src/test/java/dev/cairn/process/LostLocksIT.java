package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks the promise that a live process is never taken for dead. A program copies the files of
 * its own open store, which closes the lock file, and so may lose its kernel locks. Beside it are
 * processes of other containers, which do not see it in /proc. With native access nothing is lost
 * by the copy. Without, the program answers those who ask whether it lives.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LostLocksIT {
    private static final Options ONE_STRIPE = Options.defaults().withStripes(1);

    /** Longer than anybody waits for an answer. */
    private static final Duration BEYOND_PATIENCE = Duration.ofSeconds(7);

    private static final List<String> CONTAINED =
            List.of("unshare", "--pid", "--fork", "--mount-proc", "--");

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    @BeforeEach
    void assumeNamespaces() throws IOException {
        Process trial =
                new ProcessBuilder("unshare", "--pid", "--fork", "--mount-proc", "--", "true")
                        .redirectErrorStream(true)
                        .start();
        assumeTrue(trial.onExit().join().exitValue() == 0, "unshare --pid does not work here");
    }

    private Child contained(boolean portable) {
        return portable ? children.startPortable(CONTAINED) : children.start(CONTAINED);
    }

    /** A child of another container that has the store open and has copied its files. */
    private Child copying(boolean portable) {
        Child child = contained(portable);
        assertThat(child.ask("pid")).isEqualTo("1");
        child.ask("open", file());
        child.ask("put", "theirs", 100);
        child.ask("copy", file());
        return child;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoCopiesTheFilesOfItsStoreIsNotTakenForDead(boolean portable) {
        Child child = copying(portable);
        try (CairnStore store = Cairn.open(file(), ONE_STRIPE)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.JOINED);
            assertThat(store.stats().processes()).isEqualTo(2);
            for (int i = 0; i < 100; i++) {
                String ours = "ours" + i;
                store.put(bytes(ours), Values.of(ours, 0, 1, 300));
                child.ask("put", "theirs" + i, 300);
            }
            assertThat(child.ask("verify")).isEqualTo("201");
            assertThat(store.verify().damages()).isEmpty();
            assertThat(child.ask("close")).isEqualTo("closed");
        }
        try (CairnStore store = Cairn.open(file())) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertThat(store.size()).isEqualTo(201);
        }
    }

    /**
     * The closing process opened the store before the child did, and closes while the child is
     * there.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoClosesBesideItDoesNotMarkTheStoreClean(boolean portable) {
        CairnStore store = Cairn.open(file(), ONE_STRIPE);
        Child child = copying(portable);
        store.close();
        try (CairnStore again = Cairn.open(file())) {
            assertThat(again.recovery().kind()).isEqualTo(Kind.JOINED);
            assertThat(child.ask("verify")).isEqualTo("1");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void holderOfAStripeKeepsIt(boolean portable) {
        Duration timeout = portable ? BEYOND_PATIENCE : Duration.ofMillis(500);
        try (CairnStore store = Cairn.open(file(), ONE_STRIPE.withLockTimeout(timeout))) {
            store.put(bytes("key"), Values.of("key", 0, 1, 100));
            Child holder = contained(portable);
            holder.ask("open", file());
            holder.ask("park", "W8", 1);
            holder.tell("put", "key", 200);
            holder.awaitStep("W8");
            holder.ask("copy", file());
            assertThatThrownBy(() -> store.put(bytes("other"), Values.of("other", 0, 1, 100)))
                    .isInstanceOf(LockTimeout.class)
                    .hasMessageContaining("of another container");
            holder.tell("go");
            holder.answer();
            store.put(bytes("other"), Values.of("other", 0, 1, 100));
            assertThat(store.stats().takeovers()).isZero();
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void silenceIsTakenForDeath() {
        Child child = copying(true);
        child.handle().descendants().forEach(ProcessHandle::destroyForcibly);
        child.awaitDeath();
        try (CairnStore store = Cairn.open(file())) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
            assertThat(store.size()).isOne();
        }
        try (CairnStore store = Cairn.open(file())) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
        }
    }

    /** One lock belongs to a file description, the other to a process. Each must see the other. */
    @Test
    void bothKindsOfLocksExcludeEachOther() {
        Child certain = contained(false);
        Child portable = contained(true);
        assertThat(certain.ask("open", file())).isEqualTo(Kind.CREATED.toString());
        assertThat(portable.ask("open", file())).isEqualTo(Kind.JOINED.toString());
        assertThat(certain.ask("close")).isEqualTo("closed");
        assertThat(certain.ask("open", file())).isEqualTo(Kind.JOINED.toString());
        assertThat(portable.ask("close")).isEqualTo("closed");
        assertThat(portable.ask("open", file())).isEqualTo(Kind.JOINED.toString());
    }

    @Test
    void readerTakesItsLockAgain() throws IOException {
        Cairn.open(file()).close();
        Child reader = contained(true);
        reader.ask("view", file());
        reader.ask("copy", file());
        try (KernelLocks kernel = locks()) {
            while (kernel.tryExclusive(
                            ProcessTable.READERS_BYTE,
                            ProcessTable.WRITERS_BYTE - ProcessTable.READERS_BYTE)
                    instanceof KernelLocks.Held free) {
                free.release();
                LockSupport.parkNanos(10_000_000);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void systemPropertiesMayBePutBackWhileAReaderIsOpen(boolean portable) throws IOException {
        Cairn.open(file()).close();
        Child child = contained(portable);
        child.ask("restore", file());
        try (KernelLocks kernel = locks()) {
            assertThat(kernel.tryExclusive(ProcessTable.WRITERS_BYTE, ProcessTable.WRITERS_LENGTH))
                    .isInstanceOf(KernelLocks.Elsewhere.class);
        }
    }

    private KernelLocks locks() throws IOException {
        return KernelLocks.openExisting(directory.resolve("store.cairn-lock"), true);
    }

    /** A started program has its parent's descriptors until it executes. */
    @Test
    void programThatAProcessStartedDoesNotKeepItAlive() {
        Child child = children.start();
        child.ask("open", file());
        child.ask("put", "key", 100);
        ProcessHandle started =
                ProcessHandle.of(Long.parseLong(child.ask("spawn", "sleep 600"))).orElseThrow();
        try {
            child.kill();
            child.awaitDeath();
            try (CairnStore store = Cairn.open(file())) {
                assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
            }
            assertThat(started.isAlive()).isTrue();
        } finally {
            started.destroyForcibly();
        }
    }
}
