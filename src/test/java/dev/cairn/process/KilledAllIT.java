package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.LockTimeout;
import dev.cairn.Options;
import dev.cairn.Recovery.Kind;
import dev.cairn.Seed;
import dev.cairn.process.Ledger.Figure;
import dev.cairn.process.Workload.Mode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Attacks the promise that every returned write survives the death of all processes. All processes
 * that have a store open are killed, or a dead one does not look dead: it is a zombie, or runs in
 * another container.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KilledAllIT {
    private static final int WRITERS = 3;
    private static final Options ONE_STRIPE = Options.defaults().withStripes(1);

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final Random random = Seed.random(KilledAllIT.class);

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private Path sharedMemory() {
        return directory.resolve("store.cairn-shm");
    }

    /** Lets several processes write for a moment, and then kills them all. */
    private void writeAndDie(Ledger ledger, Path notes, Mode mode) {
        List<Child> writers = children.start(WRITERS);
        for (int lane = 0; lane < WRITERS; lane++) {
            ledger.set(lane, Figure.STATE, Ledger.STARTING);
            writers.get(lane)
                    .tell("write", file(), notes, lane, random.nextLong(), Long.MAX_VALUE, 0, mode);
        }
        for (int lane = 0; lane < WRITERS; lane++) {
            while (ledger.figure(lane, Figure.STATE) != Ledger.WORKING) {
                writers.get(lane).requireNoComplaint();
                LockSupport.parkNanos(100_000);
            }
        }
        LockSupport.parkNanos(200_000_000);
        writers.forEach(Child::kill);
        writers.forEach(Child::awaitDeath);
    }

    @Test
    void everyReturnedWriteIsThereWhenAllWereKilled() throws IOException {
        Path notes = directory.resolve("ledger");
        try (Ledger ledger = Ledger.at(notes)) {
            for (int round = 0; round < 3; round++) {
                writeAndDie(ledger, notes, Mode.BUSY);
                try (CairnStore store = Cairn.open(file())) {
                    assertThat(store.recovery().kind()).isEqualTo(Kind.REPAIRED);
                    assertThat(store.recovery().bytes()).as("bytes rebuilt").isZero();
                    new Workload(store, ledger).judgeAll();
                    assertThat(store.verify().damages()).isEmpty();
                    assertThat(store.stats().processes()).isOne();
                }
                try (CairnStore store = Cairn.open(file())) {
                    assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
                }
            }
        }
    }

    private Map<String, byte[]> content(CairnStore store) {
        Map<String, byte[]> content = new TreeMap<>();
        store.forEach((key, value) -> content.put(new String(key, UTF_8), value));
        return content;
    }

    private static void assertSame(Map<String, byte[]> found, Map<String, byte[]> expected) {
        assertThat(found.keySet()).isEqualTo(expected.keySet());
        expected.forEach((key, value) -> assertThat(found.get(key)).as(key).isEqualTo(value));
    }

    @Test
    void withoutSharedMemoryAClosedStoreIsRebuiltAndAKilledOneRolledBack() throws IOException {
        Path notes = directory.resolve("ledger");
        try (Ledger ledger = Ledger.at(notes)) {
            writeAndDie(ledger, notes, Mode.WITHOUT_CHECKPOINTS);
            Map<String, byte[]> closed;
            long epoch;
            try (CairnStore store = Cairn.open(file())) {
                closed = content(store);
                epoch = store.stats().epoch();
            }
            Files.delete(sharedMemory());
            try (CairnStore store = Cairn.open(file())) {
                assertThat(store.recovery().kind()).isEqualTo(Kind.REBUILT);
                assertThat(store.recovery().detail()).contains("missing");
                assertThat(store.recovery().epoch()).isEqualTo(epoch);
                assertThat(store.recovery().entries()).isEqualTo(closed.size());
                new Workload(store, ledger).judgeAll();
                assertSame(content(store), closed);
            }
            writeAndDie(ledger, notes, Mode.WITHOUT_CHECKPOINTS);
            Files.delete(sharedMemory());
            try (CairnStore store = Cairn.open(file())) {
                assertThat(store.recovery().kind()).isEqualTo(Kind.REBUILT);
                assertThat(store.recovery().detail()).contains("missing");
                assertThat(store.recovery().entries()).isEqualTo(closed.size());
                assertSame(content(store), closed);
                assertThat(store.verify().damages()).isEmpty();
            }
        }
    }

    /**
     * The parent of the dead process does not wait for it, so the kernel keeps its entry under its
     * number.
     */
    @Test
    void aZombieIsDead() throws IOException {
        try (CairnStore store = Cairn.open(file(), ONE_STRIPE)) {
            store.put(bytes("key"), Values.of("key", 0, 1, 100));
            Child child =
                    children.start(
                            List.of("sh", "-c", "exec 3<&0; \"$@\" <&3 & exec sleep 600", "sh"));
            long pid = Long.parseLong(child.ask("pid"));
            assertThat(pid).isNotEqualTo(child.pid());
            dieInAPut(child, pid);
            store.put(bytes("other"), Values.of("other", 0, 1, 100));
            awaitZombie(pid);
            assertTakenOver(store);
            assertThat(store.stats().processes()).isOne();
        }
        try (CairnStore store = Cairn.open(file())) {
            assertThat(store.recovery().kind()).isEqualTo(Kind.CLEAN);
        }
    }

    /**
     * Waits for a zombie. The first thread of a process may be one while others still exit; until
     * the last of them has, the files of the process are open, and locked.
     */
    private static void awaitZombie(long pid) throws IOException {
        Path process = Path.of("/proc", Long.toString(pid));
        while (!Files.readString(process.resolve("stat")).contains(") Z ")
                || threads(process) > 1) {
            Thread.onSpinWait();
        }
    }

    private static long threads(Path process) throws IOException {
        try (Stream<Path> threads = Files.list(process.resolve("task"))) {
            return threads.count();
        }
    }

    private int deaths;

    private void dieInAPut(Child child, long pid) throws IOException {
        child.ask("open", file());
        child.ask("park", "W8", 1);
        child.tell("put", "key", 200 + 16 * deaths++); // longer each time, so that it is appended
        child.awaitStep("W8");
        Child.signal("KILL", pid);
    }

    private static void assertTakenOver(CairnStore store) {
        assertThat(store.stats().takeovers()).isOne();
        assertThat(Values.whole("key", store.get(bytes("key"))).sequence()).isEqualTo(2);
        assertThat(store.get(bytes("other"))).isEqualTo(Values.of("other", 0, 1, 100));
        assertThat(store.verify().damages()).isEmpty();
    }

    /** Each child is process 1 of its own namespace, as in containers that share a volume. */
    private Child contained() {
        return children.start(List.of("unshare", "--pid", "--fork", "--mount-proc", "--"));
    }

    private static void assumeNamespaces() throws IOException {
        Process trial =
                new ProcessBuilder("unshare", "--pid", "--fork", "--mount-proc", "--", "true")
                        .redirectErrorStream(true)
                        .start();
        assumeTrue(trial.onExit().join().exitValue() == 0, "unshare --pid does not work here");
    }

    @Test
    void deathIsSeenAcrossPidNamespaces() throws IOException {
        assumeNamespaces();
        try (CairnStore store = Cairn.open(file(), ONE_STRIPE)) {
            store.put(bytes("key"), Values.of("key", 0, 1, 100));
            Child contained = contained();
            assertThat(contained.ask("pid")).isEqualTo("1");
            dieInAPut(contained, contained.handle().children().findFirst().orElseThrow().pid());
            store.put(bytes("other"), Values.of("other", 0, 1, 100));
            assertTakenOver(store);
        }
        Child survivor = contained();
        assertThat(survivor.ask("pid")).isEqualTo("1");
        survivor.ask("open", file());
        Child victim = contained();
        assertThat(victim.ask("pid")).isEqualTo("1");
        dieInAPut(victim, victim.handle().children().findFirst().orElseThrow().pid());
        survivor.ask("put", "third", 100);
        assertThat(survivor.ask("get", "key")).isEqualTo("2");
        survivor.ask("verify");
        Child outside = children.start();
        outside.ask("open", file());
        dieInAPut(outside, outside.pid());
        survivor.ask("put", "fourth", 100);
        assertThat(survivor.ask("verify")).isEqualTo("4");
        assertThat(survivor.ask("close")).isEqualTo("closed");
    }

    /**
     * The reverse: a process of another namespace must not be taken for dead because it is not
     * seen.
     */
    @Test
    void aLiveHolderOfAnotherNamespaceKeepsItsLock() throws IOException {
        assumeNamespaces();
        try (CairnStore store =
                Cairn.open(file(), ONE_STRIPE.withLockTimeout(Duration.ofMillis(500)))) {
            store.put(bytes("key"), Values.of("key", 0, 1, 100));
            Child holder = contained();
            holder.ask("open", file());
            holder.ask("park", "W8", 1);
            holder.tell("put", "key", 200);
            holder.awaitStep("W8");
            assertThatThrownBy(() -> store.put(bytes("other"), Values.of("other", 0, 1, 100)))
                    .hasMessageContaining("of another container")
                    .isInstanceOfSatisfying(
                            LockTimeout.class, e -> assertThat(e.holder()).isEmpty());
            holder.tell("go");
            holder.answer();
            store.put(bytes("other"), Values.of("other", 0, 1, 100));
            assertThat(store.stats().takeovers()).isZero();
        }
    }

    /** The last to close must finish a dead process's write, and so must the first to open. */
    @ParameterizedTest
    @ValueSource(strings = {"W3 run", "W5", "W6", "W8", "W13"})
    void theLastToCloseAndTheFirstToOpenRepair(String step) throws IOException {
        boolean removes = step.equals("W13");
        boolean committed = !step.equals("W3 run") && !step.equals("W5");
        for (boolean repairsWhileClosing : List.of(true, false)) {
            Path file = directory.resolve("store" + repairsWhileClosing + ".cairn");
            CairnStore survivor = Cairn.open(file, ONE_STRIPE);
            survivor.put(bytes("key"), Values.of("key", 0, 1, 200_000));
            long used = survivor.stats().regions() - survivor.stats().freeRegions();
            Child child = children.start();
            child.ask("open", file);
            child.ask("park", step, 1);
            child.tell(removes ? "remove" : "put", "key", 300_000);
            child.awaitStep(step);
            if (!repairsWhileClosing) {
                survivor.close();
            }
            child.kill();
            child.awaitDeath();
            survivor.close();
            try (CairnStore store = Cairn.open(file, ONE_STRIPE.withReadOnly(true))) {
                assertThat(store.recovery().kind())
                        .isEqualTo(repairsWhileClosing ? Kind.CLEAN : Kind.REPAIRED);
                assertThat(store.get(bytes("key")) == null).isEqualTo(removes);
            }
            try (CairnStore store = Cairn.open(file, ONE_STRIPE)) {
                assertThat(store.recovery().kind())
                        .isEqualTo(repairsWhileClosing ? Kind.CLEAN : Kind.REPAIRED);
                byte[] found = store.get(bytes("key"));
                if (removes) {
                    assertThat(found).isNull();
                } else {
                    assertThat(Values.whole("key", found).sequence()).isEqualTo(committed ? 2 : 1);
                }
                assertThat(store.verify().damages()).isEmpty();
                if (!committed) {
                    assertThat(store.stats().regions() - store.stats().freeRegions())
                            .as("regions in use")
                            .isEqualTo(used);
                }
            }
        }
    }

    /** The timeout is shorter than the time after which a holder is suspected to be dead. */
    @Test
    void aDeadHolderIsTakenOverHoweverImpatientTheSurvivor() throws IOException {
        Options impatient = ONE_STRIPE.withLockTimeout(Duration.ofMillis(1));
        try (CairnStore store = Cairn.open(file(), impatient)) {
            Child child = children.start();
            dieInAPut(child, child.pid());
            child.awaitDeath();
            store.put(bytes("other"), Values.of("other", 0, 1, 100));
            assertTakenOver(store);
        }
    }
}
