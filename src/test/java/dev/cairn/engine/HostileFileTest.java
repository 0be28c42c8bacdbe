package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CorruptStore;
import dev.cairn.IncompatibleFormat;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.Seed;
import dev.cairn.engine.Hostile.Damage;
import dev.cairn.engine.Hostile.Left;
import dev.cairn.engine.Hostile.Outcome;
import dev.cairn.format.BucketWords;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.TableWord;
import dev.cairn.format.Words;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Attacks the promise about files with arbitrary content: reads give right values, or a clear
 * exception that names the file, and never a hang, an enormous allocation or another error. After
 * damage to the data file no answer may be wrong. Words of the index have no checksum. If one of
 * them was changed, an entry may be hidden, and then verify must tell. The canaries are a wrong
 * value and a thread that never ends.
 */
class HostileFileTest {
    private static final long SIGN = 1L << 63;
    private static final long[] FLIPS = {1, 1L << 24, 1L << 45, 1L << 57, SIGN, -1};

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final List<String> bad = new ArrayList<>();
    private int cases;
    private int wrongButVerified;
    private int rolledBack;

    /**
     * One in so many of the words of records is tried, and one in so many ways to change a shared
     * word.
     */
    int oneOf() {
        return 6;
    }

    private void judge(Left left, String name, Outcome outcome) {
        judge(left, name, outcome, false);
    }

    /** @param ofIndex whether only words of the shared-memory file were changed */
    private void judge(Left left, String name, Outcome outcome, boolean ofIndex) {
        cases++;
        outcome.alarms().forEach(alarm -> bad.add(name + ": " + alarm));
        if (outcome.alarms().toString().contains("hangs")) {
            throw new AssertionError("the rest is not tried after " + name + ": " + outcome);
        }
        rolledBack += outcome.rolledBack() ? 1 : 0;
        if (outcome.rolledBack() && left == Left.CLOSED) {
            bad.add(name + ": lost what was closed, without an exception");
        }
        if (!outcome.wrong().isEmpty()) {
            wrongButVerified += outcome.told() && ofIndex ? 1 : 0;
            if (!outcome.told() || !ofIndex) {
                bad.add(name + ": wrong, told " + outcome.told() + ": " + outcome.wrong());
            }
        }
    }

    private void report(String what) {
        System.out.printf(
                "%s: %d cases, %d brought back to a checkpoint, %d wrong values that verify tells of,"
                        + " %d bad%n",
                what, cases, rolledBack, wrongButVerified, bad.size());
        assertThat(bad).isEmpty();
    }

    private static Damage flip(boolean ofShared, byte[] sound, int at, long mask) {
        return (data, shared) -> {
            byte[] bytes = sound.clone();
            Words.setPlain(bytes, at, Words.plain(bytes, at) ^ mask);
            Files.write(ofShared ? shared : data, bytes);
        };
    }

    private void flipShared(Hostile store, Left left, int at, long mask, boolean readOnly)
            throws IOException {
        String name = "shm word %d ^ 0x%x, read-only %s".formatted(at, mask, readOnly);
        judge(left, name, store.outcome(readOnly, flip(true, store.soundShared(), at, mask)), true);
    }

    @ParameterizedTest
    @EnumSource
    void flippedWordsOfTheSharedMemoryFile(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        Random random = Seed.random(getClass());
        List<Integer> words = new ArrayList<>();
        add(words, 0, SharedLayout.DIRECTORY + SharedLayout.DIRECTORY_ENTRIES * 8);
        add(words, SharedLayout.PROCESSES, SharedLayout.PROCESSES + 128);
        add(words, SharedLayout.STRIPE_DESCRIPTORS, (int) SharedLayout.stripeAt(Hostile.stripes()));
        words.removeAll(wordsOfTheirOwnTests());
        for (int at : words) {
            for (int i = at / Long.BYTES % oneOf(); i < FLIPS.length; i += oneOf()) {
                flipShared(store, left, at, FLIPS[i], random.nextInt(4) == 0);
            }
        }
        report(left + ", words of the shared-memory file");
    }

    private static List<Integer> wordsOfTheirOwnTests() {
        List<Integer> words = new ArrayList<>(List.of(SharedLayout.CLOCK, SharedLayout.DIRECTORY));
        for (int stripe = 0; stripe < Hostile.stripes(); stripe++) {
            int at = (int) SharedLayout.stripeAt(stripe);
            words.add(at + StripeWords.VERSION);
            words.add(at + StripeWords.LIVE_COUNT);
        }
        return words;
    }

    private static void add(List<Integer> words, int from, int to) {
        for (int at = from; at < to; at += Long.BYTES) {
            words.add(at);
        }
    }

    @ParameterizedTest
    @EnumSource
    void versionsThatAreNone(Left left) throws IOException {
        flipEach(left, StripeWords.VERSION);
    }

    @ParameterizedTest
    @EnumSource
    void countsThatAreNone(Left left) throws IOException {
        flipEach(left, StripeWords.LIVE_COUNT);
    }

    private void flipEach(Left left, int field) throws IOException {
        Hostile store = new Hostile(directory, left);
        for (int stripe = 0; stripe < Hostile.stripes(); stripe++) {
            for (long mask : FLIPS) {
                flipShared(store, left, (int) SharedLayout.stripeAt(stripe) + field, mask, false);
            }
        }
        report(left + ", stripe words at " + field);
    }

    @ParameterizedTest
    @EnumSource
    void ownerTablesThatAreNone(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        for (long mask : FLIPS) {
            flipShared(store, left, SharedLayout.DIRECTORY, mask, false);
        }
        report(left + ", directory");
    }

    /** A clock that is ahead must not make entries disappear without anybody being told. */
    @ParameterizedTest
    @EnumSource
    void clockThatIsAhead(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        for (long mask : FLIPS) {
            flipShared(store, left, SharedLayout.CLOCK, mask, false);
        }
        report(left + ", clock");
    }

    @ParameterizedTest
    @EnumSource
    void flippedBitsOfOwnerTablesAndSlots(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        Random random = Seed.random(getClass());
        byte[] sound = store.soundShared();
        List<Integer> meta = metaWords(sound);
        for (int at = (int) SharedLayout.areasAt(Hostile.stripes()); at < sound.length; at += 8) {
            if (Words.plain(sound, at) != 0 && !meta.contains(at)) {
                for (int i = 0; i < 4; i++) {
                    flipShared(store, left, at, 1L << random.nextInt(64), random.nextInt(4) == 0);
                }
            }
        }
        report(left + ", owner tables and slot words");
    }

    /** A tag or an overflow count may hide an entry. Then get misses it, and verify must tell. */
    @ParameterizedTest
    @EnumSource
    void flippedBitsOfTags(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        for (int at : metaWords(store.soundShared())) {
            for (int bit = 0; bit < 64; bit += 3) {
                flipShared(store, left, at, 1L << bit, bit % 2 == 0);
            }
        }
        report(left + ", meta words");
    }

    private static List<Integer> metaWords(byte[] shared) {
        List<Integer> words = new ArrayList<>();
        for (int stripe = 0; stripe < Hostile.stripes(); stripe++) {
            long table =
                    Words.plain(shared, (int) SharedLayout.stripeAt(stripe) + StripeWords.TABLE);
            int at = (int) TableWord.offset(table);
            for (int bucket = 0; bucket < 1 << TableWord.log2(table); bucket++) {
                words.add(at + bucket * BucketWords.BYTES);
            }
        }
        return words;
    }

    private void flipData(Hostile store, Left left, int at, long mask, boolean readOnly)
            throws IOException {
        String name = "data word %d ^ 0x%x, read-only %s".formatted(at, mask, readOnly);
        judge(left, name, store.outcome(readOnly, flip(false, store.soundData(), at, mask)));
    }

    @ParameterizedTest
    @EnumSource
    void flippedWordsOfTheHeader(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        for (int at = 0; at < DataHeader.BYTES; at += 8) {
            for (long mask : FLIPS) {
                flipData(store, left, at, mask, false);
                flipData(store, left, at, mask, true);
            }
        }
        for (int at = (int) DataHeader.OPEN_BLOCK_AT; at < DataHeader.OPEN_BLOCK_AT + 48; at += 8) {
            flipData(store, left, at, 1L << at % 64, at % 16 == 0);
        }
        report(left + ", header and open block");
    }

    /**
     * The newest checkpoint is damaged too. After a clean close the one before it is not what the
     * store held.
     */
    @ParameterizedTest
    @EnumSource
    void flippedWordsOfTheCheckpoints(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        int stripes = Hostile.stripes();
        for (int slot = 0; slot < 2; slot++) {
            int from = (int) DataHeader.slotAt(slot, stripes);
            int to = from + CheckpointSlot.CUTS + stripes * CheckpointSlot.CUT_BYTES;
            for (int at = from; at < to; at += 8) {
                flipData(store, left, at, 1L << at / 8 % 64, at % 16 == 0);
            }
        }
        report(left + ", checkpoint slots");
    }

    @ParameterizedTest
    @EnumSource
    void flippedBitsOfRegionsAndRecords(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        Random random = Seed.random(getClass());
        byte[] sound = store.soundData();
        int from = (int) DataHeader.slotAt(2, Hostile.stripes());
        for (int at = from; at < sound.length; at += 8) {
            boolean regionHeader = (at - from) % 4096 < RegionHeader.BYTES;
            if (regionHeader || Words.plain(sound, at) != 0 && random.nextInt(2 * oneOf()) == 0) {
                flipData(store, left, at, 1L << random.nextInt(64), random.nextInt(4) == 0);
            }
        }
        report(left + ", regions and records");
    }

    @ParameterizedTest
    @EnumSource
    void filesThatWereCutOff(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        Random random = Seed.random(getClass());
        byte[] soundData = store.soundData();
        byte[] soundShared = store.soundShared();
        for (int i = 0; i < 150; i++) {
            int length = i < 40 ? i * 512 : random.nextInt(soundData.length);
            Damage cutData = (data, _) -> Files.write(data, Arrays.copyOf(soundData, length));
            judge(left, "data cut to " + length, store.outcome(i % 3 == 0, cutData));
            int sharedLength = i < 40 ? i * 2048 : random.nextInt(soundShared.length);
            Damage cutShared =
                    (_, shared) -> Files.write(shared, Arrays.copyOf(soundShared, sharedLength));
            judge(left, "shm cut to " + sharedLength, store.outcome(i % 3 == 0, cutShared));
        }
        report(left + ", truncations");
    }

    @ParameterizedTest
    @EnumSource
    void filesOfOthersAndRandomBytes(Left left) throws IOException {
        Hostile store = new Hostile(directory, left);
        Hostile other = new Hostile(Files.createDirectory(directory.resolve("other")), left);
        Random random = Seed.random(getClass());
        for (boolean readOnly : new boolean[] {false, true}) {
            judge(
                    left,
                    "another's shm",
                    store.outcome(
                            readOnly, (_, shared) -> Files.write(shared, other.soundShared())));
            judge(left, "no shm", store.outcome(readOnly, (_, shared) -> Files.delete(shared)));
            judge(
                    left,
                    "no data",
                    store.outcome(readOnly, (data, _) -> Files.write(data, new byte[0])));
            for (int i = 0; i < 20; i++) {
                byte[] noise = new byte[random.nextInt(200_000)];
                random.nextBytes(noise);
                judge(
                        left,
                        "noise as data",
                        store.outcome(readOnly, (data, _) -> Files.write(data, noise)));
                byte[] behind = store.soundShared();
                System.arraycopy(
                        noise, 0, behind, 4096, Math.min(noise.length, behind.length - 4096));
                judge(
                        left,
                        "noise as shm",
                        store.outcome(readOnly, (_, shared) -> Files.write(shared, noise)));
            }
        }
        report(left + ", others' files and noise");
    }

    /** Another store's data file must show that store's own values, and none of this store's. */
    @Test
    void dataFileOfAnotherStoreIsTheOtherStore() throws IOException {
        Path mine = directory.resolve("mine.cairn");
        Path other = directory.resolve("other.cairn");
        for (Path each : List.of(mine, other)) {
            try (CairnStore store = Cairn.open(each)) {
                store.put(
                        new byte[] {1},
                        each.getFileName()
                                .toString()
                                .getBytes(java.nio.charset.StandardCharsets.UTF_8));
            }
        }
        Files.write(mine, Files.readAllBytes(other));
        try (CairnStore store = Cairn.open(mine)) {
            assertThat(store.get(new byte[] {1}))
                    .asString(java.nio.charset.StandardCharsets.UTF_8)
                    .isEqualTo("other.cairn");
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    @Test
    void messagesNameFileOffsetExpectedAndFound() throws IOException {
        Hostile store = new Hostile(directory, Left.CLOSED);
        byte[] damaged = store.soundData();
        damaged[DataHeader.STORE_ID] ^= 1;
        Files.write(store.data(), damaged);
        assertThatThrownBy(() -> Cairn.open(store.data()))
                .isInstanceOfSatisfying(
                        CorruptStore.class,
                        e -> {
                            assertThat(e.path()).isEqualTo(store.data());
                            assertThat(e.offset()).isEqualTo(DataHeader.CRC);
                            assertThat(e)
                                    .hasMessage(
                                            "%s: at byte 60: expected %s, found %s; use Cairn.salvage, or"
                                                    + " 'cairn salvage FILE TARGET', to copy what is"
                                                    + " sound to a new store",
                                            store.data(), e.expected(), e.found());
                            assertThat(e.expected()).contains("CRC 0x");
                        });
        Files.write(store.data(), Arrays.copyOf(store.soundData(), 30_000));
        assertThatThrownBy(() -> Cairn.open(store.data()))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining(store.data() + ": at byte 30000")
                .hasMessageContaining("truncated");
    }

    @Test
    void otherFormatsAreNamed() throws IOException {
        Hostile store = new Hostile(directory, Left.CLOSED);
        byte[] newer = store.soundData();
        Words.setIntPlain(newer, DataHeader.FORMAT_VERSION, 2);
        Files.write(store.data(), newer);
        assertThatThrownBy(() -> Cairn.open(store.data()))
                .isInstanceOf(IncompatibleFormat.class)
                .hasMessageContaining(store.data() + ": has format version 2")
                .hasMessageContaining("use the Cairn that wrote it");
        Files.write(store.data(), new byte[8192]);
        assertThatThrownBy(() -> Cairn.open(store.data()))
                .isInstanceOf(IncompatibleFormat.class)
                .hasMessageContaining(store.data() + ": is not a Cairn store");
        Files.write(store.data(), new byte[0]);
        assertThatThrownBy(() -> Cairn.open(store.data()))
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining(store.data() + ": at byte 0");
    }

    /**
     * Seed 122178029 of FuzzTest: the words of the file fit each other, but not the content of the
     * data file.
     */
    @Test
    void sharedMemoryFileOfBeforeTheNewestCheckpointIsNotUsed() throws IOException {
        Path file = directory.resolve("older.cairn");
        Path shared = directory.resolve("older.cairn-shm");
        byte[] key = {1};
        byte[] data;
        byte[] before;
        try (CairnStore store = Cairn.open(file, Options.defaults().withManualCheckpoints())) {
            store.put(key, new byte[] {1});
            before = Files.readAllBytes(shared);
            store.put(key, new byte[] {2});
            long _ = store.checkpoint();
            data = Files.readAllBytes(file);
        }
        Files.write(file, data);
        Files.write(shared, before);
        try (CairnStore store = Cairn.open(file)) {
            assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.REBUILT);
            assertThat(store.recovery().detail()).contains("older than the newest checkpoint");
            assertThat(store.get(key)).containsExactly(2);
        }
    }

    /** Seed 4009069239 of FuzzTest: whoever asked for a version keeps it and compares it later. */
    @Test
    void versionThatWasChangedIsNotReturned() throws IOException {
        Path file = directory.resolve("version.cairn");
        byte[] key = {1};
        try (CairnStore store = Cairn.open(file, Options.defaults().withStripes(1))) {
            store.put(key, new byte[] {1});
        }
        byte[] bytes = Files.readAllBytes(file);
        int record = (int) DataHeader.slotAt(2, 1) + RegionHeader.BYTES;
        assertThat(Words.plain(bytes, record)).isEqualTo(1);
        Words.setPlain(bytes, record, Integer.MAX_VALUE);
        Files.write(file, bytes);
        try (CairnStore store = Cairn.open(file)) {
            assertThatThrownBy(() -> store.version(key)).isInstanceOf(CorruptStore.class);
        }
    }

    /**
     * Seed 3455589930 of FuzzTest: a table of one bucket whose slots are taken by what are no
     * entries, in a stripe that says that it has none. The table was built anew in the same size
     * forever.
     */
    @Test
    void fullTableOfAStripeWithoutEntries() throws IOException {
        Hostile store = new Hostile(directory, Left.KILLED);
        byte[] damaged = store.soundShared();
        int stripe = (int) SharedLayout.stripeAt(0);
        long table = Words.plain(damaged, stripe + StripeWords.TABLE);
        for (int slot = 0; slot < BucketWords.SLOTS; slot++) {
            int at = (int) TableWord.offset(table) + BucketWords.FIRST_SLOT + slot * Long.BYTES;
            Words.setPlain(damaged, at, Words.plain(damaged, SharedLayout.STORE_ID) | 1L << 63);
        }
        Arrays.fill(damaged, stripe, stripe + StripeWords.BYTES, (byte) 0);
        Words.setPlain(
                damaged, stripe + StripeWords.TABLE, TableWord.of(TableWord.offset(table), 0, 1));
        Damage damage = (_, shared) -> Files.write(shared, damaged);
        judge(Left.KILLED, "full table", store.outcome(false, damage), true);
        report("a full table");
    }

    /** The canaries: a wrong value, and a thread that never ends. */
    @Test
    void wrongValuesAndHangsAreNoticed() throws IOException {
        Hostile store = new Hostile(directory, Left.CLOSED);
        judge(Left.CLOSED, "undamaged", store.outcome(false, (_, _) -> {}));
        assertThat(bad).isEmpty();
        store.expectWrongly();
        judge(Left.CLOSED, "wrong", store.outcome(false, (_, _) -> {}));
        assertThat(bad).hasSize(1);
        assertThat(Watch.watchSleeper(store.data())).contains("hangs in").contains("park");
    }
}
