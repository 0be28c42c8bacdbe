package dev.cairn.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.Seed;
import dev.cairn.SmallScale;
import dev.cairn.Versioned;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;
import dev.cairn.os.MappedFile;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * Attacks RULES 34 and 35. A record is written back and then overwritten in place. A force fails,
 * the kernel drops the page, and reads the older record back, whose checksum is right there. The
 * count of overwrites must tell. The canary is a slot word that does not count.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OlderRecordTest {
    private static final Options OPTIONS =
            Options.defaults().withManualCheckpoints().withStripes(1);

    private static final byte[] KEY = Content.key(2, 8);
    private static final int BYTES = 100;

    private static long seed;
    private int plays;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    @BeforeAll
    static void seed() {
        seed = Seed.random(OlderRecordTest.class).nextLong();
    }

    @BeforeEach
    void machine() {
        Machine.install();
    }

    @AfterEach
    void system() {
        Machine.uninstall();
        scale.close();
    }

    private Path newStore() throws IOException {
        return Files.createDirectory(directory.toRealPath().resolve("play" + plays++))
                .resolve("store.cairn");
    }

    private Rig create() throws IOException {
        Rig rig = Rig.create(newStore(), OPTIONS, new Random(seed));
        rig.machine().captureAt((_, _) -> false);
        return rig;
    }

    /**
     * Leaves an older record of the key in its place.
     *
     * @param before how often it was overwritten before it was written back
     * @param since how often it was overwritten after that
     * @return the record that is there again
     */
    private static Versioned bringBack(Rig rig, int before, int since) throws IOException {
        rig.put(1, 8, BYTES);
        rig.checkpoint();
        rig.put(KEY, BYTES);
        rig.put(3, 8, BYTES);
        overwrite(rig, before);
        rig.machine().writeBack();
        Versioned older = rig.store().getVersioned(KEY);
        overwrite(rig, since);
        rig.loseNextForce();
        assertThat(older).isNotNull();
        return older;
    }

    private static void overwrite(Rig rig, int times) {
        long before = rig.store().stats().overwritesInPlace();
        for (int time = 0; time < times; time++) {
            rig.put(KEY, BYTES);
        }
        assertThat(rig.store().stats().overwritesInPlace()).isEqualTo(before + times);
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "0, 2", "0, 31", "1, 1", "3, 4", "30, 1"})
    void olderRecordIsNoticed(int before, int since) throws IOException {
        try (Rig rig = create()) {
            Versioned _ = bringBack(rig, before, since);
            CairnStore store = rig.store();
            String said = "overwritten %d times".formatted(before);
            assertDamaged(said, () -> store.get(KEY));
            assertDamaged(said, () -> store.getVersioned(KEY));
            assertDamaged(said, () -> store.getAll(List.of(Content.key(1, 8), KEY)));
            assertDamaged(said, () -> store.read(KEY, value -> value.byteSize()));
            assertDamaged(said, () -> store.forEach((_, _) -> {}));
            assertThat(store.get(Content.key(1, 8))).hasSize(BYTES);
            assertThat(store.get(Content.key(3, 8))).hasSize(BYTES);
            assertThat(store.verify().damages().toString()).contains(said);
            assertDamaged(said, rig::checkpoint);
            assertThatThrownBy(() -> store.put(KEY, new byte[BYTES]))
                    .isInstanceOf(CheckpointFailed.class);
            assertDamaged(said, rig::checkpoint);
            rig.machine().attempt(null);
        }
    }

    private interface Reading {
        Object read();
    }

    private static void assertDamaged(String said, Reading reading) {
        assertThatThrownBy(reading::read)
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining(said);
    }

    private static void assertDamaged(String said, Runnable action) {
        assertThatThrownBy(action::run).isInstanceOf(CorruptStore.class).hasMessageContaining(said);
    }

    /** The processes are killed too. The next one must not take the older record for the newest. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void olderRecordIsNoticedAtAnUncleanOpening(boolean trusting) throws IOException {
        Killed killed;
        try (Rig rig = create()) {
            Versioned older = bringBack(rig, 0, 1);
            if (trusting) {
                trust(rig, older);
            }
            killed = rig.machine().kill(rig.standing(), "lost");
        }
        assertThat(killed).isNotNull();
        Path left = newStore();
        try (Machine machine = new Machine(left, new Random(seed))) {
            machine.captureAt((_, _) -> false);
            machine.begin(killed);
            machine.turnOn();
            try (CairnStore store = Rig.open(left, OPTIONS)) {
                assertThat(store.recovery().kind())
                        .isEqualTo(trusting ? Kind.REPAIRED : Kind.REBUILT);
                assertThat(store.get(KEY)).isEqualTo(trusting ? store.get(KEY) : null);
                assertThat(store.containsKey(KEY)).isEqualTo(trusting);
                assertThat(store.get(Content.key(1, 8))).hasSize(BYTES);
            }
            machine.turnOff();
        }
    }

    /**
     * The canary: if the slot word does not count, the older record is read and made durable, and
     * nobody is told.
     */
    @Test
    void canaryASlotWordThatDoesNotCountIsCaught() throws IOException {
        try (Rig rig = create()) {
            Versioned older = bringBack(rig, 0, 1);
            trust(rig, older);
            assertThat(rig.store().get(KEY)).isEqualTo(older.value());
            assertThatThrownBy(rig::requireEqualOrDamaged)
                    .isInstanceOf(AssertionError.class)
                    .hasMessageContaining("a read gives what is no more");
            rig.checkpoint();
            assertThat(rig.store().verify().damages()).isEmpty();
            assertThatThrownBy(rig::requireEqual).isInstanceOf(AssertionError.class);
        }
    }

    /** Makes every slot word say that its record was never overwritten. */
    @SuppressWarnings("MustBeClosed") // mapped until the JVM ends
    private static void trust(Rig rig, Versioned older) throws IOException {
        Path shared = rig.data().resolveSibling(rig.data().getFileName() + "-shm");
        MemorySegment words = MappedFile.map(shared, Files.size(shared), true).first();
        long table = Words.acquire(words, SharedLayout.stripeAt(0) + StripeWords.TABLE);
        long end = TableWord.offset(table) + TableWord.bytes(TableWord.log2(table));
        int changed = 0;
        for (long at = TableWord.offset(table); at < end; at += Long.BYTES) {
            long word = Words.acquire(words, at);
            boolean isSlot = at % 64 != 0;
            if (isSlot && word != 0 && SlotWord.count(word) != 0) {
                Words.release(words, at, SlotWord.withCount(word, 0));
                changed++;
            }
        }
        assertThat(changed).as("slot words of the overwritten record, %s", older).isEqualTo(1);
    }
}
