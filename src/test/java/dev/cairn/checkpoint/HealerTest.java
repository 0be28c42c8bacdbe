package dev.cairn.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SmallScale;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.DataHeader;
import dev.cairn.format.Place;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Beside;
import dev.cairn.index.Index;
import dev.cairn.index.Mapped;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Attacks healing after a force that failed: which pages are stored again, and what is verified
 * (RULE 21).
 */
@Timeout(60)
class HealerTest {
    private static final int STRIPES = 2;
    private static final byte[] LARGE = Content.value(7, 1, 100_000);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = SmallScale.inPlace();
    private final List<String> stored = new ArrayList<>();
    private boolean broken;
    private CairnStore store;
    private Mapped mapped;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    @BeforeEach
    void open() throws IOException {
        System.setProperty("dev.cairn.region-bytes", "32768"); // a region of several pages
        store = Cairn.open(file(), Options.defaults().withStripes(STRIPES).withManualCheckpoints());
        for (int key = 0; key < 300; key++) {
            store.put(Content.key(key), Content.value(key, 1, 500));
        }
        store.put(Content.key(1_000), LARGE);
        store.checkpoint();
        for (int key = 300; key < 500; key++) {
            store.put(Content.key(key), Content.value(key, 1, 500));
        }
        store.put(Content.key(1_001), LARGE);
        mapped = Beside.map(file());
        Medium.use(
                new Medium() {
                    @Override
                    public void force(MappedFile file, long from, long to) throws IOException {
                        if (broken) {
                            throw new IOException("by the test");
                        }
                    }

                    @Override
                    public void stored(MappedFile file, long from, long to) {
                        stored.add(from + " to " + to);
                    }
                });
    }

    @AfterEach
    void asUsual() {
        Medium.use(Medium.SYSTEM);
        mapped.close();
        store.close();
        scale.close();
    }

    private void failToCheckpoint() {
        broken = true;
        assertThatThrownBy(store::checkpoint).isInstanceOf(CheckpointFailed.class);
        broken = false;
        stored.clear();
    }

    private @Nullable CheckpointSlot durable() {
        for (int index = 0; index < 2; index++) {
            byte[] bytes = new byte[CheckpointSlot.bytes(STRIPES)];
            long at = DataHeader.slotAt(index, STRIPES);
            for (int i = 0; i < bytes.length; i += 8) {
                Words.setPlain(bytes, i, Words.plain(mapped.data().file().first(), at + i));
            }
            CheckpointSlot slot =
                    CheckpointSlot.decode(bytes, mapped.data().header().storeId(), index, STRIPES);
            if (slot != null && slot.epoch() == mapped.shared().acquire(SharedLayout.DURABLE)) {
                return slot;
            }
        }
        return null;
    }

    /**
     * Everything that a checkpoint does not prove, from the page of its tail up to the present
     * tail.
     */
    private List<String> expected(@Nullable CheckpointSlot durable) {
        List<String> expected = new ArrayList<>();
        expected.add("0 to " + mapped.data().regionAt(0));
        for (long region = 0; region < mapped.data().regions(); region++) {
            int stripe = mapped.data().stripeOf(region);
            if (stripe < 0) {
                continue;
            }
            long from = 0;
            if (durable != null && mapped.data().birth(region) <= durable.epoch()) {
                long cut = durable.cuts().get(stripe).tail();
                if (Place.region(cut) != region) {
                    continue;
                }
                from = Place.bytesInRegion(cut) / 4096 * 4096L;
            }
            long tail = mapped.shared().stripe(stripe).acquire(StripeWords.TAIL);
            long to =
                    Place.region(tail) == region
                            ? Place.bytesInRegion(tail)
                            : mapped.data().regionBytes();
            if (from < to) {
                long at = mapped.data().regionAt(region);
                expected.add((at + from) + " to " + (at + to));
            }
        }
        return expected;
    }

    @Test
    void whatNoCheckpointProvesIsStoredAgain() {
        failToCheckpoint();
        List<String> expected = expected(durable());
        assertThat(expected).hasSizeGreaterThan(4).hasSizeLessThan((int) mapped.data().regions());
        store.checkpoint();
        assertThat(stored).startsWith(expected.toArray(String[]::new));
        assertThat(stored).hasSize(expected.size() + 1); // and the slot
        stored.clear();
        store.put(Content.key(0), Content.value(0, 2, 60));
        stored.clear();
        store.checkpoint();
        assertThat(stored).as("stores once all is well: the slot's alone").hasSize(1);
    }

    /** The same must hold if neither slot is the durable one. */
    @Test
    void withoutASlotEverythingIsStoredAgain() {
        failToCheckpoint();
        for (int index = 0; index < 2; index++) {
            long at = DataHeader.slotAt(index, STRIPES) + CheckpointSlot.CUTS;
            Words.setPlain(
                    mapped.data().file().first(),
                    at,
                    ~Words.plain(mapped.data().file().first(), at));
        }
        List<String> expected = expected(null);
        store.checkpoint();
        assertThat(stored).startsWith(expected.toArray(String[]::new));
    }

    private Index.Found find(int number) {
        return find(Content.key(number));
    }

    private Index.Found find(byte[] key) {
        long hash = mapped.hash().of(key);
        long table = mapped.shared().table(mapped.index().stripe(hash));
        Index.Found found = mapped.index().find(table, hash, key);
        assertThat(found).isNotNull();
        return found;
    }

    private void damage(long at) {
        Words.setPlain(
                mapped.data().file().segment(at + 8),
                at,
                ~Words.plain(mapped.data().file().segment(at + 8), at));
    }

    @Test
    void damageBehindTheDurableCheckpointIsNoticed() {
        failToCheckpoint();
        damage(SlotWord.offset(find(450).slot()) + 40);
        assertThatThrownBy(store::checkpoint).isInstanceOf(CorruptStore.class);
        damage(SlotWord.offset(find(450).slot()) + 40);
        store.checkpoint();
    }

    @Test
    void damagedRunBehindTheDurableCheckpointIsNoticed() {
        failToCheckpoint();
        long run = mapped.records().outlineLocked(SlotWord.offset(find(1_001).slot())).run();
        long at = mapped.data().regionAt(Place.region(run)) + RegionHeader.BYTES + 400;
        damage(at);
        assertThatThrownBy(store::checkpoint).isInstanceOf(CorruptStore.class);
        damage(at);
        store.checkpoint();
    }

    /** What the checkpoint has is on disk, as it says. Whoever reads it finds its damage. */
    @Test
    void whatTheCheckpointProvesIsNotVerified() {
        failToCheckpoint();
        damage(SlotWord.offset(find(0).slot()) + 40);
        store.checkpoint();
    }

    /** RULE 35: an older record in the same place has a right checksum. */
    @Test
    void overwriteThatGotLostIsNoticed() {
        failToCheckpoint();
        long slotAt = find(450).slotAt();
        long slot = mapped.index().slot(slotAt);
        mapped.index().change(slotAt, SlotWord.withCount(slot, SlotWord.count(slot) + 2));
        assertThatThrownBy(store::checkpoint).isInstanceOf(CorruptStore.class);
        mapped.index().change(slotAt, slot);
        store.checkpoint();
    }

    private long inRunOf(byte[] key) {
        long run = mapped.records().outlineLocked(SlotWord.offset(find(key).slot())).run();
        return mapped.data().regionAt(Place.region(run)) + RegionHeader.BYTES + 400;
    }

    /** Nothing else tells of this damage, since a record without its key belongs to nobody. */
    @Test
    void damagedKeyInARunIsNoticed() {
        byte[] key = Content.key(7, 70_000);
        store.put(key, Content.value(7, 1, 50));
        long at = inRunOf(key);
        failToCheckpoint();
        damage(at);
        assertThatThrownBy(store::checkpoint)
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("a run with the key of this record, which is not superseded");
        damage(at);
        store.checkpoint();
    }

    @Test
    void damagedKeyOfASupersededRecordIsOfNoImportance() {
        byte[] key = Content.key(7, 70_000);
        store.put(key, Content.value(7, 1, 50));
        long at = inRunOf(key);
        store.put(key, Content.value(7, 2, 50));
        assertThat(inRunOf(key)).isNotEqualTo(at);
        failToCheckpoint();
        damage(at);
        store.checkpoint();
        assertThat(store.get(key)).isEqualTo(Content.value(7, 2, 50));
    }

    /** If the record of a run was superseded, the run's page may hold anything. */
    @Test
    void damagedRunOfNobodyIsOfNoImportance() {
        long run = mapped.records().outlineLocked(SlotWord.offset(find(1_001).slot())).run();
        store.put(Content.key(1_001), Content.value(1, 2, 60));
        failToCheckpoint();
        damage(mapped.data().regionAt(Place.region(run)) + RegionHeader.BYTES + 400);
        store.checkpoint();
        assertThat(store.get(Content.key(1_001))).isEqualTo(Content.value(1, 2, 60));
    }

    @Test
    void lastCloseHealsToo() {
        failToCheckpoint();
        List<String> expected = expected(durable());
        store.close();
        assertThat(stored).containsAll(expected);
    }

    /** What was never forced must be on disk before the checkpoint that a recovery makes. */
    @Test
    void recoveryStoresEverythingAgain() throws IOException {
        List<String> expected = expected(null);
        store.close();
        Files.delete(Path.of(file() + "-shm"));
        stored.clear();
        store = Cairn.open(file(), Options.defaults().withManualCheckpoints());
        assertThat(expected).hasSizeGreaterThan(4);
        assertThat(stored).containsAll(expected);
    }

    /** What was rolled back has a right checksum at its place. It must not come back. */
    @Test
    void recoveryZeroesWhatIsBehindTheTails() throws IOException {
        List<Long> planted = new ArrayList<>();
        for (int stripe = 0; stripe < STRIPES; stripe++) {
            long tail = mapped.shared().stripe(stripe).acquire(StripeWords.TAIL);
            long from = mapped.data().regionAt(Place.region(tail)) + Place.bytesInRegion(tail);
            long end = mapped.data().regionAt(Place.region(tail) + 1);
            for (long at = from + 16; at < end; at += 16) {
                Words.setPlain(mapped.data().file().segment(end), at, 7);
                planted.add(at);
            }
        }
        assertThat(planted).isNotEmpty();
        long below = mapped.data().regionAt(1) - 8;
        long word = Words.plain(mapped.data().file().first(), below);
        store.close();
        Files.delete(Path.of(file() + "-shm"));
        store = Cairn.open(file(), Options.defaults());
        for (long at : planted) {
            assertThat(Words.plain(mapped.data().file().segment(at + 8), at)).isZero();
        }
        assertThat(Words.plain(mapped.data().file().first(), below)).isEqualTo(word);
        assertThat(store.verify().damages()).isEmpty();
    }
}
