package dev.cairn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.format.DataHeader;
import dev.cairn.format.Place;
import dev.cairn.format.RecordLayout;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * Attacks the rule that nobody writes behind a tail that was given up, in whatever order a write
 * comes to that.
 */
class GivenUpTailTest {
    private static final Options QUIET =
            Options.defaults().withStripes(1).withManualCheckpoints().withMaxBytes(1 << 20);

    private static final int KEYS = 200;

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    private final SmallScale scale = new SmallScale();

    @AfterEach
    void usual() {
        Steps.listen(null);
        scale.close();
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    /**
     * A write finishes an evacuation that somebody left. When it finds a damaged record, a filler
     * stands behind the tail already, since the copy needs the next region. The write then goes on
     * with its own record, which would fit in the filler's place.
     */
    @Test
    void whenAnEvacuationBeforeAWriteFindsDamage() throws IOException {
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            for (int key = 0; key < KEYS; key++) {
                store.put(Content.key(key), value(key));
            }
            int keys = leaveLittleRoom(store);
            long tail = word(StripeWords.TAIL_NUMBER);
            set(StripeWords.EVACUATING, word(StripeWords.OLDEST_NUMBER));
            boolean[] damaged = {false};
            Steps.listen(step -> {
                if (step.equals("E1") && !damaged[0]) {
                    damaged[0] = true;
                    damage(value(0));
                }
            });
            store.put(Content.key(keys), new byte[1]);
            Steps.listen(null);
            assertThat(damaged[0]).isTrue();
            assertThat(word(StripeWords.TAIL_NUMBER)).isGreaterThan(tail);
            assertThat(store.get(Content.key(keys))).hasSize(1);
            assertThat(store.get(Content.key(KEYS - 1))).isEqualTo(value(KEYS - 1));
            assertThat(store.get(Content.key(1))).isEqualTo(value(1));
        }
    }

    /**
     * The copies of a window are several records behind one tail. If the page of the first is lost,
     * those behind it may still be whole.
     */
    @Test
    void whenCopiesOfAWindowWereBegunAndTheFirstOfThemIsLost() throws IOException {
        try (CairnStore store = Cairn.open(file(), QUIET)) {
            for (int key = 0; key < KEYS; key++) {
                store.put(Content.key(key), value(key));
            }
            long tail = word(StripeWords.TAIL_NUMBER);
            set(StripeWords.EVACUATING, word(StripeWords.OLDEST_NUMBER));
            boolean[] moving = {false};
            Steps.listen(step -> {
                moving[0] |= step.equals("E1");
                if (moving[0] && step.equals("W5")) {
                    Steps.listen(null);
                    loseFirstBytesBehindTail();
                    throw new AssertionError("killed");
                }
            });
            assertThatThrownBy(() -> store.put(Content.key(KEYS), value(KEYS)))
                    .isInstanceOf(AssertionError.class)
                    .hasMessage("killed");
            assertThat(word(StripeWords.GIVEN_UP)).isEqualTo(tail);
            store.put(Content.key(KEYS), value(KEYS));
            assertThat(word(StripeWords.TAIL_NUMBER)).isGreaterThan(tail);
            for (int key = 0; key <= KEYS; key++) {
                assertThat(store.get(Content.key(key))).isEqualTo(value(key));
            }
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    private void loseFirstBytesBehindTail() {
        try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
            byte[] header = Arrays.copyOf(Files.readAllBytes(file()), DataHeader.BLOCK_BYTES);
            long tail = word(StripeWords.TAIL);
            long region = DataHeader.decode(file(), header).regionAt(Place.region(tail));
            channel.write(ByteBuffer.allocate(16), region + Place.bytesInRegion(tail));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Fills the tail region until a record of one byte fits there and a usual one does not. Returns
     * the number of keys.
     */
    private int leaveLittleRoom(CairnStore store) throws IOException {
        int keys = KEYS;
        store.put(Content.key(keys++), new byte[40]);
        while (roomInTail() >= recordBytes(100)) {
            store.put(Content.key(keys), value(keys));
            keys++;
        }
        assertThat(roomInTail()).isGreaterThanOrEqualTo(recordBytes(1));
        return keys;
    }

    private static int recordBytes(int valueLength) {
        return (int) RecordLayout.bytes(0, Content.key(0).length, valueLength);
    }

    private int roomInTail() throws IOException {
        return SmallScale.REGION_BYTES - Place.bytesInRegion(word(StripeWords.TAIL));
    }

    private static byte[] value(int key) {
        return Content.value(key, 0, 100);
    }

    private long word(int field) throws IOException {
        try (FileChannel channel = FileChannel.open(shared(), StandardOpenOption.READ)) {
            ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            assertThat(channel.read(bytes, SharedLayout.stripeAt(0) + field)).isEqualTo(8);
            return bytes.getLong(0);
        }
    }

    private void set(int field, long value) throws IOException {
        try (FileChannel channel = FileChannel.open(shared(), StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            channel.write(bytes.putLong(0, value), SharedLayout.stripeAt(0) + field);
        }
    }

    private Path shared() {
        return directory.resolve("store.cairn-shm");
    }

    private void damage(byte[] content) {
        try (FileChannel channel = FileChannel.open(file(), StandardOpenOption.WRITE)) {
            byte[] bytes = Files.readAllBytes(file());
            int at = 0;
            while (!Arrays.equals(bytes, at, at + content.length, content, 0, content.length)) {
                at++;
            }
            channel.write(ByteBuffer.wrap(new byte[] {(byte) ~content[0]}), at);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
