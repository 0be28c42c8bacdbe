package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.CacheModel;
import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.format.CacheLayout;
import dev.cairn.format.DataHeader;
import dev.cairn.index.Beside;
import dev.cairn.index.Mapped;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** Attacks the marks of a cache: they must be kept by place, and stored as seldom as possible. */
class MarksTest {
    private static final long BOUND = 1L << 20;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Mapped mapped;
    private Marks marks;
    private long first;

    @BeforeEach
    void map() throws IOException {
        Path file = directory.resolve("cache");
        try (CairnStore store = Cairn.open(file, CacheModel.quiet(BOUND).withStripes(1))) {
            for (long i = 0; i < 1_000; i++) {
                store.put(Content.key(i), new byte[100]);
            }
        }
        mapped = Beside.map(file);
        marks = mapped.data().marks();
        first = mapped.data().regionAt(0) + 64;
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
        assertThat(marks.isSet(first + 32)).as("whether the neighbour is marked").isTrue();
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

    /** The places before and behind the marks are other words of the shared memory. */
    @Test
    void placesBeyondTheBoundHaveNone() {
        MemorySegment memory = mapped.shared().base();
        DataHeader header = mapped.data().header();
        long end = CacheLayout.marksAt(header) + CacheLayout.places(header) / Byte.SIZE;
        long bound = header.regionAt(0) + CacheLayout.places(header) * CacheLayout.MARKED_BYTES;
        for (byte around : new byte[] {0, -1}) {
            memory.set(ValueLayout.JAVA_BYTE, CacheLayout.marksAt(header) - 1, around);
            memory.set(ValueLayout.JAVA_BYTE, end, around);
            byte[] before = memory.toArray(ValueLayout.JAVA_BYTE);
            for (long offset :
                    new long[] {0, header.regionAt(0) - 32, bound, bound + 32, 1L << 40}) {
                marks.set(offset);
                marks.clear(offset);
                assertThat(marks.isSet(offset)).isFalse();
            }
            assertThat(marks.stores()).isZero();
            marks.clearRegion(mapped.data().regionOf(bound));
            assertThat(memory.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(before);
        }
    }

    @Test
    void lastRegionHasMarks() {
        DataHeader header = mapped.data().header();
        long last =
                CacheLayout.places(header) * CacheLayout.MARKED_BYTES / header.regionBytes() - 1;
        long offset = header.regionAt(last);
        marks.set(offset);
        assertThat(marks.isSet(offset)).isTrue();
        marks.clearRegion(last);
        assertThat(marks.isSet(offset)).isFalse();
    }
}
