package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Attacks what exceptions carry for those who catch them. The exceptions are made where they really
 * come about.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ExceptionsTest {
    private static final int BACKUPS = 8;
    private static final byte[] KEY = {1};
    private static final Options MANUAL = Options.defaults().withStripes(1).withManualCheckpoints();

    @TempDir Path directory;

    @AfterEach
    void listenNoMore() {
        Steps.listen(null);
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private CairnStore filled() {
        CairnStore store = Cairn.open(file(), MANUAL);
        store.put(KEY, Content.value(1, 0, 100));
        store.checkpoint();
        return store;
    }

    /**
     * A checkpoint frees the regions that wait for one, and the exception must say how many those
     * are.
     */
    @Test
    void aFullStoreTellsWhatWasWantedAndWhatACheckpointFrees() {
        long regionBytes = regionBytes();
        try (CairnStore store = Cairn.open(file(), MANUAL.withMaxBytes(20 * regionBytes))) {
            StoreFull full = putUntilFull(store);
            assertThat(full.path()).isEqualTo(file());
            assertThat(full.wanted()).isEqualTo(regionBytes);
            assertThat(full.freedByCheckpoint()).isZero();
            store.checkpoint();

            StoreFull waiting = putUntilFull(store);
            assertThat(waiting.freedByCheckpoint())
                    .isPositive()
                    .isEqualTo(store.stats().waitingRegions() * regionBytes);
            long free = store.stats().freeRegions();
            store.checkpoint();
            assertThat((store.stats().freeRegions() - free) * regionBytes)
                    .isEqualTo(waiting.freedByCheckpoint());

            byte[] endless = new byte[Math.toIntExact(30 * regionBytes)];
            StoreFull large = catchThrowableOfType(StoreFull.class, () -> store.put(KEY, endless));
            assertThat(large.wanted()).isBetween(30 * regionBytes, 32 * regionBytes);
        }
    }

    private long regionBytes() {
        try (CairnStore store = Cairn.open(file(), MANUAL)) {
            return store.stats().regionBytes();
        }
    }

    /** Puts the same keys in the same order each time until the store is full. */
    private static StoreFull putUntilFull(CairnStore store) {
        for (int i = 0; ; i++) {
            try {
                store.put(Content.key(i), Content.value(i, 0, 4000));
            } catch (StoreFull full) {
                return full;
            }
        }
    }

    @Test
    void theNinthBackupAtOnceTellsHowManyThereMayBe() throws Exception {
        CountDownLatch underWay = new CountDownLatch(BACKUPS);
        CountDownLatch mayEnd = new CountDownLatch(1);
        Steps.listen(step -> {
            if (step.equals("backup")) {
                underWay.countDown();
                await(mayEnd);
            }
        });
        try (CairnStore store = filled();
                ExecutorService threads = Executors.newCachedThreadPool()) {
            List<Future<Long>> backups = new ArrayList<>();
            for (int i = 0; i < BACKUPS; i++) {
                Path target = directory.resolve("backup" + i);
                backups.add(threads.submit(() -> store.backup(target)));
            }
            underWay.await();
            LimitReached ninth =
                    catchThrowableOfType(
                            LimitReached.class, () -> store.backup(directory.resolve("ninth")));
            mayEnd.countDown();
            assertThat(ninth.limit()).isEqualTo(BACKUPS);
            assertThat(ninth.path()).isEqualTo(file());
            for (Future<Long> backup : backups) {
                assertThat(backup.get()).isEqualTo(store.stats().durableEpoch());
            }
            store.backup(directory.resolve("ninth"));
        }
    }

    @Test
    void aDamagedFileTellsWhereAndTheWayOut() throws IOException {
        filled().close();
        byte[] bytes = Files.readAllBytes(file());
        int at = 20;
        bytes[at] ^= 1; // in the header
        Files.write(file(), bytes);
        CorruptStore damaged =
                catchThrowableOfType(CorruptStore.class, () -> Cairn.open(file(), MANUAL));
        assertThat(damaged.path()).isEqualTo(file());
        assertThat(damaged.offset()).isLessThan(4096);
        assertThat(damaged.wayOut()).hasValueSatisfying(way -> assertThat(way).contains("salvage"));
        assertThat(damaged.refusing()).isSameAs(damaged);

        Files.write(file(), new byte[0]);
        CorruptStore empty =
                catchThrowableOfType(CorruptStore.class, () -> Cairn.open(file(), MANUAL));
        assertThat(empty.offset()).isZero();
        assertThat(empty.found()).doesNotContain("remove");
        assertThat(empty.wayOut())
                .hasValueSatisfying(way ->
                        assertThat(way).contains("remove the file").doesNotContain("salvage"));
    }

    /** One exception of each type of the family, so that none is forgotten. */
    private List<CairnException> oneOfEach() {
        Path path = file();
        Duration waited = Duration.ofMillis(7);
        Exception cause = new IOException("cause");
        return List.of(
                new CorruptStore(path, 5, "this", "that"),
                new IncompatibleFormat(path, "why"),
                new StoreFull(path, "why", 1L << 40, 1L << 41, cause),
                new StoreClosed(path),
                new StoreInUse(path, "why"),
                new LockTimeout(path, "a lock", OptionalLong.of(4711), waited, "why"),
                new LimitReached(path, 8, "why"),
                new Overtaken(path, "why"),
                new CheckpointFailed(path, "why", cause),
                new StoreReplaced(path, "why"),
                new SystemFailure(path, "why", cause),
                new UndecodableEntry(path, "why", cause),
                new UnsupportedFileSystem(path, "why"));
    }

    @Test
    void theyOutliveSerialization() throws Exception {
        List<CairnException> all = oneOfEach();
        assertThat(all.stream().<Class<?>>map(Object::getClass))
                .containsExactlyInAnyOrder(CairnException.class.getPermittedSubclasses());
        for (CairnException each : all) {
            CairnException copy = copied(each);
            assertThat(copy).isExactlyInstanceOf(each.getClass()).hasMessage(each.getMessage());
            assertThat(copy.getMessage()).startsWith(file() + ": ");
            assertThat(copy.path()).isEqualTo(file());
        }
        assertThat(copied(new StoreFull(file(), "why", 3, 4, null)))
                .returns(3L, StoreFull::wanted)
                .returns(4L, StoreFull::freedByCheckpoint);
        assertThat(copied(new LimitReached(file(), 8, "why")).limit()).isEqualTo(8);
        for (OptionalLong holder :
                new OptionalLong[] {OptionalLong.of(4711), OptionalLong.empty()}) {
            Duration waited = Duration.ofMillis(7);
            assertThat(copied(new LockTimeout(file(), "a lock", holder, waited, "why")))
                    .returns("a lock", LockTimeout::awaited)
                    .returns(holder, LockTimeout::holder)
                    .returns(waited, LockTimeout::waited);
        }
        CorruptStore refused = new CorruptStore(file(), 5, "this", "that").refusing();
        assertThat(copied(refused))
                .returns(5L, CorruptStore::offset)
                .returns("this", CorruptStore::expected)
                .returns("that", CorruptStore::found)
                .returns(refused.wayOut(), CorruptStore::wayOut);
    }

    @SuppressWarnings({"unchecked", "BanSerializableRead"}) // this test wrote the bytes
    private static <T extends CairnException> T copied(T exception) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(exception);
        }
        try (ObjectInputStream in =
                new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (T) in.readObject();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
