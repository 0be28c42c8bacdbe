package dev.cairn.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Recovery;
import dev.cairn.SmallScale;
import dev.cairn.format.Place;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Beside;
import dev.cairn.index.Index;
import dev.cairn.index.Mapped;
import dev.cairn.log.DataFile;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.IntStream;

/** Attacks recovery: what it makes of a log must agree with what the words said before. */
@Timeout(60)
class ReplayTest {
    private static final int KEYS = 400;
    private static final int[] SAME = {
        StripeWords.OLDEST,
        StripeWords.OLDEST_NUMBER,
        StripeWords.TAIL,
        StripeWords.TAIL_NUMBER,
        StripeWords.LIVE_COUNT,
        StripeWords.LIVE_BYTES,
        StripeWords.LOG_BYTES,
        StripeWords.EARLIEST_EXPIRY
    };
    private static final byte[] LARGE = Content.value(7, 1, 10_000);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();
    private CairnStore store;

    @AfterEach
    void close() {
        store.close();
        scale.close();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private void open() {
        store = Cairn.open(file(), Options.defaults().withStripes(2).withManualCheckpoints());
    }

    private void openWithoutSharedMemory() throws IOException {
        store.close();
        Files.delete(Path.of(file() + "-shm"));
        open();
    }

    /**
     * Makes puts, changes, removals, expiries and values in runs. Some are live, some superseded.
     */
    private void fill() {
        open();
        for (int key = 0; key < KEYS; key++) {
            store.put(Content.key(key), Content.value(key, 1, 40));
        }
        for (int key = 0; key < KEYS; key += 3) {
            store.put(Content.key(key), Content.value(key, 2, 30), Duration.ofDays(key + 1L));
        }
        for (int key = 0; key < KEYS; key += 7) {
            store.remove(Content.key(key));
        }
        for (int key = 1; key < 9; key++) {
            store.put(Content.key(key), LARGE);
        }
        store.put(Content.key(2), Content.value(2, 3, 20));
        store.remove(Content.key(3));
        store.put(Content.key(4), LARGE);
        byte[] longKey = Content.key(5, 9_000);
        store.put(longKey, LARGE);
        store.remove(Content.key(6, 9_000));
        store.checkpoint();
    }

    /** The number of every live region, and who owns it. */
    private static Map<Long, String> owners(DataFile data) {
        Map<Long, String> owners = new TreeMap<>();
        for (long region = 0; region < data.regions(); region++) {
            if (data.stripeOf(region) >= 0) {
                owners.put(region, data.stripeOf(region) + " " + data.number(region));
            }
        }
        return owners;
    }

    private record Said(
            List<Long> words, List<Long> versions, Map<Long, String> owners, long allocations) {}

    private Said said() throws IOException {
        Mapped mapped = Beside.map(file());
        try {
            List<Long> words =
                    IntStream.range(0, 2)
                            .boxed()
                            .flatMap(stripe ->
                                    IntStream.of(SAME)
                                            .mapToObj(field ->
                                                    mapped.shared().stripe(stripe).acquire(field)))
                            .toList();
            List<Long> versions =
                    IntStream.range(0, 2)
                            .mapToObj(stripe ->
                                    mapped.shared().stripe(stripe).acquire(StripeWords.VERSION))
                            .toList();
            return new Said(
                    words,
                    versions,
                    owners(mapped.data()),
                    mapped.shared().acquire(SharedLayout.ALLOCATIONS));
        } finally {
            mapped.close();
        }
    }

    private Map<String, Integer> content() {
        Map<String, Integer> content = new TreeMap<>();
        store.forEach((key, value) ->
                content.put(
                        java.util.HexFormat.of().formatHex(key), java.util.Arrays.hashCode(value)));
        return content;
    }

    @Test
    void whatIsRebuiltIsWhatThereWas() throws IOException {
        fill();
        Said before = said();
        Map<String, Integer> content = content();
        for (int turn = 1; turn <= 2; turn++) {
            openWithoutSharedMemory();
            Said after = said();
            assertThat(after.words).isEqualTo(before.words);
            for (int stripe = 0; stripe < 2; stripe++) {
                assertThat(after.versions.get(stripe))
                        .isEqualTo(before.versions.get(stripe) + turn * Replay.VERSIONS_APART);
            }
            Mapped mapped = Beside.map(file());
            for (int stripe = 0; stripe < 2; stripe++) {
                assertThat(mapped.shared().stripe(stripe).acquire(StripeWords.CUT_VERSION))
                        .as("version up to which nothing may be overwritten")
                        .isEqualTo(after.versions.get(stripe));
            }
            mapped.close();
            assertThat(after.owners).isEqualTo(before.owners);
            assertThat(after.allocations)
                    .as("allocations, as no number is given twice")
                    .isGreaterThanOrEqualTo(before.allocations + turn * Replay.NUMBERS_APART);
            assertThat(content()).isEqualTo(content);
            for (int key = 0; key < KEYS; key++) {
                boolean removed = key % 7 == 0 && !(key >= 1 && key < 9) || key == 3;
                assertThat(store.get(Content.key(key)) == null)
                        .as("key %d", key)
                        .isEqualTo(removed);
            }
            assertThat(store.get(Content.key(5, 9_000))).isEqualTo(LARGE);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /**
     * The damage is in the run whose record counts. The runs of the others belong to nobody by now.
     */
    @Test
    void damagedRunOfALiveEntryEndsTheRecovery() throws IOException {
        fill();
        Mapped mapped = Beside.map(file());
        byte[] key = Content.key(8);
        long hash = mapped.hash().of(key);
        int stripe = mapped.index().stripe(hash);
        Index.Found found = mapped.index().find(mapped.shared().table(stripe), hash, key);
        assertThat(found).isNotNull();
        long run = mapped.records().outlineLocked(SlotWord.offset(found.slot())).run();
        long at = mapped.data().regionAt(Place.region(run)) + RegionHeader.BYTES + 100;
        long word = Words.plain(mapped.data().file().first(), at);
        Words.setPlain(mapped.data().file().first(), at, ~word);
        assertThatThrownBy(this::openWithoutSharedMemory).isInstanceOf(CorruptStore.class);
        Words.setPlain(mapped.data().file().first(), at, word);
        mapped.close();
        open();
        assertThat(store.get(key)).isEqualTo(LARGE);
    }

    @Test
    void recoveryTellsHowMuchItRead() throws IOException {
        fill();
        openWithoutSharedMemory();
        assertThat(store.recovery().bytes()).isGreaterThan(400 * 64);
    }

    private UUID timeline() throws IOException {
        Mapped mapped = Beside.map(file());
        try {
            return new UUID(
                    mapped.shared().acquire(SharedLayout.TIMELINE),
                    mapped.shared().acquire(SharedLayout.TIMELINE + Long.BYTES));
        } finally {
            mapped.close();
        }
    }

    /**
     * Epochs and versions of one timeline belong to no other, so the next checkpoint must be of the
     * new one.
     */
    @Test
    void recoveryBeginsANewTimeline() throws IOException {
        fill();
        UUID before = timeline();
        openWithoutSharedMemory();
        UUID after = timeline();
        assertThat(after.getMostSignificantBits()).isNotEqualTo(before.getMostSignificantBits());
        assertThat(after.getLeastSignificantBits()).isNotEqualTo(before.getLeastSignificantBits());
        store.close();
        open();
        assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
        assertThat(timeline()).isEqualTo(after);
    }

    @Test
    void emptyStoreIsRebuiltEmpty() throws IOException {
        open();
        store.checkpoint();
        openWithoutSharedMemory();
        assertThat(store.size()).isZero();
        store.put(Content.key(1), LARGE);
        assertThat(store.get(Content.key(1))).isEqualTo(LARGE);
    }

    /** Of many entries that the log names few are left, so the first tables are too small. */
    @Test
    void tablesGrowWhileTheLogIsReplayed() throws IOException {
        System.setProperty("dev.cairn.region-bytes", "65536");
        open();
        int many = 1_900;
        for (int key = 0; key < many; key++) {
            store.put(Content.key(key), new byte[1]);
        }
        for (int key = 3; key < many; key++) {
            store.remove(Content.key(key));
        }
        openWithoutSharedMemory();
        assertThat(store.recovery().bytes()).isGreaterThan(32L * many);
        assertThat(store.size()).isEqualTo(3);
        assertThat(store.stats().indexSlots()).isGreaterThan(many / 2);
        for (int key = 0; key < 5; key++) {
            assertThat(store.get(Content.key(key)) == null).as("key %d", key).isEqualTo(key > 2);
        }
        assertThat(store.verify().damages()).isEmpty();
    }
}
