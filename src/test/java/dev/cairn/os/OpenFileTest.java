package dev.cairn.os;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.CorruptStore;
import dev.cairn.MemoryDirectory;
import dev.cairn.StoreFull;
import dev.cairn.StoreReplaced;
import dev.cairn.SystemFailure;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Attacks an open file: it must stay the one that was opened, and be read, mapped and lengthened
 * whatever happens.
 */
@Timeout(60)
class OpenFileTest {
    private static final byte[] OURS = content(1);
    private static final byte[] THEIRS = content(2);
    private static final int PAGE_BYTES = 4096;
    private static final long MEBIBYTE = 1 << 20;
    private static final int EINTR = 4;
    private static final int ENOSPC = 28;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private Path path;
    private Path moved;

    private static byte[] content(int filledWith) {
        byte[] bytes = new byte[PAGE_BYTES];
        Arrays.fill(bytes, (byte) filledWith);
        return bytes;
    }

    @BeforeEach
    void aFile() throws IOException {
        path = Files.write(directory.resolve("file"), OURS);
        moved = directory.resolve("moved");
    }

    @Test
    void aFileWhoseNameWentToAnotherStaysTheSame() throws IOException {
        try (MappedFile mapped = MappedFile.map(path, PAGE_BYTES, true)) {
            OpenFile file = mapped.opened();
            assertThat(file.naming()).isEqualTo(OpenFile.Naming.NAMED);
            file.reserve(PAGE_BYTES, 2 * PAGE_BYTES);
            Files.move(path, moved);
            assertThat(file.naming()).isEqualTo(OpenFile.Naming.RENAMED);
            Files.write(path, THEIRS);
            assertThat(file.naming()).isEqualTo(OpenFile.Naming.RENAMED);
            assertThat(file.read(0, PAGE_BYTES)).isEqualTo(OURS);
            assertThat(mapped.segment(2 * PAGE_BYTES).get(ValueLayout.JAVA_BYTE, 0))
                    .isEqualTo(OURS[0]);
            refusesToGrow(file, "renamed");
            Files.delete(moved);
            assertThat(file.naming()).isEqualTo(OpenFile.Naming.REMOVED);
            refusesToGrow(file, "removed or replaced");
            assertThat(file.read(0, PAGE_BYTES)).isEqualTo(OURS);
            file.refill(0, PAGE_BYTES); // of this very file, in any way
            assertThat(file.size()).isEqualTo(2 * PAGE_BYTES);
        }
        assertThat(Files.readAllBytes(path)).isEqualTo(THEIRS);
    }

    private void refusesToGrow(OpenFile file, String why) throws IOException {
        long before = file.size();
        assertThatThrownBy(() -> file.reserve(before, before + PAGE_BYTES))
                .isInstanceOfSatisfying(
                        StoreReplaced.class, e -> assertThat(e.path()).isEqualTo(path))
                .hasMessageContainingAll(path.toString(), why);
        assertThatThrownBy(() -> file.punch(0, PAGE_BYTES)).isInstanceOf(StoreReplaced.class);
        assertThat(file.size()).isEqualTo(before);
    }

    @Test
    void aNameThatComesBackIsTheFilesAgain() throws IOException {
        try (OpenFile file = OpenFile.open(path, true)) {
            Files.move(path, moved);
            Files.move(moved, path);
            assertThat(file.naming()).isEqualTo(OpenFile.Naming.NAMED);
            file.reserve(PAGE_BYTES, 2 * PAGE_BYTES);
            assertThat(Files.size(path)).isEqualTo(2 * PAGE_BYTES);
        }
    }

    /**
     * An interrupt closes a channel. As long as the name belongs to the file, another channel is
     * opened; otherwise none is.
     */
    @Test
    void interruptsCloseNoFileAndOpenNoOther() throws Exception {
        try (OpenFile file = OpenFile.open(path, true)) {
            boolean replacedToo = false;
            AtomicReference<Throwable> failure = new AtomicReference<>();
            AtomicInteger reads = new AtomicInteger();
            Thread reader =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    while (true) {
                                        assertThat(file.read(0, PAGE_BYTES)).isEqualTo(OURS);
                                        reads.incrementAndGet();
                                        boolean _ = Thread.interrupted();
                                    }
                                } catch (Throwable e) {
                                    failure.set(e);
                                }
                            });
            while (reader.isAlive()) {
                reader.interrupt();
                if (!replacedToo && reads.get() > 2000) {
                    Files.move(path, moved);
                    Files.write(path, THEIRS);
                    replacedToo = true;
                }
            }
            assertThat(reads).hasValueGreaterThan(2000);
            assertThat(failure.get()).isInstanceOf(StoreReplaced.class);
        }
        assertThat(Files.readAllBytes(path)).isEqualTo(THEIRS);
    }

    /**
     * A profiler sends signals all the time, and a file system in memory may abandon a call because
     * of one.
     */
    @Test
    void signalsDoNotEndAnAllocation() throws Throwable {
        List<Long> done = new ArrayList<>();
        int[] calls = {0};
        long end = 3 * MEBIBYTE + 5;
        int errno =
                Native.inSlices(
                        7,
                        end,
                        (at, bytes) -> {
                            if (calls[0]++ % 3 != 2) {
                                return EINTR;
                            }
                            done.add(at);
                            done.add(at + bytes);
                            return 0;
                        });
        assertThat(errno).isZero();
        assertThat(done)
                .containsExactly(
                        7L, 7 + MEBIBYTE, 7 + MEBIBYTE, 7 + 2 * MEBIBYTE, 7 + 2 * MEBIBYTE, end);
    }

    @Test
    void anAllocationEndsAtTheFirstError() throws Throwable {
        int[] calls = {0};
        int errno = Native.inSlices(0, 9 * MEBIBYTE, (_, _) -> ++calls[0] == 3 ? ENOSPC : 0);
        assertThat(errno).isEqualTo(ENOSPC);
        assertThat(calls[0]).isEqualTo(3);
    }

    @Test
    void aMappingThatIsRefusedIsTold() throws IOException {
        try (MappedFile mapped = MappedFile.map(path, PAGE_BYTES, false)) {
            assertThatThrownBy(() -> mapped.segment(2 * PAGE_BYTES))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContainingAll(path.toString(), "truncated");
            long more = 1L << 48; // more than there are addresses
            try (RandomAccessFile grown = new RandomAccessFile(path.toFile(), "rw")) {
                grown.setLength(more);
            } catch (IOException _) {
                assumeTrue(false, "no file may be so long here");
            }
            assertThatThrownBy(() -> mapped.segment(more))
                    .isInstanceOf(SystemFailure.class)
                    .hasMessageContainingAll(path.toString(), "could not be mapped");
            assertThat(mapped.segment(2 * PAGE_BYTES).get(ValueLayout.JAVA_BYTE, 0))
                    .isEqualTo(OURS[0]);
        }
    }

    @Test
    void onlyWantOfSpaceIsAFullStore() {
        assertThat(OpenFile.growthFailure(path, "no space", 7, 5, new NoSpace("none", null)))
                .hasMessage(path + ": no space")
                .isInstanceOfSatisfying(
                        StoreFull.class,
                        e ->
                                assertThat(e)
                                        .returns(7L, StoreFull::wanted)
                                        .returns(5L, StoreFull::freedByCheckpoint));
        assertThat(
                        OpenFile.growthFailure(
                                path, "no space", 7, 5, new IOException("device on fire")))
                .isInstanceOf(SystemFailure.class)
                .hasMessage(path + ": the file could not be lengthened: device on fire");
        assertThat(NoSpace.orElse(path, new IOException("No space left on device")))
                .isInstanceOf(NoSpace.class);
        assertThat(NoSpace.orElse(path, new IOException("Input/output error")))
                .isNotInstanceOf(NoSpace.class);
        for (int errno : new int[] {27, 28, 122}) {
            assertThat(NoSpace.means(errno)).isTrue();
        }
        assertThat(NoSpace.means(5)).isFalse();
    }

    @Test
    void aClosedFileSaysSo() throws IOException {
        OpenFile file = OpenFile.open(path, true);
        file.close();
        file.close();
        assertThatThrownBy(() -> file.read(0, 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(path.toString());
    }
}
