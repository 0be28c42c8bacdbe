package dev.cairn.engine;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CorruptStore;
import dev.cairn.format.SharedLayout;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Attacks joining while others make checkpoints: whoever joins reads the numbers of checkpoints
 * while they change.
 */
class EpochsTest {
    private static final Path SHARED = Path.of("store.cairn-shm");

    private final Map<Long, Long> words = new HashMap<>();
    private int loads;

    private void set(long at, long value) {
        words.put(at, value);
    }

    /** Stores what the steps P3, P5, P9 and P10 of a checkpoint store. */
    private void checkpoint() {
        long epoch = words.get((long) SharedLayout.EPOCH);
        set(SharedLayout.EPOCH, epoch + 1);
        set(SharedLayout.ATTEMPT, epoch);
        set(SharedLayout.DURABLE, epoch);
        set(SharedLayout.ATTEMPT, 0);
    }

    private void begin() {
        set(SharedLayout.EPOCH, 5);
        set(SharedLayout.DURABLE, 4);
        set(SharedLayout.ATTEMPT, 0);
        set(SharedLayout.FAILED, 0);
    }

    /**
     * There are as many checkpoints as possible between two loads, before each load and after the
     * last.
     */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void checkpointsBetweenTwoLoadsAreNoDamage(int before) {
        begin();
        assertThatCode(() ->
                        Epochs.requirePlausible(
                                SHARED,
                                at -> {
                                    if (loads++ == before) {
                                        checkpoint();
                                        checkpoint();
                                    }
                                    return words.get(at);
                                }))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(longs = {SharedLayout.DURABLE, SharedLayout.ATTEMPT, SharedLayout.FAILED})
    void anEpochThatDidNotBeginIsDamage(long field) {
        for (long wrong : new long[] {5, 6, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
            begin();
            set(field, wrong);
            assertThatThrownBy(() -> Epochs.requirePlausible(SHARED, words::get))
                    .isInstanceOf(CorruptStore.class)
                    .hasMessageContaining("at byte " + field)
                    .hasMessageContaining("found " + wrong);
        }
    }
}
