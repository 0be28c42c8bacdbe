package dev.cairn.events;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Content;
import dev.cairn.Options;
import dev.cairn.Recorded;
import dev.cairn.Recovery;
import dev.cairn.SmallScale;
import dev.cairn.Stats;
import dev.cairn.os.MappedFile;
import dev.cairn.os.Medium;
import dev.cairn.os.Steps;

import jdk.jfr.EventType;
import jdk.jfr.FlightRecorder;
import jdk.jfr.SettingDescriptor;
import jdk.jfr.ValueDescriptor;
import jdk.jfr.consumer.RecordedEvent;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Attacks the flight recorder's events: each must be recorded when the thing happens, with what it
 * was, and no other.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EventsTest {
    private static final Options MANUAL = Options.defaults().withStripes(2).withManualCheckpoints();

    private static final Options ONE_STRIPE = MANUAL.withStripes(1);

    @TempDir Path directory;

    @AfterEach
    void usual() {
        Medium.use(Medium.SYSTEM);
        Steps.listen(null);
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private static void put(CairnStore store, int from, int to, int bytes) {
        for (int key = from; key < to; key++) {
            store.put(Content.key(key), Content.value(key, 0, bytes));
        }
    }

    @Test
    void nothingHappensInACleanOpenWithPutsThatFindRoom() {
        try (CairnStore store = Cairn.open(file(), MANUAL)) {
            put(store, 0, 10, 100);
        }
        try (Recorded recorded = new Recorded(directory)) {
            try (CairnStore store = Cairn.open(file(), MANUAL)) {
                assertThat(store.recovery().kind()).isEqualTo(Recovery.Kind.CLEAN);
                put(store, 0, 10, 100);
                assertThat(store.get(Content.key(3))).isNotNull();
                assertThat(recorded.all()).isEmpty();
            }
        }
    }

    @Test
    void aCheckpointTellsItsEpochAndWhatItForced() {
        try (CairnStore store = Cairn.open(file(), MANUAL)) {
            store.checkpoint();
            put(store, 0, 10, 100);
            try (Recorded recorded = new Recorded(directory)) {
                long epoch = store.checkpoint();
                assertThat(store.checkpoint()).isEqualTo(epoch); // there is nothing to do
                RecordedEvent event = recorded.only("Checkpoint");
                assertThat(event.getString("file")).isEqualTo(file().toString());
                assertThat(event.getLong("epoch")).isEqualTo(epoch);
                assertThat(event.getLong("bytes")).isEqualTo(store.stats().dataFileBytes());
                assertThat(event.getLong("regionsClaimed")).isEqualTo(2);
                assertThat(event.getInt("cutAttempts")).isPositive();
                assertThat(event.getDuration("cutTime")).isPositive();
                assertThat(event.getDuration("forceTime"))
                        .isPositive()
                        .isLessThanOrEqualTo(event.getDuration());
                assertThat(event.getBoolean("succeeded")).isTrue();
                assertThat(event.getString("failure")).isNull();
            }
        }
    }

    @Test
    void theLastToCloseMakesACheckpointWithoutACut() {
        CairnStore store = Cairn.open(file(), MANUAL);
        put(store, 0, 10, 100);
        try (Recorded recorded = new Recorded(directory)) {
            store.close();
            RecordedEvent event = recorded.only("Checkpoint");
            assertThat(event.getInt("cutAttempts")).isZero();
            assertThat(event.getBoolean("succeeded")).isTrue();
        }
    }

    @Test
    void aCheckpointThatFailsSaysWhy() {
        try (CairnStore store = Cairn.open(file(), MANUAL);
                Recorded recorded = new Recorded(directory)) {
            put(store, 0, 10, 100);
            Medium.use(new Broken());
            assertThatThrownBy(store::checkpoint).isInstanceOf(CheckpointFailed.class);
            Medium.use(Medium.SYSTEM);
            RecordedEvent event = recorded.only("Checkpoint");
            assertThat(event.getBoolean("succeeded")).isFalse();
            assertThat(event.getString("failure")).contains("CheckpointFailed");
            assertThat(event.getLong("epoch")).isEqualTo(store.stats().epoch() - 1);
        }
    }

    /** A medium that fails. */
    private static final class Broken implements Medium {
        @Override
        public void force(MappedFile file, long from, long to) throws IOException {
            throw new IOException("the test's disk is broken");
        }
    }

    @Test
    void aThreadThatWaitsForAnotherNamesIt() throws InterruptedException {
        try (CairnStore store = Cairn.open(file(), ONE_STRIPE);
                Recorded recorded = new Recorded(directory)) {
            put(store, 0, 1, 100);
            CountDownLatch held = new CountDownLatch(1);
            CountDownLatch waits = new CountDownLatch(1);
            AtomicBoolean first = new AtomicBoolean(true);
            Steps.listen(step -> {
                if (step.equals("W2") && first.compareAndSet(true, false)) {
                    held.countDown();
                    await(waits);
                } else if (step.equals("L1")) {
                    waits.countDown();
                }
            });
            Thread holder =
                    Thread.ofPlatform().name("the holder").start(() -> put(store, 1, 2, 100));
            held.await();
            put(store, 2, 3, 100);
            holder.join();
            RecordedEvent event = recorded.only("LockWait");
            assertThat(event.getString("file")).isEqualTo(file().toString());
            assertThat(event.getString("lock")).isEqualTo("the lock of stripe 0");
            assertThat(event.getInt("stripe")).isZero();
            assertThat(event.getLong("holder")).isEqualTo(ProcessHandle.current().pid());
            assertThat(event.getThread("holderThread").getJavaName()).isEqualTo("the holder");
            assertThat(event.getThread().getJavaName()).isEqualTo(Thread.currentThread().getName());
            assertThat(event.getBoolean("taken")).isTrue();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Each growth must begin where the one before ended, and the last must end at what the figures
     * say.
     */
    @Test
    void eachAreaThatGrowsTellsFromWhereToWhere() {
        try (SmallScale _ = new SmallScale();
                Recorded recorded = new Recorded(directory);
                CairnStore store = Cairn.open(file(), MANUAL)) {
            put(store, 0, 5_000, 100);
            Map<String, Long> ends = new HashMap<>();
            Set<String> areas = new HashSet<>();
            for (RecordedEvent event : recorded.all("Grow")) {
                String area = event.getString("area");
                int stripe = event.getInt("stripe");
                areas.add(area);
                assertThat(event.getString("file")).isEqualTo(file().toString());
                assertThat(stripe >= 0).isEqualTo(area.equals(Events.INDEX));
                long before = event.getLong("bytesBefore");
                Long end = ends.put(area + stripe, event.getLong("bytesAfter"));
                assertThat(end == null || end == before).as(event.toString()).isTrue();
                assertThat(event.getLong("bytesAfter")).isGreaterThanOrEqualTo(before);
            }
            assertThat(areas)
                    .containsExactlyInAnyOrder(Events.DATA, Events.INDEX, Events.SHARED_MEMORY);
            Stats stats = store.stats();
            assertThat(ends.get(Events.DATA + Events.NO_STRIPE)).isEqualTo(stats.dataFileBytes());
            assertThat(ends.get(Events.SHARED_MEMORY + Events.NO_STRIPE))
                    .isEqualTo(stats.sharedMemoryFileBytes());
        }
    }

    @Test
    void aRegionThatIsCleanedTellsWhatItCostAndGave() {
        int kept = 1_000;
        try (SmallScale _ = new SmallScale();
                Recorded recorded = new Recorded(directory);
                CairnStore store = Cairn.open(file(), ONE_STRIPE)) {
            put(store, 0, 1, kept);
            for (int round = 0; round < 10; round++) {
                put(store, 1, 40, 200); // its first region has nothing any more
            }
            List<RecordedEvent> events = recorded.all("Clean");
            assertThat(events).isNotEmpty();
            RecordedEvent first = events.getFirst();
            assertThat(first.getString("file")).isEqualTo(file().toString());
            assertThat(first.getInt("stripe")).isZero();
            assertThat(first.getLong("bytesMoved")).isBetween((long) kept, kept + 100L);
            long before = 0;
            for (RecordedEvent event : events) {
                assertThat(event.getLong("bytesFreed")).isEqualTo(SmallScale.REGION_BYTES);
                assertThat(event.getLong("bytesMoved")).isLessThan(SmallScale.REGION_BYTES);
                assertThat(event.getLong("garbageLeft")).isNotNegative();
                assertThat(event.getInt("entriesDropped")).isZero();
                assertThat(event.getLong("region")).isGreaterThan(before);
                before = event.getLong("region");
            }
        }
    }

    @Test
    void aCacheTellsHowManyEntriesItDrops() {
        try (SmallScale _ = new SmallScale();
                Recorded recorded = new Recorded(directory);
                CairnStore store =
                        Cairn.open(file(), ONE_STRIPE.withMaxBytes(300_000).withEviction(true))) {
            put(store, 0, 5_000, 100);
            long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
            long dropped;
            long evictions;
            do { // the maintenance thread may still evict, and tells each region a little later
                dropped =
                        recorded.all("Clean").stream()
                                .mapToLong(event -> event.getInt("entriesDropped"))
                                .sum();
                evictions = store.stats().evictions();
            } while (dropped != evictions && System.nanoTime() < deadline);
            assertThat(dropped).isPositive().isEqualTo(evictions);
        }
    }

    @Test
    void aRecoveryTellsWhatTheStoreTells() throws IOException {
        Path copy = directory.resolve("copy.cairn");
        try (CairnStore store = Cairn.open(file(), MANUAL)) {
            put(store, 0, 10, 100);
            store.checkpoint();
            put(store, 10, 20, 100);
            Files.copy(file(), copy);
        }
        try (Recorded recorded = new Recorded(directory);
                CairnStore store = Cairn.open(copy, MANUAL)) {
            Recovery recovery = store.recovery();
            RecordedEvent event = recorded.only("Recovery");
            assertThat(event.getString("file")).isEqualTo(copy.toString());
            assertThat(event.getString("kind")).isEqualTo("REBUILT");
            assertThat(event.getString("detail")).isEqualTo(recovery.detail());
            assertThat(event.getLong("epoch")).isEqualTo(recovery.epoch());
            assertThat(event.getLong("entries")).isEqualTo(recovery.entries()).isEqualTo(10);
            assertThat(event.getLong("bytes")).isEqualTo(recovery.bytes()).isPositive();
            assertThat(event.getInt("stripesRepaired")).isZero();
            assertThat(event.getDuration()).isGreaterThanOrEqualTo(recovery.time());
        }
    }

    /** Whoever reads a recording must find names and units. */
    @Test
    void eachEventIsDescribed() {
        assertThat(Events.load()).isTrue();
        Map<String, EventType> types = new HashMap<>();
        FlightRecorder.getFlightRecorder()
                .getEventTypes()
                .forEach(type -> types.put(type.getName(), type));
        for (String name : Recorded.NAMES) {
            EventType type = types.get("dev.cairn." + name);
            assertThat(type).as(name).isNotNull();
            assertThat(type.getCategoryNames()).containsExactly("Cairn");
            assertThat(type.getLabel().replace(" ", "")).isEqualTo(name);
            assertThat(type.getDescription()).isNotBlank();
            for (ValueDescriptor field : type.getFields()) {
                if (field.getName().matches("bytes.*")) {
                    assertThat(field.getContentType()).as(name).isEqualTo("jdk.jfr.DataAmount");
                }
                assertThat(field.getLabel()).as(name + field.getName()).isNotBlank();
            }
            Map<String, String> settings = new HashMap<>();
            for (SettingDescriptor setting : type.getSettingDescriptors()) {
                settings.put(setting.getName(), setting.getDefaultValue());
            }
            assertThat(settings).containsEntry("enabled", "true");
            assertThat(settings).containsEntry("stackTrace", "false");
            assertThat(settings.get("threshold"))
                    .as(name)
                    .matches(name.equals("LockWait") ? "1 ms" : "0 .*");
            assertThat(settings.get("throttle"))
                    .as(name)
                    .isEqualTo(name.equals("Clean") ? "100/s" : null);
        }
    }
}
