package dev.cairn.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.Cairn;
import dev.cairn.CairnStore;
import dev.cairn.CheckpointFailed;
import dev.cairn.Content;
import dev.cairn.Durability;
import dev.cairn.LockTimeout;
import dev.cairn.MemoryDirectory;
import dev.cairn.Options;
import dev.cairn.SetClocks;
import dev.cairn.format.CheckpointSlot;
import dev.cairn.format.CheckpointSlot.Cut;
import dev.cairn.format.DataHeader;
import dev.cairn.format.LockWord;
import dev.cairn.format.PinWords;
import dev.cairn.format.ProcessWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.format.Words;
import dev.cairn.index.Beside;
import dev.cairn.index.Mapped;
import dev.cairn.os.Medium;
import dev.cairn.os.ProcessIdentity;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.StringTokenizer;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;

/**
 * Attacks a checkpoint step by step: what it stores and forces, in which order, and what its words
 * say then.
 */
@Timeout(60)
class CheckpointerTest {
    private static final int STRIPES = 2;
    private static final long CUT_PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(200);
    private static final long MINUTE_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final Options MANUAL =
            Options.defaults()
                    .withStripes(STRIPES)
                    .withManualCheckpoints()
                    .withLockTimeout(Duration.ofMillis(300));

    @TempDir(factory = MemoryDirectory.class)
    Path directory;

    /** The data file and the shared memory as a second process sees them. */
    private Mapped mapped;

    private final List<String> seen = Collections.synchronizedList(new ArrayList<>());
    private volatile String failing = "";

    @AfterEach
    void asUsual() {
        Steps.listen(null);
        Medium.use(Medium.SYSTEM);
        if (mapped != null) {
            mapped.close();
        }
    }

    private Path file() {
        return directory.resolve("store.cairn");
    }

    private CairnStore open(Options options) throws IOException {
        CairnStore store = Cairn.open(file(), options);
        map();
        return store;
    }

    private void map() throws IOException {
        if (mapped != null) {
            mapped.close();
        }
        mapped = Beside.map(file());
    }

    private long word(int field) {
        return mapped.shared().acquire(field);
    }

    private StripeWords stripe(int number) {
        return mapped.shared().stripe(number);
    }

    private static void put(CairnStore store, int key) {
        store.put(Content.key(key), Content.value(key, 1, 50));
    }

    /** The slot as it is in the file. */
    private CheckpointSlot slot(int index) throws IOException {
        byte[] bytes = Files.readAllBytes(file());
        int at = (int) DataHeader.slotAt(index, STRIPES);
        return CheckpointSlot.decode(
                Arrays.copyOfRange(bytes, at, at + CheckpointSlot.bytes(STRIPES)),
                mapped.data().header().storeId(),
                index,
                STRIPES);
    }

    /** Notes steps of checkpoints and forces of the data file. One force fails if a test asks. */
    private void watch() {
        seen.clear();
        Steps.listen(step -> {
            if (step.matches("P[0-9]+")) {
                seen.add(step);
            }
        });
        Medium.use((file, from, to) -> {
            if (!file.path().endsWith(file().getFileName())) {
                return;
            }
            String what = from == 0 ? "log" : "slot " + slotIndex(from, to);
            if (what.startsWith(failing) && !failing.isEmpty()) {
                throw new IOException("by the test");
            }
            assertThat(from == 0 ? to >= mapped.data().regionAt(1) : to > from).isTrue();
            seen.add(what);
        });
    }

    private static int slotIndex(long from, long to) {
        int index = from == DataHeader.slotAt(0, STRIPES) ? 0 : 1;
        assertThat(from).isEqualTo(DataHeader.slotAt(index, STRIPES));
        assertThat(to).isEqualTo(DataHeader.slotAt(index + 1, STRIPES));
        return index;
    }

    /** Each checkpoint must take the other slot. Then the words say that nothing is under way. */
    @Test
    void logIsForcedBeforeItsSlotAndTheSlotsTakeTurns() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            int index =
                    word(SharedLayout.DURABLE) == Objects.requireNonNull(slot(0)).epoch() ? 0 : 1;
            for (int turn = 0; turn < 3; turn++) {
                put(store, turn);
                index = 1 - index;
                watch();
                long epoch = store.checkpoint();
                assertThat(seen)
                        .containsExactly(
                                "P2",
                                "P3",
                                "P4",
                                "P5",
                                "P6",
                                "log",
                                "P7",
                                "P8",
                                "slot " + index,
                                "P9",
                                "P10");
                CheckpointSlot slot = slot(index);
                assertThat(slot).isNotNull();
                assertThat(slot.epoch()).isEqualTo(epoch);
                assertThat(slot.cuts()).isEqualTo(Checkpointer.cuts(mapped.shared()));
                assertThat(word(SharedLayout.DURABLE)).isEqualTo(epoch);
                assertThat(word(SharedLayout.EPOCH)).isEqualTo(epoch + 1);
                assertThat(word(SharedLayout.ATTEMPT)).isZero();
                assertThat(word(SharedLayout.FAILED)).isZero();
                assertThat(word(SharedLayout.TIMELINE))
                        .isEqualTo(slot.timeline().getMostSignificantBits());
                for (int stripe = 0; stripe < STRIPES; stripe++) {
                    assertThat(stripe(stripe).acquire(StripeWords.CUT_VERSION))
                            .isEqualTo(stripe(stripe).acquire(StripeWords.VERSION));
                }
                assertThat(slot(1 - index)).isNotNull();
            }
            assertThat(store.stats().checkpoints()).isEqualTo(3);
            assertThat(store.stats().checkpointNanos()).isBetween(1L, MINUTE_NANOS);
            assertThat(store.stats().longestCutNanos()).isBetween(1L, MINUTE_NANOS);
        }
    }

    /** What a damaged shared word or slot says, the next checkpoint must put right. */
    @Test
    void timelineOfTheSlotIsThatOfTheWords() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            long most = word(SharedLayout.TIMELINE);
            long least = word(SharedLayout.TIMELINE + Long.BYTES);
            put(store, 1);
            long epoch = store.checkpoint();
            for (int index = 0; index < 2; index++) {
                CheckpointSlot slot = slot(index);
                if (slot != null && slot.epoch() == epoch) {
                    assertThat(slot.timeline().getMostSignificantBits()).isEqualTo(most);
                    assertThat(slot.timeline().getLeastSignificantBits()).isEqualTo(least);
                }
            }
        }
    }

    @Test
    void withoutWritesThereIsNothingToDo() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            long epoch = store.checkpoint();
            watch();
            assertThat(store.checkpoint()).isEqualTo(epoch);
            assertThat(seen).isEmpty();
            put(store, 2);
            assertThat(store.checkpoint()).isEqualTo(epoch + 1);
        }
    }

    /** The durable checkpoint's slot was damaged. A new one must be made, in slot 0. */
    @Test
    void damagedSlotIsReplaced() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            long epoch = store.checkpoint();
            MemorySegment memory = mapped.data().file().first();
            for (int index = 0; index < 2; index++) {
                long at = DataHeader.slotAt(index, STRIPES) + CheckpointSlot.CUTS;
                Words.setPlain(memory, at, ~Words.plain(memory, at));
            }
            watch();
            assertThat(store.checkpoint()).isEqualTo(epoch + 1);
            assertThat(seen).contains("slot 0");
            assertThat(Objects.requireNonNull(slot(0)).epoch()).isEqualTo(epoch + 1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"log", "slot"})
    void checkpointWhoseForceFailedIsNotDurableAndTheNextOneHealsFirst(String what)
            throws IOException {
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            long epoch = store.checkpoint();
            put(store, 2);
            watch();
            failing = what;
            assertThatThrownBy(store::checkpoint)
                    .isInstanceOf(CheckpointFailed.class)
                    .hasMessageContaining("whether they are durable is unknown")
                    .hasRootCauseMessage("by the test");
            assertThat(word(SharedLayout.DURABLE)).isEqualTo(epoch);
            assertThat(word(SharedLayout.ATTEMPT)).isEqualTo(epoch + 1);
            assertThat(word(SharedLayout.FAILED)).isEqualTo(epoch + 1);
            assertThat(store.stats().checkpoints()).isEqualTo(1);
            assertThat(store.stats().checkpointFailures()).isEqualTo(1);
            failing = "";
            long tail = stripe(0).acquire(StripeWords.TAIL) | stripe(1).acquire(StripeWords.TAIL);
            assertThat(tail).isNotZero();
            assertThat(store.checkpoint()).isEqualTo(epoch + 2);
            assertThat(word(SharedLayout.ATTEMPT)).isZero();
            assertThat(word(SharedLayout.FAILED)).isZero();
            assertThat(store.stats().checkpoints()).isEqualTo(2);
        }
    }

    /** A caller whose writes are in another's checkpoint needs no checkpoint of its own. */
    @Test
    void callersAtTheSameTimeShareOneCheckpoint() throws Exception {
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            var second = new FutureTask<>(store::checkpoint);
            List<String> steps = Collections.synchronizedList(new ArrayList<>());
            Steps.listen(step -> {
                if (step.equals("P2")) {
                    steps.add(step);
                    if (steps.size() == 1) {
                        Thread thread = Thread.ofPlatform().start(second);
                        while (thread.getState() != Thread.State.TIMED_WAITING) {
                            Thread.onSpinWait();
                        }
                    }
                }
            });
            long epoch = store.checkpoint();
            assertThat(second.get()).isEqualTo(epoch);
            assertThat(steps).hasSize(1);
        }
    }

    /** The caller waited for a checkpoint that had its writes, and that failed. */
    @Test
    void whoWaitedForACheckpointThatFailedIsTold() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            watch();
            mapped.shared().release(SharedLayout.FAILED, word(SharedLayout.EPOCH));
            assertThatThrownBy(store::checkpoint).isInstanceOf(CheckpointFailed.class);
            assertThat(seen).isEmpty();
            mapped.shared().release(SharedLayout.FAILED, word(SharedLayout.EPOCH) - 1);
            store.checkpoint();
            assertThat(seen).contains("P10");
        }
    }

    @Test
    void regionsThatAreInDoubtAreCountedByTheWay() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            mapped.shared().release(SharedLayout.DOUBT, 1);
            store.checkpoint();
            assertThat(word(SharedLayout.DOUBT)).isZero();
        }
    }

    @Test
    void whatTheDeadPinnedIsFreedByTheWay() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            int pin = SharedLayout.pinAt(3);
            mapped.shared().release(pin + PinWords.HOLDER, LockWord.of(9, 5));
            mapped.shared().release(pin + PinWords.EPOCH, 1);
            store.checkpoint();
            assertThat(word(pin + PinWords.HOLDER)).isZero();
            assertThat(word(pin + PinWords.EPOCH)).isZero();
        }
    }

    @Test
    void storeOfDurabilityNoneHasNoCheckpoints() throws IOException {
        Options none = Options.defaults().withStripes(STRIPES).withDurability(Durability.NONE);
        try (CairnStore store = open(none)) {
            put(store, 1);
            assertThatThrownBy(store::checkpoint).isInstanceOf(UnsupportedOperationException.class);
        }
    }

    /** Another process, perhaps a stopped one, has the lock of a stripe. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void cutNeedsAllStripes(int held) throws IOException {
        Process other = new ProcessBuilder("sleep", "600").start();
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            enter(9, other.pid());
            stripe(held).release(StripeWords.LOCK, LockWord.of(9, 1));
            watch();
            assertThatThrownBy(store::checkpoint)
                    .isInstanceOfSatisfying(
                            LockTimeout.class,
                            e -> {
                                assertThat(e.awaited()).isEqualTo("the lock of stripe " + held);
                                assertThat(e.holder()).hasValue(other.pid());
                            });
            assertThat(seen).isEmpty();
            assertThat(stripe(1 - held).acquire(StripeWords.LOCK)).isZero();
            assertThat(store.stats().checkpointFailures()).isEqualTo(1);
            stripe(held).release(StripeWords.LOCK, 0);
            store.checkpoint();
            assertThat(store.stats().checkpoints()).isEqualTo(1);
        } finally {
            other.destroyForcibly();
        }
    }

    /** Whichever stripe the cut takes first, another process has the other one. */
    @Test
    void cutThatNeverGetsAllStripesGivesUp() throws IOException {
        Process other = new ProcessBuilder("sleep", "600").start();
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            enter(9, other.pid());
            stripe(1).release(StripeWords.LOCK, LockWord.of(9, 1));
            List<Integer> held = new ArrayList<>(List.of(1));
            Steps.listen(
                    new Steps.Listener() {
                        @Override
                        public void at(String step) {
                            assertThat(step).isNotEqualTo("P2");
                        }

                        @Override
                        public long pause(long nanos) {
                            if (nanos == CUT_PAUSE_NANOS) {
                                int next = 1 - held.getLast();
                                stripe(1 - next).release(StripeWords.LOCK, 0);
                                stripe(next).release(StripeWords.LOCK, LockWord.of(9, 1));
                                held.add(next);
                            }
                            return nanos;
                        }
                    });
            assertThatThrownBy(store::checkpoint)
                    .isInstanceOfSatisfying(
                            LockTimeout.class,
                            e ->
                                    assertThat(e.awaited())
                                            .isEqualTo("the locks of all stripes at once"));
            assertThat(held).hasSizeGreaterThan(2);
            Steps.listen(null);
            stripe(held.getLast()).release(StripeWords.LOCK, 0);
            store.checkpoint();
        } finally {
            other.destroyForcibly();
        }
    }

    /** An error in the middle of a checkpoint leaves the lock like this. */
    @Test
    void lockOfCheckpointsThatNoThreadHoldsIsGivenBack() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            long[] held = {0};
            Steps.listen(step -> held[0] = word(SharedLayout.CHECKPOINT_LOCK));
            store.checkpoint();
            Steps.listen(null);
            assertThat(held[0]).isNotZero();
            assertThat(word(SharedLayout.CHECKPOINT_LOCK)).isZero();
            mapped.shared().release(SharedLayout.CHECKPOINT_LOCK, held[0]);
            while (word(SharedLayout.CHECKPOINT_LOCK) != 0) {
                Thread.onSpinWait(); // the keeper acts within seconds
            }
        }
    }

    @Test
    void closeWaitsForTheCheckpointThatIsUnderWay() throws Exception {
        CairnStore store = open(MANUAL);
        put(store, 1);
        Thread closer = Thread.ofPlatform().unstarted(store::close);
        List<String> forces = Collections.synchronizedList(new ArrayList<>());
        Medium.use((file, from, to) -> {
            if (file.path().endsWith(file().getFileName()) && forces.isEmpty()) {
                forces.add("log");
                closer.start();
                while (closer.getState() != Thread.State.TIMED_WAITING) {
                    assertThat(closer.isAlive()).isTrue();
                }
                forces.add("waits");
            }
        });
        long epoch = store.checkpoint();
        closer.join();
        assertThat(forces).containsExactly("log", "waits");
        assertThat(Math.max(epochOf(0), epochOf(1))).as("epoch after the close").isEqualTo(epoch);
    }

    private long epochOf(int index) throws IOException {
        CheckpointSlot slot = slot(index);
        return slot == null ? 0 : slot.epoch();
    }

    /** What waits for a checkpoint must be free after it, also after the last close. */
    @Test
    void regionsThatWaitedAreFreeAfterwards() throws IOException {
        byte[] large = Content.value(1, 1, 9_000_000);
        CairnStore store = open(MANUAL);
        store.put(Content.key(1), large);
        store.checkpoint();
        store.put(Content.key(1), large);
        assertThat(word(SharedLayout.WAITING_HINT)).isPositive();
        store.checkpoint();
        assertThat(word(SharedLayout.WAITING_HINT)).isZero();
        assertThat(word(SharedLayout.CUT_WAITING_HINT)).isZero();
        store.put(Content.key(1), large);
        assertThat(word(SharedLayout.WAITING_HINT)).isPositive();
        map();
        store.close();
        assertThat(word(SharedLayout.WAITING_HINT)).isZero();
        assertThat(word(SharedLayout.CUT_WAITING_HINT)).isZero();
    }

    private void enter(int slot, long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        var fields = new StringTokenizer(stat.substring(stat.lastIndexOf(')') + 1));
        for (int field = 3; field < 22; field++) {
            fields.nextToken();
        }
        ProcessIdentity self = ProcessIdentity.self();
        MemorySegment memory = mapped.shared().base();
        long at = SharedLayout.processAt(slot);
        Words.release(memory, at + ProcessWords.INCARNATION, 1);
        Words.release(memory, at + ProcessWords.PID, pid);
        Words.release(memory, at + ProcessWords.START_TICKS, Long.parseLong(fields.nextToken()));
        Words.release(memory, at + ProcessWords.PID_NAMESPACE, self.pidNamespace());
        Words.release(memory, at + ProcessWords.TIME_NAMESPACE, self.timeNamespace());
        Words.release(memory, at + ProcessWords.STATE, ProcessWords.STATE_OPEN);
    }

    private long epochAfterClosing(CairnStore store) throws IOException {
        map();
        store.close();
        return Math.max(epochOf(0), epochOf(1));
    }

    /** If something has no checkpoint, the last close must make one, in the usual order. */
    @Test
    void lastCloseMakesACheckpointIfThereIsNone() throws IOException {
        CairnStore store = open(MANUAL);
        put(store, 1);
        long epoch = store.checkpoint();
        assertThat(epochAfterClosing(store)).isEqualTo(epoch);
        store = open(MANUAL);
        put(store, 2);
        watch();
        long closed = epochAfterClosing(store);
        assertThat(closed).isGreaterThan(epoch);
        assertThat(seen).containsSubsequence("P5", "P6", "log", "P7", "P8", "P9", "P10");
        assertThat(seen.indexOf("P8") + 1)
                .isEqualTo(seen.indexOf("slot " + (slot(0).epoch() == closed ? 0 : 1)));
    }

    /** What expired must stay expired, whatever the wall clock says at the next opening. */
    @Test
    void lastCloseNotesThatEntriesExpired() throws IOException {
        try (SetClocks clocks = new SetClocks()) {
            CairnStore store = open(MANUAL);
            store.put(Content.key(1), Content.value(1, 1, 50), Duration.ofMinutes(1));
            long epoch = store.checkpoint();
            clocks.pass(Duration.ofSeconds(30));
            assertThat(epochAfterClosing(store)).as("epoch, as nothing expired").isEqualTo(epoch);
            store = open(MANUAL);
            clocks.pass(Duration.ofMinutes(1));
            assertThat(epochAfterClosing(store)).isGreaterThan(epoch);
        }
    }

    @Test
    void setBackClockIsAReasonForACheckpoint() throws IOException {
        try (SetClocks clocks = new SetClocks()) {
            CairnStore store = open(MANUAL);
            put(store, 1);
            long epoch = store.checkpoint();
            assertThat(store.checkpoint()).isEqualTo(epoch);
            clocks.setWall(Duration.ofHours(-1));
            long next = store.checkpoint();
            assertThat(next).isEqualTo(epoch + 1);
            clocks.setWall(Duration.ofHours(-1));
            assertThat(epochAfterClosing(store)).isGreaterThan(next);
        }
    }

    /** A stripe whose lock was lost is what the commit makes of it that is under way. */
    @Test
    void cutOfAStripeWithoutItsLockHasTheCommitInIt() {
        MemorySegment memory = Arena.ofAuto().allocate(SharedLayout.stripeAt(1), 64);
        StripeWords words = new StripeWords(memory, SharedLayout.stripeAt(0));
        int[] now = {
            StripeWords.OLDEST, StripeWords.OLDEST_NUMBER, StripeWords.TAIL,
            StripeWords.TAIL_NUMBER, StripeWords.VERSION, StripeWords.LIVE_COUNT,
            StripeWords.LIVE_BYTES
        };
        int[] next = {
            StripeWords.NEW_OLDEST, StripeWords.NEW_OLDEST_NUMBER, StripeWords.NEW_TAIL,
            StripeWords.NEW_TAIL_NUMBER, StripeWords.NEW_VERSION, StripeWords.NEW_LIVE_COUNT,
            StripeWords.NEW_LIVE_BYTES
        };
        for (int i = 0; i < now.length; i++) {
            words.release(now[i], i + 1);
            words.release(next[i], i + 11);
        }
        assertThat(Checkpointer.cutUnlocked(words)).isEqualTo(new Cut(1, 2, 3, 4, 5, 6, 7));
        words.release(StripeWords.INTENT, StripeWords.SHORT);
        assertThat(Checkpointer.cutUnlocked(words)).isEqualTo(new Cut(1, 2, 13, 4, 15, 16, 17));
        words.release(StripeWords.INTENT, StripeWords.IN_PLACE);
        assertThat(Checkpointer.cutUnlocked(words)).isEqualTo(new Cut(1, 2, 3, 4, 15, 6, 7));
        words.release(StripeWords.INTENT, StripeWords.WHOLE);
        assertThat(Checkpointer.cutUnlocked(words)).isEqualTo(new Cut(11, 12, 13, 14, 15, 16, 17));
    }

    @Test
    void emptyCutsKeepTheVersions() throws IOException {
        try (CairnStore store = open(MANUAL)) {
            put(store, 1);
            put(store, 2);
            put(store, 3);
            List<Cut> cuts = Checkpointer.cuts(mapped.shared());
            assertThat(cuts).hasSize(STRIPES);
            assertThat(Checkpointer.emptyCuts(mapped.shared()))
                    .isEqualTo(
                            cuts.stream()
                                    .map(cut -> new Cut(0, 0, 0, 0, cut.version(), 0, 0))
                                    .toList());
        }
    }
}
