package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.StoreReplaced;
import dev.cairn.format.ProcessWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.KernelLocks.Held;
import dev.cairn.os.MappedFile;
import dev.cairn.os.ProcessIdentity;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Attacks the locks on both files of a store, and looks at what is left of them when the store is
 * opened and closed.
 */
@Timeout(120)
class OpeningLocksTest {
    private static final long WRITER = SharedLayout.processAt(0);
    private static final int CLOSES = 40;
    private static final int CREATIONS = 1_000;
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(3);
    private static final Options QUIET = Options.defaults().withStripes(1).withManualCheckpoints();

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private Path beside(String suffix) {
        return directory.resolve("store.cairn" + suffix);
    }

    private void create() {
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            store.put(Content.key(1), Content.value(1, 1, 100));
        }
    }

    @AfterEach
    void listenNoMore() {
        Steps.listen(null);
    }

    /** Somebody looks without the open lock while another process creates the store. */
    @Test
    void nameOfAStoreThatIsBeingCreatedIsNoSecondName()
            throws IOException, InterruptedException, ExecutionException {
        AtomicReference<StoreFiles> created = new AtomicReference<>(StoreFiles.of(file()));
        AtomicBoolean ended = new AtomicBoolean();
        CompletableFuture<Void> looks =
                CompletableFuture.runAsync(() -> {
                    while (!ended.get()) {
                        look(created.get());
                    }
                });
        for (int i = 0; i < CREATIONS && !looks.isDone(); i++) {
            StoreFiles next = StoreFiles.of(directory.resolve("store" + i));
            Path last = created.getAndSet(next).data();
            Files.deleteIfExists(last);
            Files.createFile(next.dataBeingMade());
            Files.createLink(next.data(), next.dataBeingMade());
            Files.delete(next.dataBeingMade());
        }
        ended.set(true);
        assertThat(looks.get()).isNull();
    }

    private static void look(StoreFiles files) {
        try {
            files.requireOneName();
        } catch (NoSuchFileException e) {
            assertThat(e.getFile())
                    .as("the file that is not there yet")
                    .isEqualTo(files.data().toString());
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** An opener may be stopped for longer than anybody waits for the dead. */
    @Test
    void lockOnTheDataFileIsGivenBackBeforeThatOnTheLockFile()
            throws IOException, InterruptedException, ExecutionException {
        create();
        AtomicBoolean ended = new AtomicBoolean();
        CompletableFuture<Integer> looks =
                CompletableFuture.supplyAsync(() -> lookUntil(ended, beside("-lock"), file()));
        for (int i = 0; i < CLOSES && !looks.isDone(); i++) {
            Cairn.open(file(), QUIET).close();
            Cairn.open(file(), QUIET.withReadOnly(true)).close();
        }
        ended.set(true);
        assertThat(looks.get()).isPositive();
    }

    /**
     * Looks at the locks as whoever opens the store does. Returns how often nobody had the store.
     */
    private static int lookUntil(AtomicBoolean ended, Path lock, Path data) {
        int nobody = 0;
        try (KernelLocks locks = KernelLocks.openExisting(lock, true);
                KernelLocks second = KernelLocks.openExisting(data, true)) {
            while (!ended.get()) {
                int before = nobody;
                if (!(locks.tryExclusive(ProcessTable.OPEN_BYTE, 1) instanceof Held open)) {
                    continue;
                }
                if (locks.tryExclusive(ProcessTable.READERS_BYTE, ProcessTable.MEMBERS_LENGTH)
                        instanceof Held members) {
                    Held all =
                            (Held)
                                    second.tryExclusive(
                                            DataLock.AT + ProcessTable.READERS_BYTE,
                                            ProcessTable.MEMBERS_LENGTH);
                    all.release();
                    members.release();
                    nobody++;
                }
                open.release();
                LockSupport.parkNanos(nobody == before ? 0 : PAUSE_NANOS);
            }
            return nobody;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * The reader has the new lock file. The writer, of another container, has the one that is gone.
     */
    @Test
    void writerWithAnotherLockFileIsSeenThoughAReaderHasThisOne() throws IOException {
        create();
        try (CairnStore reader = Cairn.open(file(), QUIET.withReadOnly(true));
                KernelLocks locks = KernelLocks.openExisting(file(), true);
                MappedFile shared =
                        MappedFile.map(beside("-shm"), SharedLayout.STRIPE_DESCRIPTORS, true)) {
            assumeTrue(locks.areCertain(), "no native access, or no such locks here");
            MemorySegment table = shared.first();
            long incarnation = enterUnseen(table);
            Held its = (Held) locks.tryExclusive(DataLock.AT + ProcessTable.WRITERS_BYTE, 1);
            assertThatThrownBy(() -> Cairn.open(file(), QUIET))
                    .isInstanceOf(StoreReplaced.class)
                    .hasMessageContaining("with another lock file");
            assertThat(Words.acquire(table, WRITER + ProcessWords.INCARNATION))
                    .as("incarnation that names the writer in lock words")
                    .isEqualTo(incarnation);
            its.release();
            try (CairnStore store = Cairn.open(file(), QUIET)) {
                store.put(Content.key(2), Content.value(2, 1, 100));
            }
            assertThat(reader.get(Content.key(2))).isEqualTo(Content.value(2, 1, 100));
        }
    }

    private static long enterUnseen(MemorySegment table) {
        ProcessIdentity self = ProcessIdentity.self();
        long incarnation = Words.acquire(table, WRITER + ProcessWords.INCARNATION) + 1;
        Words.release(table, WRITER + ProcessWords.INCARNATION, incarnation);
        Words.release(table, WRITER + ProcessWords.PID_NAMESPACE, self.pidNamespace() + 1);
        Words.release(table, WRITER + ProcessWords.LOCK_KIND, ProcessWords.LOCK_OF_DESCRIPTION);
        Words.release(table, WRITER + ProcessWords.STATE, ProcessWords.STATE_OPEN);
        return incarnation;
    }

    @Test
    void noDescriptorIsLeftWhereASharedMemoryFileProvesUseless() throws IOException {
        byte[] data;
        byte[] shared;
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            store.put(Content.key(1), Content.value(1, 1, 100));
            store.checkpoint();
            data = Files.readAllBytes(file());
            shared = Files.readAllBytes(beside("-shm"));
        }
        Files.write(file(), data); // as after a kill
        ByteBuffer.wrap(shared)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(SharedLayout.DURABLE, Long.MAX_VALUE);
        Files.write(beside("-shm"), shared);
        long before = descriptors();
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.REBUILT);
            assertThat(store.recovery().detail()).contains("damaged");
            assertThat(store.get(Content.key(1))).isEqualTo(Content.value(1, 1, 100));
        }
        assertThat(descriptors()).isEqualTo(before);
    }

    /** Counts the descriptors of this process that name files of the test. */
    private long descriptors() throws IOException {
        Path all = Path.of("/proc/self/fd");
        if (!Files.isReadable(all)) {
            return 0;
        }
        try (Stream<Path> descriptors = Files.list(all)) {
            return descriptors.filter(this::leadsHere).count();
        }
    }

    private boolean leadsHere(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).startsWith(directory);
        } catch (IOException _) {
            return false; // closed meanwhile
        }
    }

    /** The next may share the file that was opened, and no other. */
    @Test
    void fileThatComesToTheNameWhileTheStoreIsOpenedIsNotTakenForTheOther() throws IOException {
        create();
        Path other = directory.resolve("other.cairn");
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            store.backup(other);
        }
        Steps.listen(step -> {
            if (step.equals("O4 open block")) {
                try {
                    Files.move(other, file(), StandardCopyOption.REPLACE_EXISTING);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            }
        });
        CairnStore store = Cairn.open(file(), QUIET);
        Steps.listen(null);
        assertThatThrownBy(() -> Cairn.open(file(), QUIET)).isInstanceOf(StoreReplaced.class);
        assertThatThrownBy(store::close).isInstanceOf(StoreReplaced.class);
        assertThat(List.of(Cairn.open(file(), QUIET))).allSatisfy(CairnStore::close);
    }
}
