package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.Seed;
import dev.cairn.SmallScale;
import dev.cairn.Verification;
import dev.cairn.checkpoint.Verifier;
import dev.cairn.index.Mapped;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Attacks verification: what it holds, and what it says while others write. */
class VerifyTest {
    private static final int ENTRIES = 20_000;
    private static final int VERIFICATIONS = 12;
    private static final int WRITES_BETWEEN = 100;
    private static final Options ONE_STRIPE = Options.defaults().withStripes(1);

    @TempDir Path directory;
    private Path file;

    @BeforeEach
    void nameFile() {
        file = directory.resolve("store");
    }

    /**
     * Counts the bytes of log that are read while the lock is held, and the keys that are looked up
     * in one hold.
     */
    @Test
    void itReadsTheLogWithoutTheLock() throws IOException {
        try (CairnStore store = Cairn.open(file, ONE_STRIPE)) {
            for (int i = 0; i < ENTRIES; i++) {
                store.put(Content.key(i), Content.value(i, 0, 100));
            }
        }
        StoreFiles files = StoreFiles.of(file);
        OpenFile opened = OpenFile.open(files.data(), false); // closed with the mapping
        DataFiles.Prefix prefix = DataFiles.read(opened);
        Mapped mapped =
                PrivateReplay.of(
                        files,
                        mapped(opened, prefix),
                        prefix.header(),
                        prefix.newest(),
                        ONE_STRIPE);
        try {
            AtomicLong held = new AtomicLong();
            AtomicLong holds = new AtomicLong();
            Verifier[] verifier = new Verifier[1];
            Verifier.Quiet counting =
                    (_, look) -> {
                        long before = verifier[0].result().bytes();
                        look.run();
                        held.addAndGet(verifier[0].result().bytes() - before);
                        holds.incrementAndGet();
                        return true;
                    };
            verifier[0] = new Verifier(mapped, counting, true);
            verifier[0].verify(0);
            assertThat(verifier[0].result().damages()).isEmpty();
            assertThat(verifier[0].result().entries()).isEqualTo(ENTRIES);
            assertThat(verifier[0].result().bytes()).isGreaterThan(100L * ENTRIES);
            assertThat(held.get()).isZero();
            assertThat(holds.get()).isEqualTo(2); // one to repair, one to compare the counts
        } finally {
            mapped.close();
        }
    }

    /** Meanwhile regions are folded, evacuated and used again, and large values come and go. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSoundStoreIsSoundWhileOthersWrite(boolean readOnly) throws Exception {
        Random random = Seed.random(getClass());
        try (var _ = new SmallScale();
                CairnStore store = Cairn.open(file, Options.defaults().withStripes(2))) {
            AtomicBoolean stop = new AtomicBoolean();
            AtomicLong writes = new AtomicLong();
            Thread writer = Thread.ofPlatform().start(() -> write(store, random, writes, stop));
            try {
                for (int i = 0; i < VERIFICATIONS; i++) {
                    awaitWrites(writer, writes);
                    Verification found = readOnly ? verifyReadOnly() : store.verify();
                    assertThat(found.damages()).as("damages of %s", found).isEmpty();
                    assertThat(found.records()).isPositive();
                }
            } finally {
                stop.set(true);
                writer.join();
            }
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /** Verifies as another process does, which cannot hold writers off. */
    private Verification verifyReadOnly() throws IOException {
        Engine reading =
                ReadOnlyOpening.open(StoreFiles.of(file), Options.defaults().withReadOnly(true));
        try {
            return reading.verify();
        } finally {
            reading.close();
        }
    }

    /**
     * Waits for writes, so that each verification finds another store, however late the writer gets
     * its turn.
     */
    private static void awaitWrites(Thread writer, AtomicLong writes) {
        long before = writes.get();
        while (writes.get() < before + WRITES_BETWEEN) {
            assertThat(writer.isAlive()).isTrue();
            LockSupport.parkNanos(100_000);
        }
    }

    private static void write(
            CairnStore store, Random random, AtomicLong writes, AtomicBoolean stop) {
        for (long sequence = 1; !stop.get(); sequence++) {
            int number = random.nextInt(random.nextBoolean() ? 4 : 300);
            byte[] key = Content.key(number, random.nextInt(50) == 0 ? 1500 : 10);
            if (random.nextInt(4) == 0) {
                long _ = store.remove(key);
            } else {
                int length = random.nextInt(20) == 0 ? 9000 : random.nextInt(300);
                store.put(key, Content.value(number, sequence, length));
            }
            writes.incrementAndGet();
        }
    }

    private static MappedFile mapped(OpenFile file, DataFiles.Prefix prefix) throws IOException {
        return MappedFile.map(file, prefix.header().regionAt(prefix.newest().regions()));
    }
}
