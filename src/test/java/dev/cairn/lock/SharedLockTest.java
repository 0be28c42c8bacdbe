package dev.cairn.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.LockTimeout;
import dev.cairn.format.LockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Attacks a shared lock: who gets it from whom, and what is done first, even if that ends with an
 * error.
 */
@Timeout(60)
class SharedLockTest extends SharedLockFixture {
    @Test
    void anErrorInATakeoverDoesNotMakeALockThatNobodyInherited() {
        leave();
        failures = 1;
        assertThatThrownBy(this::hold).isInstanceOf(StackOverflowError.class);
        assertThat(done).containsExactly("inherited", "failed", "released");
        assertThat(word()).isZero();
        done.clear();
        assertThat(hold()).isEqualTo(1);
        assertThat(done).containsExactly("taken", "released");
    }

    /** The error may have come between a change and its count. */
    @Test
    void anErrorHasTheRegionsCountedAnew() {
        assertThatThrownBy(() ->
                        lock.holding(
                                0,
                                () -> {
                                    throw new OutOfMemoryError("by the test");
                                }))
                .isInstanceOf(OutOfMemoryError.class);
        assertThat(word()).isZero();
        assertThat(Words.acquire(memory, SharedLayout.DOUBT)).isEqualTo(1);
    }

    @Test
    void aTakeoverThatFailsAgainIsLeftToTheNext() {
        leave();
        failures = 2;
        assertThatThrownBy(this::hold).isInstanceOf(StackOverflowError.class);
        assertThat(done).isEmpty();
        assertThat(word()).isEqualTo(LockWord.ABANDONED);
        assertThat(hold()).isEqualTo(1);
        assertThat(done).containsExactly("inherited", "taken", "released");
    }

    @Test
    void workIsDoneWithTheWordStored() throws InterruptedException {
        assertThat(lock.<String>holding(0, () -> "" + (word() == processes.word())))
                .isEqualTo("true");
        assertThat(done).containsExactly("taken", "released");
        assertThat(lock.longHolding(0, this::word)).isEqualTo(processes.word());
        assertThat(done).containsExactly("taken", "released", "taken", "released");
        assertThat(doubt()).isZero();
        assertThat(contention.waits()).isZero();
        isFree();
    }

    @Test
    void workThatFailsIsMadeWholeBeforeTheLockIsGivenBack() throws InterruptedException {
        assertThatThrownBy(() -> lock.longHolding(0, () -> Long.parseLong("x")))
                .isInstanceOf(NumberFormatException.class);
        assertThat(done).containsExactly("taken", "failed", "released");
        assertThat(doubt()).isEqualTo(1);
        isFree();
    }

    @Test
    void lockOfALiveHolderIsWaitedForInVain() throws InterruptedException {
        store(ALIVE);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> lock.holding(SHORT, () -> 1))
                    .isInstanceOf(LockTimeout.class)
                    .hasMessageContaining("could not get a lock within 5 ms");
            assertThatThrownBy(() -> lock.longHolding(SHORT, () -> 1))
                    .isInstanceOf(LockTimeout.class);
        }
        assertThat(word()).isEqualTo(ALIVE);
        assertThat(done).isEmpty();
        assertThat(contention.waits()).isEqualTo(4);
        assertThat(contention.nanos()).isBetween(4 * SHORT, LONG);
        assertThat(doubt()).isZero();
        store(0);
        isFree();
    }

    @Test
    void lockThatIsGivenBackMeanwhileIsTaken() throws InterruptedException {
        store(ALIVE);
        int[] looks = {0};
        Steps.listen(step -> {
            if (step.equals("L3") && ++looks[0] == 3) {
                store(0);
            }
        });
        try {
            assertThat(lock.longHolding(LONG, this::word)).isEqualTo(processes.word());
        } finally {
            Steps.listen(null);
        }
        assertThat(done).containsExactly("taken", "released");
        assertThat(contention.waits()).isEqualTo(1);
        assertThat(contention.nanos()).isLessThan(LONG);
        assertThat(contention.takeovers()).isZero();
        isFree();
    }

    /** The pauses must grow, and end with the time that the caller gave. */
    @Test
    void whoWaitsLooksLessAndLessOften() {
        store(ALIVE);
        List<Long> pauses = new ArrayList<>();
        long[] now = {0};
        Steps.listen(
                new Steps.Listener() {
                    @Override
                    public void at(String step) {}

                    @Override
                    public long nanoTime() {
                        return now[0];
                    }

                    @Override
                    public long pause(long nanos) {
                        pauses.add(nanos);
                        now[0] += nanos + 1;
                        return 0;
                    }
                });
        try {
            assertThatThrownBy(() -> lock.holding(5_000_000, () -> 1))
                    .isInstanceOf(LockTimeout.class);
        } finally {
            Steps.listen(null);
        }
        assertThat(pauses)
                .startsWith(20_000L, 40_000L, 80_000L, 160_000L, 320_000L, 640_000L, 1_000_000L)
                .allMatch(pause -> pause <= 1_000_000);
        assertThat(pauses.stream().mapToLong(Long::longValue).sum())
                .isBetween(4_999_900L, 5_000_000L);
    }

    /** Judging takes several system calls, so it must not be done at once. */
    @Test
    void holderIsSuspectedAfterAWhileOnly() {
        store(DEAD);
        Clock clock = new Clock(_ -> assertThat(word()).isEqualTo(DEAD));
        Steps.listen(clock);
        try {
            assertThat(hold()).as("holds of a caller that does not wait").isEqualTo(1);
            clock.now = 0;
            store(DEAD);
            assertThat(lock.longHolding(LONG, () -> clock.now))
                    .isBetween(TimeUnit.MILLISECONDS.toNanos(3), TimeUnit.MILLISECONDS.toNanos(4));
        } finally {
            Steps.listen(null);
        }
    }

    @Test
    void lockOfTheDeadIsInheritedOnce() throws InterruptedException {
        store(DEAD);
        assertThat(lock.longHolding(LONG, this::word)).isEqualTo(processes.word());
        assertThat(done).containsExactly("inherited", "taken", "released");
        assertThat(doubt()).isEqualTo(1);
        assertThat(contention.takeovers()).isEqualTo(1);
        assertThat(contention.waits()).isEqualTo(1);
        assertThat(contention.nanos()).isLessThan(LONG);
        done.clear();
        assertThatThrownBy(() -> lock.longHolding(0, () -> Long.parseLong("x")))
                .isInstanceOf(NumberFormatException.class);
        assertThat(done)
                .as("steps, which inherit nothing twice")
                .containsExactly("taken", "failed", "released");
        isFree();
    }

    @Test
    void whatAnErrorLeftIsTakenWithoutAWait() throws InterruptedException {
        for (long word : new long[] {processes.word(), LockWord.ABANDONED}) {
            store(word);
            assertThat(lock.tryHolding(() -> assertThat(word()).isEqualTo(processes.word())))
                    .isTrue();
            assertThat(done).containsExactly("inherited", "taken", "released");
            done.clear();
        }
        isFree();
    }

    @Test
    void aTryDoesNotWait() throws InterruptedException {
        store(ALIVE);
        assertThat(lock.tryHolding(() -> done.add("work"))).isFalse();
        assertThat(done).isEmpty();
        assertThat(contention.waits()).isZero();
        store(0);
        assertThat(lock.tryHolding(() -> done.add("work"))).isTrue();
        assertThat(done).containsExactly("taken", "work", "released");
        isFree();
    }

    @Test
    void repairTakesWhatTheDeadLeftAndNothingElse() throws InterruptedException {
        store(ALIVE);
        lock.tryRepair(0);
        lock.mend();
        assertThat(done).isEmpty();
        assertThat(word()).isEqualTo(ALIVE);
        store(DEAD);
        lock.mend();
        assertThat(word()).as("word, which is not of this process").isEqualTo(DEAD);
        lock.tryRepair(0);
        assertThat(done).containsExactly("inherited", "taken", "released");
        done.clear();
        store(processes.word());
        lock.mend();
        assertThat(done).containsExactly("inherited", "taken", "released");
        done.clear();
        store(LockWord.ABANDONED);
        failures = 1;
        assertThatThrownBy(() -> lock.tryRepair(0)).isInstanceOf(StackOverflowError.class);
        assertThat(done).containsExactly("inherited", "failed", "released");
        isFree();
    }

    /** A thread of this process that has the lock is at work, so nothing may be repaired. */
    @Test
    void whatAThreadOfThisProcessHasIsNotMended() {
        Integer two =
                lock.holding(
                        0,
                        () -> {
                            lock.mend();
                            return 2;
                        });
        assertThat(two).isEqualTo(2);
        assertThat(done).containsExactly("taken", "released");
    }

    @Test
    void severalLocksAreHeldAtOnceFromAnyOfThemOn() throws InterruptedException {
        for (int first = 0; first < locks.length; first++) {
            List<Long> held = new ArrayList<>();
            SharedLock.Taken taken =
                    SharedLock.holdingAll(locks, first, 0, LONG, () -> held.addAll(words()));
            assertThat(taken.locks()).isEqualTo(3);
            assertThat(taken.nanos()).isBetween(1L, LONG);
            assertThat(held).hasSize(3).containsOnly(processes.word());
            isFree();
        }
    }
}
