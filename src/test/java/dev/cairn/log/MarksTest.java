package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CacheModel;
import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.format.DataHeader;
import dev.cairn.index.Mapped;
import dev.cairn.os.Host;
import dev.cairn.os.MappedFile;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The marks of a cache, by place, and how often one is stored. */
class MarksTest {
    private static final long BOUND = 1L << 20;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Mapped mapped;
    private Marks marks;
    private long first;

    @BeforeEach
    @SuppressWarnings("MustBeClosed") // by the Mapped
    void map() throws IOException {
        Path file = directory.resolve("cache");
        Path shared = directory.resolve("cache-shm");
        try (CairnStore store = Cairn.open(file, CacheModel.quiet(BOUND).withStripes(1))) {
            for (long i = 0; i < 1_000; i++) {
                store.put(Content.key(i), new byte[100]);
            }
        }
        DataHeader header =
                DataHeader.decode(
                        file, Host.read(file, DataHeader.HEADER_AT, DataHeader.BLOCK_BYTES));
        mapped =
                Mapped.of(
                        MappedFile.map(file, Files.size(file), true),
                        header,
                        MappedFile.map(shared, Files.size(shared), true));
        marks = mapped.data().marks();
        first = header.regionAt(0) + 64;
    }

    @AfterEach
    void unmap() {
        mapped.close();
    }

    @Test
    void placeIsMarkedByOneStore() {
        for (int times = 0; times < 1_000; times++) {
            marks.set(first);
            marks.set(first + 32);
        }
        assertThat(marks.stores()).isEqualTo(2);
        assertThat(marks.isSet(first)).isTrue();
        assertThat(marks.isSet(first + 32)).isTrue();
        assertThat(marks.isSet(first + 64)).isFalse();
        marks.clear(first);
        assertThat(marks.isSet(first)).isFalse();
        assertThat(marks.isSet(first + 32)).as("its neighbour's").isTrue();
        marks.set(first);
        assertThat(marks.stores()).isEqualTo(3);
    }

    @Test
    void regionThatIsClaimedHasNoMarks() {
        long regionBytes = mapped.data().regionBytes();
        for (long region = 0; region < 3; region++) {
            for (long at = 0; at < regionBytes; at += 32) {
                marks.set(mapped.data().regionAt(region) + at);
            }
        }
        marks.clearRegion(1);
        for (long region = 0; region < 3; region++) {
            for (long at = 0; at < regionBytes; at += 32) {
                assertThat(marks.isSet(mapped.data().regionAt(region) + at)).isEqualTo(region != 1);
            }
        }
    }

    @Test
    void placesBeyondTheBoundHaveNone() {
        for (long offset : new long[] {0, BOUND, BOUND + 32, 1L << 40}) {
            marks.set(offset);
        }
        assertThat(marks.stores()).isZero();
    }
}
