package dev.cairn.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.CorruptStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SetClocks;
import dev.cairn.SmallScale;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.DataHeader;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.RegionHeader;
import dev.cairn.format.SlotWord;
import dev.cairn.format.Words;
import dev.cairn.index.Beside;
import dev.cairn.index.Index;
import dev.cairn.index.Mapped;
import dev.cairn.log.RecordBytes;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** Attacks recovery with a log that no writer wrote, though its checksums are right (RULE 23). */
@Timeout(60)
class ForgedLogTest {
    private static final int STRIPES = 2;
    private static final byte[] KEY = Content.key(1);
    private static final byte[] FIRST = Content.value(1, 1, 40);
    private static final byte[] SECOND = Content.value(1, 2, 40);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();
    private CairnStore store;
    private byte[] bytes = {};

    /** A record in {@link #bytes}. */
    private record Found(RegionHeader region, int at, RecordBytes.Header record) {}

    @BeforeEach
    void open() {
        store = Cairn.open(file(), Options.defaults().withStripes(STRIPES).withManualCheckpoints());
    }

    @AfterEach
    void close() {
        store.close();
        scale.close();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    /** Closes the store with a checkpoint and reads its data file. */
    private void closeAndRead() throws IOException {
        store.close();
        Files.delete(Path.of(file() + "-shm"));
        bytes = Files.readAllBytes(file());
    }

    private void recover() throws IOException {
        Files.write(file(), bytes);
        open();
    }

    private DataHeader header() {
        return DataHeader.decode(file(), Arrays.copyOf(bytes, DataHeader.BLOCK_BYTES));
    }

    /** The records of a key in those bytes, in the order of their places. */
    private List<Found> records(byte[] key) {
        DataHeader header = header();
        RecordBytes recordBytes = new RecordBytes(header);
        List<Found> found = new ArrayList<>();
        for (int number = 0; header.regionAt(number) < bytes.length; number++) {
            int start = (int) header.regionAt(number);
            RegionHeader region =
                    RegionHeader.decode(
                            Arrays.copyOfRange(bytes, start, start + RegionHeader.BYTES),
                            header.storeId(),
                            number);
            int end = start + header.regionBytes();
            int at = start + RegionHeader.BYTES;
            while (region != null && region.runRegions() == 0) {
                RecordBytes.Header record = recordBytes.header(bytes, at, end - at);
                if (record == null) {
                    break;
                }
                int keyAt = at + record.keyAt();
                if (!record.is(RecordLayout.KEY_IN_RUN)
                        && record.kind() != RecordLayout.FILLER
                        && Arrays.equals(bytes, keyAt, keyAt + record.keyLength(), key, 0, 8)) {
                    found.add(new Found(region, at, record));
                }
                at += record.bytes();
            }
        }
        return found;
    }

    private void setVersion(Found found, long version) {
        Words.setPlain(bytes, found.at + RecordLayout.VERSION, version);
        makeRight(found);
    }

    private void makeRight(Found found) {
        Words.setIntPlain(bytes, found.at + RecordLayout.CRC, 0);
        RecordBytes.Sum sum =
                new RecordBytes(header())
                        .sum(found.region.stripe(), found.region.number(), found.at);
        sum.add(bytes, found.at, found.record.bytes());
        Words.setIntPlain(bytes, found.at + RecordLayout.CRC, sum.value());
    }

    private void changeCuts(UnaryOperator<Cut> change) {
        for (int index = 0; index < 2; index++) {
            int at = (int) DataHeader.slotAt(index, STRIPES);
            int end = at + CheckpointSlot.bytes(STRIPES);
            CheckpointSlot slot =
                    CheckpointSlot.decode(
                            Arrays.copyOfRange(bytes, at, end), header().storeId(), index, STRIPES);
            if (slot != null) {
                CheckpointSlot changed =
                        new CheckpointSlot(
                                slot.timeline(),
                                slot.epoch(),
                                slot.regions(),
                                slot.allocations(),
                                slot.clock(),
                                slot.wall(),
                                slot.cuts().stream().map(change).toList());
                byte[] encoded = changed.encode(header().storeId(), index);
                System.arraycopy(encoded, 0, bytes, at, encoded.length);
            }
        }
    }

    /** The greater version must win, whatever the places are. */
    @Test
    void greaterVersionWins() throws IOException {
        store.put(KEY, FIRST);
        store.put(KEY, SECOND);
        closeAndRead();
        List<Found> records = records(KEY);
        assertThat(records).hasSize(2);
        recover();
        assertThat(store.get(KEY)).isEqualTo(SECOND);
        closeAndRead();
        setVersion(records.get(0), records.get(1).record.version());
        setVersion(records.get(1), records.get(0).record.version());
        recover();
        assertThat(store.get(KEY)).isEqualTo(FIRST);
        assertThat(store.size()).isEqualTo(1);
    }

    @Test
    void versionBeyondThatOfTheCheckpointIsDamage() throws IOException {
        store.put(KEY, FIRST);
        closeAndRead();
        Found found = records(KEY).getFirst();
        setVersion(found, found.record.version() + 1);
        assertThatThrownBy(this::recover)
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("with version " + found.record.version() + " at most");
        setVersion(found, found.record.version());
        recover();
        assertThat(store.get(KEY)).isEqualTo(FIRST);
    }

    @Test
    void keyOfAnotherStripeIsDamage() throws IOException {
        store.put(KEY, FIRST);
        Mapped mapped = Beside.map(file());
        int stripe = mapped.index().stripe(mapped.hash().of(KEY));
        int other = 2;
        while (mapped.index().stripe(mapped.hash().of(Content.key(other))) == stripe) {
            other++;
        }
        mapped.close();
        closeAndRead();
        Found found = records(KEY).getFirst();
        int keyAt = found.at + found.record.keyAt();
        System.arraycopy(Content.key(other), 0, bytes, keyAt, KEY.length);
        makeRight(found);
        assertThatThrownBy(this::recover)
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("and a key of stripe " + (1 - stripe));
        System.arraycopy(KEY, 0, bytes, keyAt, KEY.length);
        makeRight(found);
        recover();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void otherFiguresThanThoseOfTheCheckpointAreDamage(boolean count) throws IOException {
        store.put(KEY, FIRST);
        closeAndRead();
        byte[] sound = bytes.clone();
        changeCuts(cut ->
                new Cut(
                        cut.oldest(),
                        cut.oldestNumber(),
                        cut.tail(),
                        cut.tailNumber(),
                        cut.version(),
                        cut.liveCount() + (count ? cut.liveCount() : 0),
                        cut.liveBytes() + (count ? 0 : cut.liveBytes())));
        assertThatThrownBy(this::recover)
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("as the checkpoint says");
        bytes = sound;
        recover();
    }

    /** Such logs exist, since cleaning drops the puts first. */
    @Test
    void tombstoneOfAnAbsentKeyRemovesNothing() throws IOException {
        store.put(KEY, new byte[0]);
        store.remove(KEY);
        for (int key = 2; key < 20; key++) {
            store.put(Content.key(key), FIRST);
        }
        closeAndRead();
        List<Found> records = records(KEY);
        assertThat(records).hasSize(2);
        Found put = records.getFirst();
        assertThat(bytes[put.at + RecordLayout.KIND]).isEqualTo((byte) RecordLayout.PUT);
        bytes[put.at + RecordLayout.KIND] = RecordLayout.TOMBSTONE;
        makeRight(put);
        recover();
        assertThat(store.get(KEY)).isNull();
        assertThat(store.size()).isEqualTo(18);
        assertThat(store.verify().damages()).isEmpty();
    }

    private long runOf(byte[] key) throws IOException {
        Mapped mapped = Beside.map(file());
        try {
            long hash = mapped.hash().of(key);
            long table = mapped.shared().table(mapped.index().stripe(hash));
            Index.Found found = mapped.index().find(table, hash, key);
            assertThat(found).isNotNull();
            long run = mapped.records().outlineLocked(SlotWord.offset(found.slot())).run();
            return mapped.data().regionAt(Place.region(run));
        } finally {
            mapped.close();
        }
    }

    /** The run of a superseded record, with the key in it, belongs to somebody else by now. */
    @Test
    void supersededRecordWhoseKeyIsGoneIsPassedOver() throws IOException {
        byte[] key = Content.key(5, 9_000);
        store.put(key, FIRST);
        int run = (int) runOf(key);
        store.put(key, SECOND);
        int later = (int) runOf(key);
        assertThat(later).isNotEqualTo(run);
        closeAndRead();
        bytes[run + RegionHeader.BYTES + 100] ^= 1;
        recover();
        assertThat(store.get(key)).isEqualTo(SECOND);
        assertThat(store.size()).isEqualTo(1);
    }

    @Test
    void newestRecordWhoseKeyIsGoneIsDamage() throws IOException {
        byte[] key = Content.key(5, 9_000);
        store.put(key, FIRST);
        int run = (int) runOf(key);
        closeAndRead();
        bytes[run + RegionHeader.BYTES + 100] ^= 1;
        assertThatThrownBy(this::recover)
                .isInstanceOf(CorruptStore.class)
                .hasMessageContaining("a run with the key of this record, which is not superseded");
        bytes[run + RegionHeader.BYTES + 100] ^= 1;
        recover();
        assertThat(store.get(key)).isEqualTo(FIRST);
    }

    /** The clock of the store must go on where the checkpoint left it. */
    @Test
    void whatExpiredStaysSoIfTheWallClockIsSetBack() throws IOException {
        try (SetClocks clocks = new SetClocks()) {
            store.put(KEY, FIRST, Duration.ofHours(1));
            clocks.pass(Duration.ofHours(2));
            assertThat(store.get(KEY)).isNull();
            closeAndRead();
            assertThat(records(KEY)).as("records, as none was removed").hasSize(1);
            clocks.reboot();
            clocks.setWall(Duration.ofHours(-2));
            recover();
            assertThat(store.get(KEY)).isNull();
        }
    }
}
