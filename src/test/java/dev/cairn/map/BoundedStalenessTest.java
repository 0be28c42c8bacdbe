package dev.cairn.map;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.CairnMap;
import dev.cairn.MapBuilder;
import dev.cairn.StoreClosed;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Attacks bounded staleness: {@code get} may be stale where that was asked for, and everything else
 * must go by what is current.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BoundedStalenessTest {
    private static final String OVERWRITTEN = "1 for the reader, 2 in truth";
    private static final String REMOVED = "1 for the reader, absent in truth";
    private static final String WRITTEN = "absent for the reader, 2 in truth";

    @TempDir Path directory;

    private CairnMap<String, Long> reader;
    private CairnMap<String, Long> writer;

    private Path file() {
        return directory.resolve("map.cairn");
    }

    private static MapBuilder<String, Long> stale() {
        return Maps.cached().boundedStaleness(Duration.ofHours(1)).cacheAbsence();
    }

    @BeforeEach
    void theReaderKnowsWhatIsNoLongerSo() {
        reader = stale().open(file());
        writer = Maps.longs().open(file());
        writer.put(OVERWRITTEN, 1L);
        writer.put(REMOVED, 1L);
        for (String key : List.of(OVERWRITTEN, REMOVED, WRITTEN)) {
            Long _ = reader.get(key);
        }
        writer.put(OVERWRITTEN, 2L);
        writer.remove(REMOVED);
        writer.put(WRITTEN, 2L);
    }

    @AfterEach
    void close() {
        reader.close();
        writer.close();
    }

    @Test
    void getTakesWhatIsStaleWithinTheBound() {
        assertThat(reader.get(OVERWRITTEN)).isEqualTo(1);
        assertThat(reader.get(REMOVED)).isEqualTo(1);
        assertThat(reader.get(WRITTEN)).isNull();
        assertThat(reader.nearCacheStats().unconfirmed()).isEqualTo(3);
    }

    @Test
    void getTakesNothingStaleBeyondTheBound() throws InterruptedException {
        try (CairnMap<String, Long> brief =
                Maps.cached().boundedStaleness(Duration.ofNanos(1)).open(file())) {
            assertThat(brief.get(OVERWRITTEN)).isEqualTo(2);
            writer.put(OVERWRITTEN, 3L);
            Thread.sleep(1);
            assertThat(brief.get(OVERWRITTEN)).isEqualTo(3);
        }
    }

    @Test
    void containsKeyIsNeverStale() {
        assertThat(reader.containsKey(REMOVED)).isFalse();
        assertThat(reader.containsKey(WRITTEN)).isTrue();
    }

    @Test
    void theCurrentValueCanBeReplaced() {
        assertThat(reader.replace(OVERWRITTEN, 2L, 3L)).isTrue();
        assertThat(reader.get(OVERWRITTEN)).as("value that this map wrote itself").isEqualTo(3);
    }

    @Test
    void aStaleValueCannotBeReplaced() {
        assertThat(reader.replace(OVERWRITTEN, 1L, 3L)).isFalse();
        assertThat(writer.get(OVERWRITTEN)).isEqualTo(2);
    }

    @Test
    void aStaleValueCannotBeRemoved() {
        assertThat(reader.remove(OVERWRITTEN, 1L)).isFalse();
        assertThat(writer.get(OVERWRITTEN)).isEqualTo(2);
    }

    @Test
    void theCurrentValueCanBeRemoved() {
        assertThat(reader.remove(OVERWRITTEN, 2L)).isTrue();
        assertThat(reader.get(OVERWRITTEN)).isNull();
    }

    @Test
    void putIfAbsentGoesByWhatIsAbsent() {
        assertThat(reader.putIfAbsent(REMOVED, 9L)).isNull();
        assertThat(reader.putIfAbsent(WRITTEN, 9L)).isEqualTo(2);
        assertThat(writer.get(REMOVED)).isEqualTo(9);
        assertThat(writer.get(WRITTEN)).isEqualTo(2);
    }

    @Test
    void functionsAreGivenTheCurrentValue() {
        assertThat(reader.merge(OVERWRITTEN, 3L, Long::sum)).isEqualTo(5);
        assertThat(reader.computeIfPresent(WRITTEN, (_, value) -> value + 1)).isEqualTo(3);
        assertThat(reader.computeIfPresent(REMOVED, (_, value) -> value + 1)).isNull();
        assertThat(reader.get(OVERWRITTEN)).as("value that this map wrote itself").isEqualTo(5);
    }

    @Test
    void computeToNullRemovesTheCurrentValue() {
        List<Long> given = new ArrayList<>();
        assertThat(
                        reader.compute(
                                OVERWRITTEN,
                                (_, value) -> {
                                    given.add(value);
                                    return null;
                                }))
                .isNull();
        assertThat(given).containsExactly(2L);
        assertThat(writer.get(OVERWRITTEN)).isNull();
    }

    @Test
    void aLoaderIsCalledOnlyForWhatIsAbsent() {
        AtomicInteger loads = new AtomicInteger();
        assertThat(reader.get(WRITTEN, _ -> (long) loads.incrementAndGet())).isEqualTo(2);
        assertThat(loads).hasValue(0);
        assertThat(reader.get(REMOVED, _ -> (long) loads.incrementAndGet())).isEqualTo(1);
        assertThat(loads).hasValue(1);
    }

    @Test
    void twoMapsThatKnowOfAnAbsenceLoadOnce() {
        AtomicInteger loads = new AtomicInteger();
        try (CairnMap<String, Long> other = stale().open(file())) {
            assertThat(reader.get("a")).isNull();
            assertThat(other.get("a")).isNull();
            assertThat(reader.get("a", _ -> (long) loads.incrementAndGet())).isEqualTo(1);
            assertThat(other.get("a", _ -> (long) loads.incrementAndGet())).isEqualTo(1);
        }
    }

    @Test
    void aClosedMapHandsOutNothingStale() {
        reader.close();
        assertThatThrownBy(() -> reader.get(OVERWRITTEN)).isInstanceOf(StoreClosed.class);
    }

    @Test
    void boundsThatMakeNoSenseAreRefused() {
        Duration forever = ChronoUnit.FOREVER.getDuration();
        for (Duration bound : List.of(forever, Duration.ofNanos(-1))) {
            assertThatThrownBy(() -> Maps.cached().boundedStaleness(bound))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(bound.toString());
        }
        for (Duration bound : List.of(forever, Duration.ZERO)) {
            assertThatThrownBy(() -> Maps.longs().loadTimeout(bound))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(bound.toString());
        }
    }
}
