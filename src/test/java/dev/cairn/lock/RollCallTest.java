package dev.cairn.lock;

import static dev.cairn.format.ProcessWords.LOCK_OF_DESCRIPTION;
import static dev.cairn.format.ProcessWords.LOCK_OF_PROCESS;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.format.ProcessWords;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.lock.RollCall.Verdict;
import dev.cairn.os.MappedFile;
import dev.cairn.os.ProcessIdentity;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * Attacks the judgement of a process whose kernel lock is free, and which runs in another container
 * where nobody sees it.
 */
@Timeout(60)
class RollCallTest {
    private static final int OTHER = 7;
    private static final long AT = SharedLayout.processAt(OTHER);
    private static final long FOR_EVER = Long.MAX_VALUE;
    private static final long SHORT = TimeUnit.MILLISECONDS.toNanos(30);

    private MappedFile file;
    private MemorySegment memory;

    @BeforeEach
    void enterAnother() {
        file = MappedFile.anonymous(Path.of("a.cairn-shm"), SharedLayout.STRIPE_DESCRIPTORS);
        memory = file.first();
        ProcessIdentity self = ProcessIdentity.self();
        enter(self.pid(), self.startTicks(), self.pidNamespace() + 1, LOCK_OF_PROCESS);
        for (int field = 0; field < SharedLayout.PROCESS_BYTES; field += Long.BYTES) {
            if (field != ProcessWords.STATE) { // the next slots say nothing of this one
                Words.release(memory, AT - SharedLayout.PROCESS_BYTES + field, 77);
                Words.release(memory, AT + SharedLayout.PROCESS_BYTES + field, 77);
            }
        }
    }

    private void enter(long pid, long startTicks, long pidNamespace, long kind) {
        Words.release(memory, AT + ProcessWords.INCARNATION, 1);
        Words.release(memory, AT + ProcessWords.PID, pid);
        Words.release(memory, AT + ProcessWords.START_TICKS, startTicks);
        Words.release(memory, AT + ProcessWords.PID_NAMESPACE, pidNamespace);
        Words.release(
                memory, AT + ProcessWords.TIME_NAMESPACE, ProcessIdentity.self().timeNamespace());
        Words.release(memory, AT + ProcessWords.LOCK_KIND, kind);
        Words.release(memory, AT + ProcessWords.STATE, ProcessWords.STATE_OPEN);
    }

    @AfterEach
    void unmap() {
        file.close();
    }

    private RollCall asking(long patienceNanos) {
        return new RollCall(memory, LOCK_OF_DESCRIPTION, patienceNanos);
    }

    private long question() {
        return Words.acquire(memory, AT + ProcessWords.LOCK_LOST);
    }

    private void answer() {
        Words.release(memory, AT + ProcessWords.LOCK_LOST, 0);
    }

    @Test
    void lockThatOnlyDeathDropsNeedsNoQuestion() {
        Words.release(memory, AT + ProcessWords.LOCK_KIND, LOCK_OF_DESCRIPTION);
        assertThat(asking(FOR_EVER).judge(OTHER)).isEqualTo(Verdict.DEAD);
        assertThat(question()).isZero();
    }

    @Test
    void whoAnswersLives() {
        RollCall asker = asking(FOR_EVER);
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.ASKED);
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.ASKED);
        assertThat(question()).isNotZero();
        answer();
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.ALIVE);
        assertThat(asker.judge(OTHER))
                .as("verdict once its lock is free again")
                .isEqualTo(Verdict.ASKED);
    }

    @Test
    void answerIsSeenThoughAnotherHasAskedSince() {
        RollCall first = asking(0);
        RollCall second = asking(0);
        assertThat(first.judge(OTHER)).isEqualTo(Verdict.ASKED);
        answer();
        assertThat(second.judge(OTHER)).isEqualTo(Verdict.ASKED);
        assertThat(first.judge(OTHER)).isEqualTo(Verdict.ALIVE);
    }

    @Test
    void silenceIsDeathForWhoeverWaitsLongEnough() {
        RollCall asker = asking(SHORT);
        while (asker.judge(OTHER) == Verdict.ASKED) {
            Thread.onSpinWait();
        }
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.DEAD);
        assertThat(asking(SHORT).judge(OTHER))
                .as("verdict of another asker")
                .isEqualTo(Verdict.ASKED);
        assertThat(asking(SHORT).anybody()).isFalse();
    }

    /**
     * The asker may have been stopped with the whole machine. Then the other had no time to answer.
     */
    @Test
    void longPauseOfTheAskerCountsLittle() throws InterruptedException {
        RollCall asker = asking(TimeUnit.MILLISECONDS.toNanos(200));
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.ASKED);
        Thread.sleep(300);
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.ASKED);
    }

    /** Looks must count by the time between them. */
    @Test
    void manyLooksAreNoLongSilence() {
        RollCall asker = asking(TimeUnit.MINUTES.toNanos(1));
        for (int look = 0; look < 2_000; look++) {
            assertThat(asker.judge(OTHER)).isEqualTo(Verdict.ASKED);
        }
    }

    @Test
    void slotThatIsUsedAgainIsAskedAnew() {
        RollCall asker = asking(0);
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.ASKED);
        Words.release(memory, AT + ProcessWords.INCARNATION, 2);
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.ASKED);
    }

    @Test
    void whoLeavesMeanwhileIsNobody() {
        RollCall asker = asking(FOR_EVER);
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.ASKED);
        Words.release(memory, AT + ProcessWords.STATE, ProcessWords.STATE_FREE);
        assertThat(asker.judge(OTHER)).isEqualTo(Verdict.DEAD);
        assertThat(asker.anybody()).isFalse();
    }

    @Test
    void waitingForAnswersEndsWithTheFirst() {
        Thread other =
                Thread.ofPlatform()
                        .start(() -> {
                            while (question() == 0) {
                                Thread.onSpinWait();
                            }
                            answer();
                        });
        assertThat(asking(FOR_EVER).anybody()).isTrue();
        assertThat(other).satisfies(Thread::join);
    }

    @Test
    void interruptedThreadWaitsForAnswersAndStaysInterrupted() {
        Thread.currentThread().interrupt();
        assertThat(asking(SHORT).anybody()).isFalse();
        assertThat(Thread.interrupted()).isTrue();
    }

    /**
     * The entry is from another class loader's copy of the library. Closing this one drops that
     * kind of lock.
     */
    @Test
    void entryOfThisProcessIsNobodysIfItsLockIsOfOurKind() {
        ProcessIdentity self = ProcessIdentity.self();
        enter(self.pid(), self.startTicks(), self.pidNamespace(), LOCK_OF_PROCESS);
        assertThat(asking(FOR_EVER).judge(OTHER)).isEqualTo(Verdict.ASKED);
        assertThat(new RollCall(memory, LOCK_OF_PROCESS, FOR_EVER).judge(OTHER))
                .isEqualTo(Verdict.DEAD);
        Words.release(memory, AT + ProcessWords.LOCK_KIND, LOCK_OF_DESCRIPTION);
        assertThat(new RollCall(memory, LOCK_OF_PROCESS, FOR_EVER).judge(OTHER))
                .isEqualTo(Verdict.DEAD);
    }
}
