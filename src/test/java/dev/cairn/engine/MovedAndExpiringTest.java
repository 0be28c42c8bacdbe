package dev.cairn.engine;

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
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.SlotWord;
import dev.cairn.format.Words;
import dev.cairn.index.Index;
import dev.cairn.index.Mapped;
import dev.cairn.log.RecordBytes;
import dev.cairn.log.Records;
import dev.cairn.os.MappedFile;
import dev.cairn.os.OpenFile;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Attacks the promise that moved records and records with a time to live are read as quickly as
 * others: one look at the record must be enough.
 */
class MovedAndExpiringTest {
    private static final Options ONE_STRIPE =
            Options.defaults().withStripes(1).withManualCheckpoints();
    private static final int KEPT = 200;
    private static final int OVERWRITTEN = 200;
    private static final Duration HOUR = Duration.ofHours(1);

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();
    private final SetClocks clocks = new SetClocks();
    private Path file;
    private Mapped mapped;
    private Reader reader;

    @BeforeEach
    void fillAndClean() throws IOException {
        file = directory.resolve("store");
        try (CairnStore store = Cairn.open(file, ONE_STRIPE)) {
            for (int i = 0; i < KEPT; i++) {
                store.put(Content.key(i), value(i), expires(i) ? HOUR : CairnStore.FOREVER);
            }
            for (int n = 0; n < 50 * OVERWRITTEN; n++) {
                int i = KEPT + n % OVERWRITTEN;
                store.put(Content.key(i), value(i));
                if (n % OVERWRITTEN == 0) {
                    store.checkpoint();
                }
            }
            for (int i = KEPT - 10; i < KEPT; i++) { // not moved
                store.put(Content.key(i), value(i), expires(i) ? HOUR : CairnStore.FOREVER);
            }
        }
        StoreFiles files = StoreFiles.of(file);
        OpenFile opened = OpenFile.open(files.data(), false); // closed with what is mapped
        DataFiles.Prefix prefix = DataFiles.read(opened);
        MappedFile data =
                MappedFile.map(opened, prefix.header().regionAt(prefix.newest().regions()));
        mapped = PrivateReplay.of(files, data, prefix.header(), prefix.newest(), ONE_STRIPE);
        reader = new Reader(mapped, null);
    }

    @AfterEach
    void close() {
        mapped.close();
        scale.close();
        clocks.close();
    }

    private static boolean expires(int i) {
        return i % 2 == 0;
    }

    private static byte[] value(int i) {
        return Content.value(i, 0, 100);
    }

    private Records.Outline outline(int i) {
        byte[] key = Content.key(i);
        Index.Found found =
                mapped.index().find(mapped.shared().table(0), mapped.hash().of(key), key);
        return mapped.records().outlineLocked(SlotWord.offset(found.slot()));
    }

    /** One entry of each kind: as it was written, moved, with an expiry, and with both. */
    private List<Integer> kinds() {
        List<Integer> kinds = new ArrayList<>();
        for (int flags : new int[] {0, 1, 2, 3}) {
            int i = 0;
            while ((outline(i).header().is(RecordLayout.MOVED) ? 1 : 0) + (expires(i) ? 2 : 0)
                    != flags) {
                i++;
            }
            assertThat(outline(i).header().is(RecordLayout.EXPIRES)).isEqualTo(expires(i));
            kinds.add(i);
        }
        return kinds;
    }

    /**
     * A lookup of the second, slow way refuses a version of 0, and the first does not look at it.
     * If the checksums are right, such a version tells the two apart.
     */
    @Test
    void theyAreReadWithoutASecondLookup() throws IOException {
        List<byte[]> keys = new ArrayList<>();
        for (int i : kinds()) {
            byte[] key = Content.key(i);
            Records.Outline outline = outline(i);
            assertThat(mapped.records().inline(outline.offset(), key))
                    .isNotEqualTo(Records.NOT_INLINE);
            eraseVersion(outline);
            assertThatThrownBy(() -> reader.getVersioned(key)).isInstanceOf(CorruptStore.class);
            assertThat(reader.get(key)).isEqualTo(value(i));
            assertThat(reader.getAll(List.of(key))).containsExactly(value(i));
            keys.add(key);
        }
        clocks.pass(HOUR);
        assertThat(reader.getAll(keys).stream().map(Objects::nonNull))
                .containsExactly(true, true, false, false);
        assertThat(keys.stream().map(reader::get).map(Objects::nonNull))
                .containsExactly(true, true, false, false);
    }

    @Test
    void damagedOnesAreTold() throws IOException {
        for (int i : kinds()) {
            byte[] key = Content.key(i);
            Records.Outline outline = outline(i);
            int last = outline.bytes() - Place.UNIT_BYTES;
            byte[] record = record(outline);
            store(outline.offset() + last, (byte) (record[last] + 1));
            assertThatThrownBy(() -> reader.get(key))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("a record with checksum");
            assertThatThrownBy(() -> reader.getAll(List.of(key))).isInstanceOf(CorruptStore.class);
            store(outline.offset() + last, record[last]);
            assertThat(reader.get(key)).isEqualTo(value(i));
        }
    }

    @Test
    void allAreReadAsTheyWereWritten() {
        for (int i = 0; i < KEPT + OVERWRITTEN; i++) {
            assertThat(reader.get(Content.key(i))).isEqualTo(value(i));
        }
        assertThat(reader.get(Content.key(KEPT + OVERWRITTEN))).isNull();
    }

    private byte[] record(Records.Outline outline) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(outline.bytes());
        try (FileChannel channel = FileChannel.open(file)) {
            assertThat(channel.read(bytes, outline.offset())).isEqualTo(bytes.capacity());
        }
        return bytes.array();
    }

    private void eraseVersion(Records.Outline outline) throws IOException {
        byte[] record = record(outline);
        Words.setPlain(record, RecordLayout.VERSION, 0);
        RecordBytes recordBytes = new RecordBytes(mapped.data().header());
        RecordBytes.Header header = recordBytes.header(record, 0, record.length);
        assertThat(header).isNotNull();
        long number = mapped.data().number(mapped.data().regionOf(outline.offset()));
        int checksum = recordBytes.checksumOf(header, 0, number, outline.offset(), record, 0);
        Words.setIntPlain(record, RecordLayout.CRC, checksum);
        store(outline.offset(), record);
    }

    private void store(long offset, byte... bytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            assertThat(channel.write(ByteBuffer.wrap(bytes), offset)).isEqualTo(bytes.length);
        }
    }
}
