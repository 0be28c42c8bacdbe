package dev.cairn.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.LimitReached;
import dev.cairn.format.LockWord;
import dev.cairn.format.ProcessWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Access;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.MappedFile;
import dev.cairn.os.ProcessIdentity;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Attacks the judgement of a holder: whether it lives or is dead. The holder is a real process that
 * holds no kernel lock.
 */
class ProcessTableTest {
    private static final int OTHER = 7;

    @TempDir Path directory;
    private MappedFile file;
    private MemorySegment memory;
    private KernelLocks kernel;
    private ProcessTable table;
    private Process other;

    @BeforeEach
    void joinBesideAnother() throws IOException {
        Path store = directory.resolve("a.cairn");
        file = MappedFile.anonymous(store, SharedLayout.STRIPE_DESCRIPTORS);
        memory = file.first();
        kernel =
                KernelLocks.open(
                        directory.resolve("a.cairn-lock"),
                        Access.of(PosixFilePermissions.fromString("rw-------")));
        table = ProcessTable.join(store, memory, kernel);
        other = new ProcessBuilder("sleep", "600").start();
        enter(other.pid(), startTicks(other.pid()));
    }

    @AfterEach
    void leave() throws IOException {
        other.destroyForcibly();
        table.leave();
        kernel.close();
        file.close();
    }

    @Test
    void processThatRunsWithoutItsKernelLockIsAliveAndTold() {
        assertThat(table.dead(LockWord.of(OTHER, 1))).isFalse();
        assertThat(entry(ProcessWords.LOCK_LOST)).isNotZero();
        assertThat(table.alone()).isFalse();
        assertThat(table.open()).isEqualTo(2);
    }

    @Test
    void whenAllSlotsAreTakenTheNextOneIsToldHowManyThereAre() throws IOException {
        Path store = directory.resolve("a.cairn");
        for (int slot = 0; slot < SharedLayout.PROCESS_SLOTS; slot++) {
            enter(slot, other.pid(), startTicks(other.pid()));
        }
        assertThatThrownBy(() -> ProcessTable.join(store, memory, kernel))
                .isInstanceOfSatisfying(
                        LimitReached.class,
                        e -> {
                            assertThat(e.path()).isEqualTo(store);
                            assertThat(e.limit()).isEqualTo(SharedLayout.PROCESS_SLOTS);
                        });
    }

    @Test
    void theHolderOfALockIsNamedByItsNumberWhereThatMeansItHere() {
        assertThat(table.pid(table.word())).hasValue(ProcessHandle.current().pid());
        assertThat(table.pid(LockWord.of(OTHER, 1))).hasValue(other.pid());
        assertThat(table.pid(LockWord.of(OTHER, 2))).isEmpty();
        assertThat(table.pid(LockWord.ABANDONED)).isEmpty();
        long at = SharedLayout.processAt(OTHER);
        Words.release(memory, at + ProcessWords.PID_NAMESPACE, 1);
        assertThat(table.pid(LockWord.of(OTHER, 1))).isEmpty();
    }

    @Test
    void killedProcessIsDeadAlsoBeforeItIsReaped() throws InterruptedException {
        other.destroyForcibly().waitFor();
        assertThat(table.dead(LockWord.of(OTHER, 1))).isTrue();
        assertThat(table.alone()).isTrue();
        assertThat(table.open()).isEqualTo(1);
    }

    @Test
    void anotherProcessWithTheSameNumberIsNotTheHolder() throws IOException {
        enter(other.pid(), startTicks(other.pid()) + 1);
        assertThat(table.dead(LockWord.of(OTHER, 1))).isTrue();
        assertThat(table.alone()).isTrue();
    }

    @Test
    void earlierIncarnationOfALiveSlotIsDead() {
        assertThat(table.dead(LockWord.of(OTHER, 0))).isTrue();
    }

    @Test
    void forgottenProcessesAreDead() {
        table.forgetOthers();
        assertThat(table.dead(LockWord.of(OTHER, 1))).isTrue();
        assertThat(table.alone()).isTrue();
        assertThat(table.dead(table.word())).isFalse();
    }

    @Test
    void lostKernelLockIsTakenAgain() throws IOException {
        long lost = SharedLayout.processAt(LockWord.slot(table.word())) + ProcessWords.LOCK_LOST;
        try (var _ = Files.newByteChannel(directory.resolve("a.cairn-lock"))) {
            Words.release(memory, lost, 1); // closing this channel drops this JVM's locks
        }
        table.keepKernelLock();
        assertThat(Words.acquire(memory, lost)).isZero();
    }

    /** This process's slot is taken, so a second class loader must get another. */
    @Test
    void membersHaveSlotsOfTheirOwn() throws IOException {
        assertThat(LockWord.slot(table.word())).isZero();
        assertThat(LockWord.incarnation(table.word())).isEqualTo(1);
        assertThat(table.byteOfMember()).isEqualTo(ProcessTable.WRITERS_BYTE);
        try (KernelLocks foreign = foreignLocks()) {
            ProcessTable second = ProcessTable.join(table.store(), memory, foreign);
            assertThat(LockWord.slot(second.word())).isEqualTo(1);
            assertThat(second.byteOfMember()).isEqualTo(ProcessTable.WRITERS_BYTE + 1);
            assertThat(table.alone()).isFalse();
            assertThat(second.alone()).isFalse();
            assertThat(table.dead(second.word())).isFalse();
            second.leave();
            assertThat(table.dead(second.word())).isTrue();
        }
    }

    @Test
    void entrySaysWhoTheMemberIs() {
        ProcessIdentity self = ProcessIdentity.self();
        assertThat(ProcessTable.identity(memory, SharedLayout.processAt(0))).isEqualTo(self);
        assertThat(own(ProcessWords.STATE)).isEqualTo(ProcessWords.STATE_OPEN);
        assertThat(own(ProcessWords.LOCK_LOST)).isZero();
        assertThat(own(ProcessWords.LOCK_KIND))
                .isEqualTo(
                        kernel.areCertain()
                                ? ProcessWords.LOCK_OF_DESCRIPTION
                                : ProcessWords.LOCK_OF_PROCESS);
        assertThat(table.mayLoseKernelLock()).isEqualTo(!kernel.areCertain());
    }

    @Test
    void slotThatWasLeftIsUsedAgainByTheNextIncarnation() throws IOException {
        long before = table.word();
        table.leave();
        assertThat(own(ProcessWords.STATE)).isEqualTo(ProcessWords.STATE_FREE);
        try (KernelLocks foreign = foreignLocks()) {
            assertThat(foreign.isLocked(ProcessTable.WRITERS_BYTE, 1)).isFalse();
            Words.release(memory, SharedLayout.processAt(0) + ProcessWords.LOCK_LOST, 1);
            table = ProcessTable.join(table.store(), memory, kernel);
            assertThat(foreign.isLocked(ProcessTable.WRITERS_BYTE, 1)).isTrue();
        }
        assertThat(LockWord.slot(table.word())).isZero();
        assertThat(LockWord.incarnation(table.word())).isEqualTo(2);
        assertThat(own(ProcessWords.LOCK_LOST)).isZero();
        assertThat(table.dead(before)).isTrue();
        assertThat(table.dead(table.word())).isFalse();
        assertThat(table.pid(before)).isEmpty();
    }

    /** Locks of another open file, as another process has them. */
    private KernelLocks foreignLocks() throws IOException {
        return KernelLocks.openExisting(directory.resolve("a.cairn-lock"), true);
    }

    @Test
    void wordsThatNameNoSlotAreOfTheDead() {
        assertThat(table.dead(LockWord.ABANDONED)).isTrue();
        assertThat(table.dead(0)).isTrue();
        assertThat(table.dead(LockWord.of(SharedLayout.PROCESS_SLOTS, 0))).isTrue();
        assertThat(table.pid(0)).isEmpty();
        assertThat(table.pid(LockWord.of(SharedLayout.PROCESS_SLOTS, 0))).isEmpty();
        assertThat(table.describe(0)).isEqualTo("nobody");
        assertThat(table.describe(LockWord.of(SharedLayout.PROCESS_SLOTS, 0))).isEqualTo("nobody");
    }

    @Test
    void theLastSlotIsOneOfThem() throws IOException {
        int last = SharedLayout.PROCESS_SLOTS - 1;
        enter(last, other.pid(), startTicks(other.pid()));
        assertThat(table.dead(LockWord.of(last, 1))).isFalse();
        assertThat(table.pid(LockWord.of(last, 1))).hasValue(other.pid());
        assertThat(table.describe(LockWord.of(last, 1))).contains("process " + other.pid());
        assertThat(table.open()).isEqualTo(3);
        assertThat(ProcessTable.seenOpen(memory)).isEqualTo(3);
        assertThat(ProcessTable.members(memory, null)).hasSize(3);
    }

    @Test
    void processThatLeftIsDead() {
        Words.release(
                memory,
                SharedLayout.processAt(OTHER) + ProcessWords.STATE,
                ProcessWords.STATE_FREE);
        assertThat(table.dead(LockWord.of(OTHER, 1))).isTrue();
        assertThat(table.open()).isEqualTo(1);
        assertThat(table.alone()).isTrue();
        assertThat(ProcessTable.members(memory, kernel)).containsExactly(ProcessIdentity.self());
    }

    /** This holds even where /proc shows nothing, as for a process of another container. */
    @Test
    void whoHasItsKernelLockIsAlive() throws IOException {
        Words.release(memory, SharedLayout.processAt(OTHER) + ProcessWords.PID_NAMESPACE, 1);
        try (KernelLocks foreign = foreignLocks();
                KernelLocks third = foreignLocks()) {
            var held = lock(foreign, ProcessTable.WRITERS_BYTE + OTHER);
            assertThat(table.dead(LockWord.of(OTHER, 1))).isFalse();
            assertThat(table.alone()).isFalse();
            assertThat(table.open()).isEqualTo(2);
            assertThat(ProcessTable.members(memory, kernel)).hasSize(2);
            assertThat(ProcessTable.bytesOfDead(memory, third)).isEmpty();
            assertThat(entry(ProcessWords.LOCK_LOST))
                    .as("note of a lost lock while nobody asked")
                    .isZero();
            assertThat(table.dead(LockWord.of(OTHER, 2)))
                    .as("whether another incarnation is dead")
                    .isTrue();
            held.release();
        }
    }

    private static KernelLocks.Held lock(KernelLocks locks, long at) {
        return (KernelLocks.Held) locks.tryExclusive(at, 1);
    }

    /** The bytes next to its own are locked, and the last one. */
    @Test
    void nobodyIsAloneWhileAnotherByteOfWritersIsLocked() throws IOException {
        table.leave();
        enter(0, other.pid(), startTicks(other.pid()));
        table = ProcessTable.join(table.store(), memory, kernel);
        assertThat(LockWord.slot(table.word())).isEqualTo(1);
        other.destroyForcibly();
        assertThat(other.onExit()).succeedsWithin(Duration.ofSeconds(30));
        assertThat(table.alone()).isTrue();
        try (KernelLocks foreign = foreignLocks()) {
            for (long slot : new long[] {0, 2, SharedLayout.PROCESS_SLOTS - 1}) {
                var held = lock(foreign, ProcessTable.WRITERS_BYTE + slot);
                assertThat(table.alone()).isFalse();
                held.release();
                assertThat(table.alone()).isTrue();
            }
            var feeds = lock(foreign, ProcessTable.FEEDS_BYTE);
            var readers = lock(foreign, ProcessTable.READERS_BYTE);
            assertThat(table.alone()).as("whether it is alone beside mere readers").isTrue();
            feeds.release();
            readers.release();
        }
    }

    @Test
    void bytesOfTheDeadAreThoseOfTheirSlots() throws IOException, InterruptedException {
        try (KernelLocks foreign = foreignLocks()) {
            assertThat(ProcessTable.bytesOfDead(memory, foreign)).isEmpty();
            other.destroyForcibly().waitFor();
            assertThat(ProcessTable.bytesOfDead(memory, foreign))
                    .containsExactly(ProcessTable.WRITERS_BYTE + OTHER);
            assertThat(kernel.isLocked(ProcessTable.WRITERS_BYTE + OTHER, 1))
                    .as("whether its byte is locked after the probe")
                    .isFalse();
            table.forgetOthers();
            assertThat(ProcessTable.bytesOfDead(memory, foreign)).isEmpty();
        }
    }

    /**
     * Those who may take no lock see members by /proc, and by what the kernel says of the locks.
     */
    @Test
    void membersAreSeenWithoutALock() throws InterruptedException, IOException {
        ProcessIdentity self = ProcessIdentity.self();
        ProcessIdentity running = ProcessTable.identity(memory, SharedLayout.processAt(OTHER));
        assertThat(ProcessTable.seenOpen(memory)).isEqualTo(2);
        assertThat(ProcessTable.members(memory, null)).containsExactly(self, running);
        try (KernelLocks foreign = foreignLocks()) {
            assertThat(ProcessTable.members(memory, foreign)).containsExactly(self, running);
            other.destroyForcibly().waitFor();
            assertThat(ProcessTable.seenOpen(memory)).isEqualTo(1);
            assertThat(ProcessTable.members(memory, null)).containsExactly(self);
            assertThat(ProcessTable.members(memory, foreign)).containsExactly(self);
            Words.release(memory, SharedLayout.processAt(OTHER) + ProcessWords.PID_NAMESPACE, 1);
            assertThat(ProcessTable.seenOpen(memory))
                    .as("processes, one of another container")
                    .isEqualTo(2);
            assertThat(ProcessTable.members(memory, null)).hasSize(2);
            assertThat(ProcessTable.members(memory, foreign)).containsExactly(self);
        }
    }

    @Test
    void holderIsDescribedForAPerson() throws InterruptedException {
        long word = LockWord.of(OTHER, 1);
        assertThat(table.describe(word))
                .isEqualTo("process %d, which is alive (is it stopped?)".formatted(other.pid()));
        long lost = SharedLayout.processAt(OTHER) + ProcessWords.LOCK_LOST;
        Words.release(memory, lost, 1);
        assertThat(table.describe(word))
                .isEqualTo(
                        "process %d, which is alive but lost its kernel lock"
                                .formatted(other.pid()));
        other.destroyForcibly().waitFor();
        assertThat(table.describe(word))
                .isEqualTo("process %d, which is gone".formatted(other.pid()));
        Words.release(memory, SharedLayout.processAt(OTHER) + ProcessWords.PID_NAMESPACE, 1);
        assertThat(table.describe(word))
                .startsWith("process %d of another container,".formatted(other.pid()))
                .endsWith("asked whether it lives");
        Words.release(memory, lost, 0);
        assertThat(table.describe(word))
                .isEqualTo("process %d of another container".formatted(other.pid()));
    }

    @Test
    void kernelLockThatIsHeldIsKept() throws IOException {
        table.keepKernelLock();
        try (KernelLocks foreign = foreignLocks()) {
            assertThat(foreign.isLocked(ProcessTable.WRITERS_BYTE, 1)).isTrue();
            long lost = SharedLayout.processAt(0) + ProcessWords.LOCK_LOST;
            table.leave(); // drops the lock itself
            var taken = lock(foreign, ProcessTable.WRITERS_BYTE);
            Words.release(memory, lost, 9);
            table.keepKernelLock();
            assertThat(Words.acquire(memory, lost))
                    .as("note of the lost lock after a try in vain")
                    .isEqualTo(9);
            taken.release();
            table.keepKernelLock();
            assertThat(Words.acquire(memory, lost)).isZero();
            assertThat(foreign.isLocked(ProcessTable.WRITERS_BYTE, 1)).isTrue();
        }
    }

    /** Looks at itself and at others must neither drop nor keep a lock. */
    @Test
    void looksLeaveTheKernelLocksAsTheyAre() throws InterruptedException, IOException {
        table.leave();
        enter(0, other.pid(), startTicks(other.pid()));
        table = ProcessTable.join(table.store(), memory, kernel);
        try (KernelLocks foreign = foreignLocks()) {
            assertThat(foreign.isLocked(ProcessTable.WRITERS_BYTE, 1))
                    .as("whether the byte of a slot is locked that was tried and is somebody's")
                    .isFalse();
            assertThat(table.dead(table.word())).isFalse();
            assertThat(table.alone()).isFalse();
            assertThat(table.open()).isEqualTo(3);
            other.destroyForcibly().waitFor();
            assertThat(table.dead(LockWord.of(OTHER, 1))).isTrue();
            assertThat(foreign.isLocked(ProcessTable.WRITERS_BYTE + OTHER, 1)).isFalse();
            assertThat(table.alone()).isTrue();
            for (long slot : new long[] {0, 2, OTHER, SharedLayout.PROCESS_SLOTS - 1}) {
                assertThat(foreign.isLocked(ProcessTable.WRITERS_BYTE + slot, 1)).isFalse();
            }
            assertThat(foreign.isLocked(ProcessTable.WRITERS_BYTE + 1, 1)).isTrue();
        }
    }

    /** The process has left. The next one has its byte, but has not said yet who it is. */
    @Test
    void whoLeftIsDeadThoughItsByteIsLockedAgain() throws IOException {
        Words.release(
                memory,
                SharedLayout.processAt(OTHER) + ProcessWords.STATE,
                ProcessWords.STATE_FREE);
        try (KernelLocks foreign = foreignLocks()) {
            var held = lock(foreign, ProcessTable.WRITERS_BYTE + OTHER);
            assertThat(table.dead(LockWord.of(OTHER, 1))).isTrue();
            held.release();
        }
    }

    /**
     * Two processes judge a holder at the same time, which takes system calls, and both find it
     * dead.
     */
    @Test
    void ofTwoInheritorsOneInherits() throws Exception {
        AtomicInteger withoutTheWord = new AtomicInteger();
        int rounds = 300;
        other.destroyForcibly().waitFor();
        long takeovers = 0;
        try (KernelLocks foreign = foreignLocks();
                ExecutorService threads = Executors.newFixedThreadPool(2)) {
            ProcessTable second = ProcessTable.join(table.store(), memory, foreign);
            Contention contention = new Contention();
            long at = SharedLayout.CHECKPOINT_LOCK;
            CyclicBarrier barrier = new CyclicBarrier(2);
            List<Future<?>> ends = new ArrayList<>();
            for (ProcessTable each : List.of(table, second)) {
                SharedLock lock = new SharedLock(memory, at, "a lock", each, contention);
                ends.add(
                        threads.submit(() -> {
                            for (int round = 0; round < rounds; round++) {
                                if (barrier.await() == 0) {
                                    Words.release(memory, at, LockWord.of(OTHER, 1));
                                }
                                barrier.await();
                                boolean _ =
                                        lock.tryHolding(() -> {
                                            if (Words.acquire(memory, at) != each.word()) {
                                                withoutTheWord.incrementAndGet();
                                            }
                                        });
                                barrier.await();
                            }
                            return 0;
                        }));
            }
            for (Future<?> end : ends) {
                end.get();
            }
            takeovers = contention.takeovers();
            second.leave();
        }
        assertThat(withoutTheWord).hasValue(0);
        assertThat(takeovers).isEqualTo(rounds);
    }

    /** Whoever takes a lock must look whether the kernel lock is still there. */
    @Test
    void lostKernelLockIsTakenAgainWithTheNextLock() {
        long lost = SharedLayout.processAt(0) + ProcessWords.LOCK_LOST;
        Words.release(memory, lost, 7);
        SharedLock lock =
                new SharedLock(
                        memory, SharedLayout.CHECKPOINT_LOCK, "a lock", table, new Contention());
        assertThat(lock.tryHolding(() -> assertThat(Words.acquire(memory, lost)).isZero()))
                .isTrue();
    }

    @Test
    void lostKernelLockIsTakenAgainOnItsOwnByte() throws IOException {
        try (KernelLocks foreign = foreignLocks()) {
            ProcessTable second = ProcessTable.join(table.store(), memory, foreign);
            second.leave(); // drops the lock
            long lost = SharedLayout.processAt(1) + ProcessWords.LOCK_LOST;
            Words.release(memory, lost, 9);
            second.keepKernelLock();
            assertThat(Words.acquire(memory, lost)).isZero();
            assertThat(kernel.isLocked(ProcessTable.WRITERS_BYTE + 1, 1)).isTrue();
            second.leave();
        }
    }

    @Test
    void othersAreForgottenAndOneselfIsNot() {
        table.forgetOthers();
        assertThat(own(ProcessWords.STATE)).isEqualTo(ProcessWords.STATE_OPEN);
        assertThat(entry(ProcessWords.STATE)).isEqualTo(ProcessWords.STATE_FREE);
        assertThat(ProcessTable.anybodyWithoutLock(memory, kernel)).isFalse();
    }

    /**
     * By the kernel, the store belongs to nobody. The process's own entry was left by a failure.
     */
    @Test
    void whoRunsWithoutItsLockIsFoundBeforeAStoreIsTakenForNobodys() throws InterruptedException {
        assertThat(ProcessTable.anybodyWithoutLock(memory, kernel)).isTrue();
        other.destroyForcibly().waitFor();
        assertThat(ProcessTable.anybodyWithoutLock(memory, kernel)).isFalse();
    }

    @Test
    void tableOfOneHasNobodyElse() {
        ProcessTable one = ProcessTable.solitary(Path.of("store"), memory);
        assertThat(one.word()).isEqualTo(LockWord.of(0, 1));
        assertThat(one.store()).isEqualTo(Path.of("store"));
        assertThat(one.alone()).isTrue();
        assertThat(one.dead(LockWord.of(OTHER, 1))).isFalse();
        assertThat(one.dead(LockWord.of(OTHER, 2))).isTrue();
        assertThat(one.mayLoseKernelLock()).isFalse();
        long lost = SharedLayout.processAt(0) + ProcessWords.LOCK_LOST;
        Words.release(memory, lost, 1);
        one.keepKernelLock();
        assertThat(Words.acquire(memory, lost)).isEqualTo(1);
        Words.release(memory, lost, 0);
    }

    private long own(int field) {
        return Words.acquire(memory, SharedLayout.processAt(0) + field);
    }

    private void enter(long pid, long startTicks) {
        enter(OTHER, pid, startTicks);
    }

    private void enter(int slot, long pid, long startTicks) {
        ProcessIdentity self = ProcessIdentity.self();
        long at = SharedLayout.processAt(slot);
        Words.release(memory, at + ProcessWords.INCARNATION, 1);
        Words.release(memory, at + ProcessWords.PID, pid);
        Words.release(memory, at + ProcessWords.START_TICKS, startTicks);
        Words.release(memory, at + ProcessWords.PID_NAMESPACE, self.pidNamespace());
        Words.release(memory, at + ProcessWords.TIME_NAMESPACE, self.timeNamespace());
        Words.release(memory, at + ProcessWords.STATE, ProcessWords.STATE_OPEN);
    }

    private long entry(int field) {
        return Words.acquire(memory, SharedLayout.processAt(OTHER) + field);
    }

    private static long startTicks(long pid) throws IOException {
        String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
        var fields = new StringTokenizer(stat.substring(stat.lastIndexOf(')') + 1));
        for (int field = 3; field < 22; field++) {
            fields.nextToken();
        }
        return Long.parseLong(fields.nextToken());
    }
}
