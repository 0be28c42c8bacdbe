package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Heard;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Recorded;

import jdk.jfr.consumer.RecordedEvent;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Attacks the flight recorder's events: what this process records about others that hold a lock,
 * whether stopped or dead, and what works in a JVM without a recorder.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class EventsIT {
    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    /** A child that stands in the middle of a put and holds the lock of the only stripe. */
    private Child standing() {
        Child child = children.start();
        child.ask("open", file());
        child.ask("park", "W8", 1);
        child.tell("put", "key", 300);
        child.awaitStep("W8");
        return child;
    }

    @Test
    void aLockOfADeadProcessIsTakenOverOnce() {
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            store.put(bytes("key"), Values.of("key", 0, 1, 100));
            try (Recorded recorded = new Recorded(directory)) {
                Child child = standing();
                child.kill();
                child.awaitDeath();
                store.put(bytes("other"), Values.of("other", 0, 1, 100));
                store.put(bytes("other"), Values.of("other", 0, 2, 200));
                RecordedEvent event = recorded.only("Takeover");
                assertThat(event.getString("file")).isEqualTo(file().toString());
                assertThat(event.getString("lock")).isEqualTo("the lock of stripe 0");
                assertThat(event.getInt("stripe")).isZero();
                assertThat(event.getLong("holder")).isEqualTo(child.pid());
                assertThat(event.getString("leftBy")).isEqualTo("a dead process");
                assertThat(event.getBoolean("repaired")).isTrue();
                RecordedEvent wait = recorded.only("LockWait");
                assertThat(wait.getLong("holder")).isEqualTo(child.pid());
                assertThat(wait.getBoolean("taken")).isTrue();
            }
        }
    }

    /** The last process to close repairs the store without taking the lock. */
    @Test
    void aLockThatNobodyWasLeftToTakeIsTakenOverToo() {
        CairnStore store = Cairn.open(file(), Scenario.QUIET);
        Child child = standing();
        child.kill();
        child.awaitDeath();
        try (Recorded recorded = new Recorded(directory)) {
            store.close();
            RecordedEvent event = recorded.only("Takeover");
            assertThat(event.getLong("holder")).isEqualTo(child.pid());
            assertThat(event.getBoolean("repaired")).isTrue();
        }
    }

    @Test
    void aWaitForAStoppedProcessNamesIt() {
        Options impatient = Scenario.QUIET.withLockTimeout(Duration.ofMillis(50));
        try (CairnStore store = Cairn.open(file(), impatient);
                Recorded recorded = new Recorded(directory)) {
            Child child = standing();
            assertThatThrownBy(() -> store.put(bytes("key"), new byte[8]))
                    .isInstanceOf(LockTimeout.class);
            RecordedEvent event = recorded.only("LockWait");
            assertThat(event.getInt("stripe")).isZero();
            assertThat(event.getLong("holder")).isEqualTo(child.pid());
            assertThat(event.getThread("holderThread")).isNull();
            assertThat(event.getBoolean("taken")).isFalse();
            assertThat(event.getDuration()).isGreaterThanOrEqualTo(Duration.ofMillis(50));
            assertThat(recorded.all("Takeover")).isEmpty();
            child.tell("go");
            child.answer();
        }
    }

    @Test
    void aStoreWhoseProcessesWereKilledTellsThatItWasRepaired() {
        Child child = standing();
        child.kill();
        child.awaitDeath();
        try (Heard heard = new Heard();
                Recorded recorded = new Recorded(directory);
                CairnStore store = Cairn.open(file(), Scenario.QUIET);
                CairnStore _ = Cairn.open(file(), Scenario.QUIET)) {
            RecordedEvent event = recorded.only("Recovery");
            assertThat(event.getString("kind")).isEqualTo("REPAIRED");
            assertThat(event.getString("detail")).isEqualTo(store.recovery().detail());
            assertThat(event.getInt("stripesRepaired")).isOne();
            assertThat(event.getLong("entries")).isOne();
            RecordedEvent takeover = recorded.only("Takeover");
            assertThat(takeover.getInt("stripe")).isZero();
            assertThat(takeover.getBoolean("repaired")).isTrue();
            assertThat(heard.lines())
                    .singleElement()
                    .asString()
                    .startsWith("INFO " + file() + ": repaired")
                    .contains("stripes repaired: 1", "; its processes were killed");
        }
    }

    @Test
    void aJvmWithoutAFlightRecorderWorks() {
        Child child = children.startWithoutFlightRecorder();
        assertThat(child.ask("recorder")).isEqualTo("false");
        assertThat(child.ask("open", file())).isEqualTo("CREATED");
        child.ask("put", "key", 100);
        child.ask("checkpoint");
        assertThat(child.ask("get", "key")).isEqualTo("2");
        Child other = standing(); // the other child has a recorder
        other.kill();
        other.awaitDeath();
        child.ask("put", "other", 100);
        assertThat(child.ask("verify")).isEqualTo("2");
        assertThat(child.ask("close")).isEqualTo("closed");
    }

    /** The event classes are loaded by the maintenance thread, as the store is open already. */
    @Test
    void aRecordingThatBeginsWhileTheStoreIsOpenHasItsEvents() {
        Child child = children.start();
        assertThat(child.ask("open", file())).isEqualTo("CREATED");
        assertThat(child.ask("recorder"))
                .as("nobody has asked for the recorder")
                .isEqualTo("false");
        child.ask("fly");
        int size = 100;
        do {
            child.ask("put", "key", size++);
            child.ask("checkpoint");
        } while (child.ask("flown").equals("0"));
        assertThat(child.ask("recorder")).isEqualTo("true");
        assertThat(child.ask("close")).isEqualTo("closed");
    }

    @Test
    void aStoreThatIsOpenedDuringARecordingHasItsEventsAtOnce() {
        Child child = children.start();
        child.ask("fly");
        assertThat(child.ask("open", file())).isEqualTo("CREATED");
        child.ask("put", "key", 100);
        child.ask("checkpoint");
        assertThat(child.ask("flown")).isEqualTo("1");
    }
}
