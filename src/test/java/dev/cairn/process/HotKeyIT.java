package dev.cairn.process;

import static dev.cairn.process.Values.bytes;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.SmallScale;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Attacks reads of a key that is overwritten in place. Two processes overwrite one key without
 * pause, while two others read it in every way; some writers are killed. Each value must be whole,
 * and no older value may come back. How long readers wait is printed.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HotKeyIT {
    private static final String LEASE_PROPERTY = "dev.cairn.feed-lease-millis";
    private static final String LEASE_MILLIS = "4000";

    @RegisterExtension final Children children = new Children();

    @TempDir Path directory;

    private final SmallScale scale = SmallScale.inPlace();

    @AfterEach
    void asUsual() {
        scale.close();
        System.clearProperty(LEASE_PROPERTY);
    }

    /**
     * Shortens the leases of stores that are opened from now on, but not so far that a maintenance
     * thread might come too late.
     */
    private void shortenLeases(Child... others) {
        System.setProperty(LEASE_PROPERTY, LEASE_MILLIS);
        for (Child other : others) {
            other.ask("property", LEASE_PROPERTY, LEASE_MILLIS);
        }
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private CairnStore create() {
        CairnStore store = Cairn.open(file(), Scenario.QUIET);
        store.put(bytes("other"), new byte[10]);
        store.put(bytes(HotKey.KEY), HotKey.value(3, 1));
        return store;
    }

    private Child opened(Child child) {
        child.ask("open", file());
        return child;
    }

    private List<Child> readers() {
        List<Child> readers =
                List.of(opened(children.startOptimizing()), opened(children.startOptimizing()));
        for (Child reader : readers) {
            reader.tell("hot read", file());
            reader.awaitStep(HotKey.KEY);
        }
        return readers;
    }

    private static void end(List<Child> readers) {
        readers.forEach(reader -> reader.tell("go"));
        readers.forEach(reader -> System.out.println("HotKeyIT: " + reader.answer()));
    }

    @Test
    void everyReadOfAKeyThatIsOverwrittenWithoutPauseIsWhole() {
        overwrite(25_000);
    }

    @Test
    @Tag("soak")
    void everyReadOfAKeyThatIsOverwrittenAMillionTimesIsWhole() {
        overwrite(1_000_000);
    }

    private void overwrite(long puts) {
        try (CairnStore store = create()) {
            List<Child> readers = readers();
            List<Child> writers =
                    List.of(opened(children.startOptimizing()), opened(children.startOptimizing()));
            for (int i = 0; i < writers.size(); i++) {
                writers.get(i).tell("hot write", i + 1, puts);
            }
            int verified = 0;
            while (writers.stream().anyMatch(writer -> !writer.saidAnything())) {
                assertThat(store.verify().damages()).isEmpty();
                if (++verified % 10 == 0) {
                    long _ = store.checkpoint(); // its records are kept from now on
                }
            }
            long inPlace = 0;
            for (Child writer : writers) {
                inPlace += Long.parseLong(writer.answer());
            }
            end(readers);
            assertThat(inPlace).isPositive();
            assertThat(store.verify().damages()).isEmpty();
            System.out.printf(
                    "HotKeyIT: %d of %d puts in place, verified %d times, %d times beside them%n",
                    inPlace, 2 * puts, verified + 1, verified);
            assertThat(store.get(bytes(HotKey.KEY))).hasSize(HotKey.BYTES);
        }
    }

    @Test
    void everyReadIsWholeThoughWritersAreKilled() throws IOException {
        killWriters(3);
    }

    @Test
    @Tag("soak")
    void everyReadIsWholeThoughHundredWritersAreKilled() throws IOException {
        killWriters(100);
    }

    private void killWriters(int kills) throws IOException {
        SplittableRandom random = new SplittableRandom();
        try (CairnStore store = create()) {
            List<Child> readers = readers();
            long last = 0;
            for (int kill = 0; kill < kills; kill++) {
                // Each kill has a writer number of its own, since the sequence of each writer
                // begins anew.
                Child writer = opened(children.spare());
                writer.tell("hot write", 10 + kill, Long.MAX_VALUE);
                long before = store.version(bytes(HotKey.KEY));
                while (store.version(bytes(HotKey.KEY)) < before + 100 || inPlace() <= before) {
                    LockSupport.parkNanos(random.nextLong(2_000_000));
                }
                writer.kill();
                writer.awaitDeath();
                assertThat(store.verify().damages()).isEmpty();
                long version = store.version(bytes(HotKey.KEY));
                assertThat(version).isGreaterThan(last);
                last = store.put(bytes(HotKey.KEY), HotKey.value(4, kill + 1));
                assertThat(last).isGreaterThan(version);
            }
            end(readers);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /** The version of the last put that anybody began in place. */
    private long inPlace() throws IOException {
        return SharedWords.load(file(), SharedLayout.stripeAt(0) + StripeWords.IN_PLACE_VERSION);
    }

    /**
     * Another process has a feed open. A feed whose process was killed still counts for a while.
     */
    @Test
    void nothingIsOverwrittenWhileAnotherProcessHasAFeed() throws IOException {
        Child other = children.start();
        shortenLeases(other);
        try (CairnStore store = create()) {
            assertThat(overwrites(store, 2)).isTrue();
            opened(other);
            other.tell("poll");
            other.awaitStep("poll");
            assertThat(overwrites(store, 3)).isFalse();
            assertThat(other.answer()).isEqualTo("Put");
            awaitOverwrites(store); // the other has closed its feed

            other.tell("poll");
            other.awaitStep("poll");
            other.kill();
            other.awaitDeath();
            awaitOverwrites(store);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    /**
     * A feed of a process that only reads becomes known after a while. It must be told what it
     * missed until then.
     */
    @ParameterizedTest
    @ValueSource(strings = {"join", "view"})
    void aFeedOfAnotherProcessIsToldOfEachChange(String how) throws IOException {
        Path notes = directory.resolve("ledger");
        Child other = children.start();
        shortenLeases(other);
        try (CairnStore store = create();
                Ledger ledger = Ledger.at(notes)) {
            awaitOverwrites(store);
            other.tell("follow", file(), notes, how);
            other.awaitStep("follow");
            long before;
            do { // several in a row, as a single put may be appended for another reason
                LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
                before = store.stats().overwritesInPlace();
                putSome(store, 3);
            } while (store.stats().overwritesInPlace() > before);
            putSome(store, 200);
            assertThat(store.stats().overwritesInPlace()).isEqualTo(before);
            ledger.order(Ledger.JUDGE);
            String told = other.answer(); // what it was told equals the store
            System.out.println("HotKeyIT: " + how + ": " + told);
            assertThat(Long.parseLong(told.substring(0, told.indexOf(' ')))).isPositive();
            awaitOverwrites(store);
            assertThat(store.verify().damages()).isEmpty();
        }
    }

    private static void putSome(CairnStore store, int puts) {
        for (int i = 0; i < puts; i++) {
            boolean _ = overwrites(store, i);
        }
    }

    private static boolean overwrites(CairnStore store, long sequence) {
        long before = store.stats().overwritesInPlace();
        long _ = store.put(bytes(HotKey.KEY), HotKey.value(3, sequence));
        assertThat(store.get(bytes(HotKey.KEY))).isEqualTo(HotKey.value(3, sequence));
        return store.stats().overwritesInPlace() > before;
    }

    private static void awaitOverwrites(CairnStore store) {
        for (long sequence = 10; !overwrites(store, sequence); sequence++) {
            LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
        }
    }
}
