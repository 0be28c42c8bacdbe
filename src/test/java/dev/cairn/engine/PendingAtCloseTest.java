package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Content;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Attacks a closed store with a word that says that a write did not end. A reader that cannot
 * repair would never find the stripe quiet, so its verification would compare no counts, and a
 * writer would carry that write out by old words. The index must be built anew instead.
 */
class PendingAtCloseTest {
    private static final int ENTRIES = 200;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    @ParameterizedTest
    @CsvSource({
        StripeWords.INTENT + ", 1099511627776, true",
        StripeWords.INTENT + ", 1, true",
        StripeWords.INTENT + ", 4, true",
        StripeWords.BUILDING + ", 4096, true",
        StripeWords.NEXT + ", 7, true",
        StripeWords.NEXT_RUN + ", 7, true",
        StripeWords.INTENT + ", 1, false",
        StripeWords.INTENT + ", 1099511627776, false"
    })
    void indexOfAClosedStoreWithAPendingWriteIsNotUsed(int word, long value, boolean readOnly)
            throws IOException {
        Path file = directory.resolve("store");
        try (CairnStore store = Cairn.open(file, Options.defaults().withStripes(2))) {
            for (int i = 0; i < ENTRIES; i++) {
                store.put(Content.key(i), Content.value(i, 1, 100));
            }
        }
        store(directory.resolve("store-shm"), SharedLayout.stripeAt(1) + word, value);
        try (CairnStore store = Cairn.open(file, Options.defaults().withReadOnly(readOnly))) {
            assertThat(store.recovery().kind()).isEqualTo(readOnly ? Kind.SNAPSHOT : Kind.REBUILT);
            assertThat(store.recovery().detail()).contains("a write that did not end");
            for (int i = 0; i < ENTRIES; i++) {
                assertThat(store.get(Content.key(i))).isEqualTo(Content.value(i, 1, 100));
            }
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    private static void store(Path file, long at, long word) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            int _ = channel.write(bytes.putLong(0, word), at);
        }
    }
}
