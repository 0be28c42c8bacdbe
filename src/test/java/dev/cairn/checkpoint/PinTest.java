package dev.cairn.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.LimitReached;
import dev.cairn.format.LockWord;
import dev.cairn.format.PinWords;
import dev.cairn.format.ProcessWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.MappedFile;
import dev.cairn.shared.SharedMemory;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/** Attacks pins: who owns a pin, and which checkpoint it keeps (RULE 25). */
class PinTest {
    private static final Path STORE = Path.of("store");

    /** The incarnation of this owner is the one in the table, which is 0. */
    private static final long ALIVE = LockWord.of(7, 0);

    private static final long DEAD = LockWord.of(7, 1);

    private final MappedFile file =
            MappedFile.anonymous(STORE, Words.roundUp(SharedLayout.stripeAt(1), 1 << 16));
    private final SharedMemory shared = new SharedMemory(file, 1);
    private final MemorySegment memory = shared.base();
    private final ProcessTable processes = ProcessTable.solitary(STORE, memory);

    @BeforeEach
    void thisProcessLives() {
        long at = SharedLayout.processAt(LockWord.slot(processes.word()));
        Words.release(memory, at + ProcessWords.INCARNATION, 1);
    }

    @AfterEach
    void unmap() {
        file.close();
    }

    private long holder(int pin) {
        return Words.acquire(memory, SharedLayout.pinAt(pin) + PinWords.HOLDER);
    }

    private long epoch(int pin) {
        return Words.acquire(memory, SharedLayout.pinAt(pin) + PinWords.EPOCH);
    }

    private void place(int pin, long holder, long epoch) {
        Words.release(memory, SharedLayout.pinAt(pin) + PinWords.HOLDER, holder);
        Words.release(memory, SharedLayout.pinAt(pin) + PinWords.EPOCH, epoch);
    }

    private Pin take() {
        return Pin.take(STORE, shared, processes);
    }

    @Test
    void durableCheckpointIsPinnedUntilThePinIsClosed() {
        shared.release(SharedLayout.DURABLE, 5);
        try (Pin pin = take()) {
            assertThat(pin.epoch()).isEqualTo(5);
            assertThat(epoch(0)).isEqualTo(5);
            assertThat(holder(0)).isEqualTo(processes.word());
            shared.release(SharedLayout.DURABLE, 6);
            assertThat(epoch(0)).isEqualTo(5);
            pin.again();
            assertThat(pin.epoch()).isEqualTo(6);
            assertThat(epoch(0)).isEqualTo(6);
        }
        assertThat(epoch(0)).isZero();
        assertThat(holder(0)).isZero();
    }

    @Test
    void eachPinHasAPlaceOfItsOwn() {
        shared.release(SharedLayout.DURABLE, 5);
        place(0, ALIVE, 3);
        try (Pin _ = take();
                Pin _ = take()) {
            assertThat(holder(0)).isEqualTo(ALIVE);
            assertThat(epoch(0)).isEqualTo(3);
            assertThat(holder(1)).isEqualTo(processes.word());
            assertThat(holder(2)).isEqualTo(processes.word());
            assertThat(holder(3)).isZero();
        }
        assertThat(holder(0)).isEqualTo(ALIVE);
        assertThat(holder(2)).isZero();
    }

    @Test
    void pinOfTheDeadIsTakenAndOneOfTheLivingIsNot() {
        for (int pin = 0; pin < SharedLayout.PIN_SLOTS; pin++) {
            place(pin, ALIVE, 3);
        }
        assertThatThrownBy(this::take)
                .isInstanceOfSatisfying(
                        LimitReached.class,
                        e -> assertThat(e.limit()).isEqualTo(SharedLayout.PIN_SLOTS));
        int last = SharedLayout.PIN_SLOTS - 1;
        place(last, DEAD, 2);
        try (Pin _ = take()) {
            assertThat(holder(last)).isEqualTo(processes.word());
            assertThat(epoch(last)).isZero();
        }
        assertThat(holder(0)).isEqualTo(ALIVE);
    }

    @Test
    void whatTheDeadPinnedIsFreed() {
        assertThat(Pin.dropDead(shared, processes)).isFalse();
        place(1, ALIVE, 3);
        assertThat(Pin.dropDead(shared, processes)).isFalse();
        place(0, DEAD, 2);
        place(SharedLayout.PIN_SLOTS - 1, DEAD, 2);
        assertThat(Pin.dropDead(shared, processes)).isTrue();
        assertThat(holder(0)).isZero();
        assertThat(epoch(0)).isZero();
        assertThat(holder(SharedLayout.PIN_SLOTS - 1)).isZero();
        assertThat(holder(1)).isEqualTo(ALIVE);
        assertThat(epoch(1)).isEqualTo(3);
        assertThat(Pin.dropDead(shared, processes)).isFalse();
    }
}
