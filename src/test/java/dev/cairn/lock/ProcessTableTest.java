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
import java.util.StringTokenizer;

/** The judgement of a holder, beside a real process that holds no kernel lock. */
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
