package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.StoreInUse;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Path;
import java.time.Duration;

/**
 * Attacks the promise of opening with rollback: the store then holds what its last checkpoint held,
 * however it was left.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RollbackIT {
    private static final Options ROLLBACK = Scenario.QUIET.withRollback();

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private Path file() {
        return directory.resolve("store.cairn");
    }

    /**
     * A process that committed "kept", and then wrote "dropped" and put another value at "kept".
     */
    private Child writer() {
        Child child = children.start();
        child.ask("open with rollback", file());
        child.ask("put", "kept", Scenario.SMALL);
        child.ask("checkpoint");
        child.ask("put", "dropped", Scenario.SMALL);
        child.ask("put", "kept", 2 * Scenario.SMALL);
        return child;
    }

    private static void assertRolledBack(CairnStore store) {
        assertThat(store.recovery().kind()).isEqualTo(Kind.REBUILT);
        assertThat(store.recovery().detail()).contains("rollback");
        assertThat(store.get(bytes("kept"))).isEqualTo(Values.of("kept", 1, 2, Scenario.SMALL));
        assertThat(store.get(bytes("dropped"))).isNull();
        assertThat(store.size()).isOne();
        assertThat(store.verify().damages()).isEmpty();
    }

    @Test
    void aKilledOneGoesBackToItsLastCheckpoint() {
        Child child = writer();
        child.kill(); // it may not be dead yet
        try (CairnStore store = Cairn.open(file(), ROLLBACK)) {
            assertRolledBack(store);
        }
    }

    @Test
    void aKilledOneKeepsAllForWhoeverDoesNotAskForRollback() {
        Child child = writer();
        child.kill();
        child.awaitDeath();
        try (CairnStore store = Cairn.open(file(), Scenario.QUIET)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
            assertThat(store.size()).isEqualTo(2);
        }
        try (CairnStore store = Cairn.open(file(), ROLLBACK)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertThat(store.size()).isEqualTo(2);
        }
    }

    @Test
    void oneThatWasKilledRightAfterACheckpointIsOnlyRepaired() {
        Child child = writer();
        child.ask("checkpoint");
        child.kill();
        child.awaitDeath();
        try (CairnStore store = Cairn.open(file(), ROLLBACK)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
            assertThat(store.size()).isEqualTo(2);
        }
    }

    @Test
    void closingMakesNoCheckpoint() {
        Child child = writer();
        child.ask("close");
        try (CairnStore store = Cairn.open(file(), ROLLBACK)) {
            assertRolledBack(store);
        }
    }

    @Test
    void oneThatIsClosedAtACheckpointIsOpenedAtOnceAlsoWhileOthersReadIt() {
        Child child = writer();
        child.ask("checkpoint");
        child.ask("close");
        Child reader = children.start();
        reader.ask("view", file());
        try (CairnStore store = Cairn.open(file(), ROLLBACK)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertThat(store.size()).isEqualTo(2);
        }
    }

    @Test
    void itIsRefusedWhileAnotherProcessHasTheStoreOpen() {
        Child child = writer();
        Options impatient = ROLLBACK.withLockTimeout(Duration.ofMillis(100));
        assertThatThrownBy(() -> Cairn.open(file(), impatient))
                .isInstanceOf(StoreInUse.class)
                .hasMessageContaining(file().toString())
                .hasMessageContaining("rollback");
        Child reader = children.start();
        reader.ask("view", file());
        child.kill();
        child.awaitDeath();
        assertThatThrownBy(() -> Cairn.open(file(), impatient)).isInstanceOf(StoreInUse.class);
        reader.ask("close");
        try (CairnStore store = Cairn.open(file(), ROLLBACK)) {
            assertRolledBack(store);
        }
    }

    @Test
    void whoOpensItInTheSameProcessWithoutRollbackKeepsWhatWasWritten() {
        try (CairnStore store = Cairn.open(file(), ROLLBACK);
                CairnStore other = Cairn.open(file(), Scenario.QUIET)) {
            store.put(bytes("a"), bytes("1"));
            other.put(bytes("b"), bytes("2"));
        }
        try (CairnStore store = Cairn.open(file(), ROLLBACK)) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
            assertThat(store.size()).isEqualTo(2);
        }
    }
}
