package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.Recovery.Kind;
import dev.cairn.Seed;
import dev.cairn.SharedMemoryStore;
import dev.cairn.SharedMemoryStore.State;
import dev.cairn.StoreInUse;
import dev.cairn.cli.Main;
import dev.cairn.cli.Streams;
import dev.cairn.os.FileIdentity;
import dev.cairn.os.Holders;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * Attacks {@code cairn shm}, with stores in the system's shared memory that other processes use and
 * leave.
 */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SharedMemoryVerbsIT {
    private static final int RACES = 60;

    @RegisterExtension final Children children = new Children();

    private final String name = "cairn-test-" + UUID.randomUUID();
    private final String store = "shm:" + name;

    @BeforeEach
    void requireSharedMemory() {
        assumeTrue(Files.isWritable(Path.of("/dev/shm")), "no /dev/shm here");
    }

    @AfterEach
    void leavesNothing() throws IOException {
        List<Path> left = files();
        for (Path file : left) {
            Files.deleteIfExists(file);
        }
        assertThat(left).isEmpty();
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/dev/shm"))) {
            return files.filter(file -> file.getFileName().toString().contains(name)).toList();
        }
    }

    private record Result(int exit, String out, String err) {}

    private static Result cairn(String... words) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        try (PrintStream errors = new PrintStream(err, true, UTF_8)) {
            int exit =
                    Main.run(
                            words,
                            new Streams(new ByteArrayInputStream(new byte[0]), out, errors, false));
            return new Result(exit, out.toString(UTF_8), err.toString(UTF_8));
        }
    }

    private Optional<SharedMemoryStore> row() {
        return Cairn.sharedMemoryStores().stream()
                .filter(each -> each.name().equals(name))
                .findFirst();
    }

    private String line() {
        return cairn("shm", "list")
                .out()
                .lines()
                .filter(each -> each.startsWith(name))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aStoreOfAKilledProcessIsNobodysAndCanBeRemoved() throws IOException {
        Child child = children.start();
        child.ask("open", store);
        for (int i = 0; i < 20; i++) {
            child.ask("put", "key" + i, 100);
        }
        assertThat(row().orElseThrow().processes()).containsExactly(child.pid());
        assertThat(row().orElseThrow().entries()).hasValue(20);
        assertThat(line()).contains(" used ", " " + child.pid() + " ");
        Result refused = cairn("shm", "rm", name);
        assertThat(refused.exit()).isEqualTo(4);
        assertThat(refused.err())
                .isEqualTo(
                        "cairn: /dev/shm/%s: process %d has it open; close the store or end the process, then remove the store\n"
                                .formatted(name, child.pid()));
        assertThat(child.ask("get", "key1")).isEqualTo("2");

        child.kill();
        child.awaitDeath();

        assertThat(row().orElseThrow().state()).isEqualTo(State.UNUSED);
        assertThat(row().orElseThrow().entries()).hasValue(20);
        assertThat(line()).contains(" unused ", " none ");
        Result removed = cairn("shm", "rm", name);
        assertThat(removed.err()).isEmpty();
        assertThat(removed.exit()).isZero();
        assertThat(removed.out()).startsWith(name + ": removed, ");
        assertThat(files()).isEmpty();
        assertThat(cairn("shm", "rm", name).exit()).isEqualTo(4);
        assertThat(cairn("shm", "rm", name).err())
                .contains("no such store in shared memory")
                .hasLineCount(1);
    }

    @Test
    void allThatHaveItOpenAreNamed() {
        Child first = children.start();
        Child second = children.startPortable(List.of());
        Child reader = children.start();
        first.ask("open", store);
        first.ask("put", "key", 10);
        second.ask("open", store);
        reader.ask("view", store);

        assertThat(row().orElseThrow().processes())
                .containsExactlyInAnyOrder(first.pid(), second.pid(), reader.pid());
        first.ask("close");
        second.kill();
        second.awaitDeath();
        assertThat(row().orElseThrow().processes()).containsExactly(reader.pid());
        assertThat(cairn("shm", "rm", name).err()).contains("process " + reader.pid() + " has it");
        reader.ask("close");
        assertThat(cairn("shm", "rm", name).exit()).isZero();
    }

    /** The number of such a process means nothing here. Its locks show that it is there. */
    @Test
    void aProcessOfAnotherContainerIsSeen() throws IOException {
        List<String> apart = List.of("unshare", "--pid", "--fork", "--mount-proc", "--");
        Process trial =
                new ProcessBuilder(Stream.concat(apart.stream(), Stream.of("true")).toList())
                        .start();
        assumeTrue(trial.onExit().join().exitValue() == 0, "unshare --pid does not work here");
        Child child = children.start(apart);
        child.ask("open", store);
        assertThat(row().orElseThrow().state()).isEqualTo(State.USED);
        Result refused = cairn("shm", "rm", name);
        assertThat(refused.exit()).isEqualTo(4);
        assertThat(refused.err()).contains("has it open").hasLineCount(1);
        child.ask("close");
        assertThat(cairn("shm", "rm", name).exit()).isZero();
    }

    @Test
    void whatAKilledCreatorLeftIsALeftover() throws IOException {
        Child child = children.start();
        child.ask("park", "O4 rename", 1);
        child.tell("open", store);
        child.awaitStep("O4 rename");
        assertThat(row().orElseThrow().state()).isEqualTo(State.USED);
        assertThat(row().orElseThrow().leftovers()).isEmpty();
        child.kill();
        child.awaitDeath();

        assertThat(row().orElseThrow().leftovers())
                .containsExactly("." + name + "-shm.cairn-building");
        Files.delete(Cairn.sharedMemory(name));
        assertThat(row().orElseThrow().state()).isEqualTo(State.LEFTOVER);
        Result removed = cairn("shm", "rm", "--leftovers", name);
        assertThat(removed.out()).startsWith(name + ": leftovers removed, ");
        assertThat(files()).isEmpty();
    }

    /** The creator is killed before it gave the data file its name. */
    @Test
    void aDataFileInTheMakingIsALeftoverOnceItsCreatorIsDead() throws IOException {
        Child child = children.start();
        child.ask("park", "C link", 1);
        child.tell("open", store);
        child.awaitStep("C link");
        assertThat(row().orElseThrow().leftovers()).isEmpty();
        child.kill();
        child.awaitDeath();
        assertThat(row().orElseThrow().leftovers())
                .containsExactly("." + name + ".cairn-creating", name + "-lock");
        assertThat(cairn("shm", "rm", "--leftovers", name).exit()).isZero();
        assertThat(files()).isEmpty();
    }

    /** An opening that waits for the removal must find that nobody else has its lock file. */
    @Test
    void whoOpensDuringTheRemovalGetsAStoreOfHisOwn() throws IOException {
        Random random = Seed.random(SharedMemoryVerbsIT.class);
        Child opener = children.start();
        int created = 0;
        int kept = 0;
        for (int round = 0; round < RACES; round++) {
            try (CairnStore mine = Cairn.open(Path.of(store), Scenario.QUIET)) {
                mine.put(Values.bytes("key"), Values.of("key", 1, 1, 10));
            }
            opener.tell("open", store);
            if (round % 2 == 0) {
                LockSupport.parkNanos(random.nextLong(TimeUnit.MILLISECONDS.toNanos(4)));
            }
            boolean removed;
            try {
                removed = Cairn.removeSharedMemory(name) > 0;
            } catch (StoreInUse _) {
                removed = false;
            }
            String kind = opener.answer();
            String value = opener.ask("get", "key");
            assertThat(kind).isEqualTo((removed ? Kind.CREATED : Kind.CLEAN).toString());
            assertThat(value).isEqualTo(removed ? "absent" : "1");
            try (CairnStore joined = Cairn.open(Path.of(store), Scenario.QUIET)) { // one lock file
                assertThat(joined.recovery().kind()).isEqualTo(Kind.JOINED);
                assertThat(joined.verify().damages()).isEmpty();
            }
            opener.ask("close");
            created += removed ? 1 : 0;
            kept += removed ? 0 : 1;
        }
        assertThat(created).isPositive();
        System.out.printf("SharedMemoryVerbsIT: %d removed, %d kept%n", created, kept);
        assertThat(cairn("shm", "rm", name).exit()).isZero();
    }

    /** The waiting process has opened the lock file that is then removed. */
    @Test
    void whoWaitsForTheLockOfARemovedStoreTakesTheNewLockFile() throws IOException {
        try (CairnStore mine = Cairn.open(Path.of(store), Scenario.QUIET)) {
            mine.put(Values.bytes("key"), Values.of("key", 1, 1, 10));
        }
        Child holder = children.start();
        holder.tell("lock", "/dev/shm/" + name);
        holder.awaitStep("lock");
        Child waiter = children.start();
        waiter.ask("pid");
        waiter.tell("open", store);
        Path lock = Path.of("/dev/shm", name + "-lock");
        awaitHolder(lock, waiter.pid());
        for (Path file : files()) {
            Files.delete(file); // as a removal does while it holds the lock
        }
        Child creator = children.start();
        assertThat(creator.ask("open", store)).isEqualTo(Kind.CREATED.toString());
        creator.ask("put", "new", 10);
        holder.tell("go");
        assertThat(holder.answer()).isEqualTo("unlocked");
        assertThat(waiter.answer()).isEqualTo(Kind.JOINED.toString());
        assertThat(waiter.ask("get", "new")).isEqualTo("2");
        waiter.ask("close");
        creator.ask("close");
        assertThat(cairn("shm", "rm", name).exit()).isZero();
    }

    private static void awaitHolder(Path file, long pid) throws IOException {
        Set<FileIdentity> identity = Set.of(FileIdentity.of(file));
        while (!Holders.of(identity).contains(pid)) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
    }
}
