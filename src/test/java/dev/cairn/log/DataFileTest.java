package dev.cairn.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.format.OwnerWords;
import dev.cairn.format.PinWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.log.DataFile.State;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attacks the bounds of a data file and of what keeps its regions (RULE 25). */
@Timeout(60)
class DataFileTest extends RegionsFixture {
    private static final long OWNER = OwnerWords.dead(OwnerWords.alive(1, 100));

    @Test
    void bytesMustLieInTheRegions() {
        long first = data.regionAt(0);
        long end = data.bytes();
        assertThat(data.has(first, 0)).isTrue();
        assertThat(data.has(first, end - first)).isTrue();
        assertThat(data.has(first, end - first + 1)).isFalse();
        assertThat(data.has(first - 1, 1)).isFalse();
        assertThat(data.has(end - 32, 32)).isTrue();
        assertThat(data.has(end - 31, 32)).isFalse();
        assertThat(data.has(first, -1)).isFalse();
    }

    /** A region is needed by the epochs from its birth on, up to the one before its death. */
    @ParameterizedTest
    @ValueSource(ints = {0, SharedLayout.PIN_SLOTS - 1})
    void pinKeepsWhatLivedInItsEpoch(int pin) {
        own(0, OWNER, 2, 4, 0);
        assertThat(data.state(0)).isEqualTo(State.FREE);
        for (long epoch = 1; epoch <= 5; epoch++) {
            set(SharedLayout.pinAt(pin) + PinWords.EPOCH, epoch);
            boolean needed = epoch == 2 || epoch == 3;
            assertThat(data.state(0)).isEqualTo(needed ? State.PINNED : State.FREE);
            assertThat(data.free(0)).isEqualTo(!needed);
        }
        own(0, OWNER, 0, 4, 1);
        set(SharedLayout.pinAt(pin) + PinWords.EPOCH, 0);
        assertThat(data.state(0)).as("with a pin that is not set").isEqualTo(State.HOLE);
    }

    /** A region that was claimed and died in one epoch is in no checkpoint. */
    @Test
    void regionWaitsForTheCheckpointAfterItsDeath() {
        own(0, OWNER, 2, DURABLE, 0);
        assertThat(data.state(0)).isEqualTo(State.FREE);
        own(0, OWNER, 2, DURABLE + 1, 0);
        assertThat(data.state(0)).isEqualTo(State.WAITING);
        own(0, OWNER, DURABLE + 1, DURABLE + 1, 0);
        assertThat(data.state(0)).isEqualTo(State.FREE);
    }
}
