package dev.cairn.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.cairn.LockTimeout;
import dev.cairn.Pauses;
import dev.cairn.StoreClosed;
import dev.cairn.format.LockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** Attacks several locks at once, several threads before one lock, and the end of a lock. */
@Timeout(60)
class SharedLockThreadsTest extends SharedLockFixture {
    @Test
    void withoutAllOfThemNothingIsDone() throws InterruptedException {
        store(ALIVE);
        SharedLock.Taken none =
                SharedLock.holdingAll(locks, 0, SHORT, LONG, () -> done.add("work"));
        assertThat(none).isEqualTo(new SharedLock.Taken(0, 0));
        SharedLock.Taken two = SharedLock.holdingAll(locks, 1, 0, SHORT, () -> done.add("work"));
        assertThat(two.locks()).isEqualTo(2);
        assertThat(two.nanos()).isGreaterThanOrEqualTo(SHORT);
        assertThat(done).containsExactly("taken", "taken", "released", "released");
        store(0);
        isFree();
    }

    @Test
    void allAreGivenBackAfterAFailure() throws InterruptedException {
        assertThatThrownBy(() ->
                        SharedLock.holdingAll(
                                locks,
                                1,
                                0,
                                LONG,
                                () -> {
                                    throw new IllegalStateException("by the test");
                                }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(done)
                .containsExactly(
                        "taken",
                        "taken",
                        "taken",
                        "failed",
                        "released",
                        "failed",
                        "released",
                        "failed",
                        "released");
        isFree();
    }

    @Test
    void retiredLockIsNobodysAnyMore() throws InterruptedException {
        lock.retire();
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(this::hold).isInstanceOf(StoreClosed.class);
            Thread other =
                    Thread.ofPlatform()
                            .start(() -> {
                                assertThatThrownBy(this::hold).isInstanceOf(StoreClosed.class);
                                done.add("refused");
                            });
            other.join();
        }
        assertThat(done).containsExactly("refused", "refused");
        assertThat(word()).isZero();
    }

    @Test
    void retirementWaitsForTheHolder() throws InterruptedException {
        Thread[] other = {null};
        Integer one =
                lock.holding(
                        0,
                        () -> {
                            other[0] =
                                    Thread.ofPlatform()
                                            .start(() -> {
                                                lock.retire();
                                                done.add("retired");
                                            });
                            while (other[0].getState() == Thread.State.RUNNABLE) {
                                Thread.onSpinWait();
                            }
                            done.add("work");
                            return 1;
                        });
        assertThat(one).isEqualTo(1);
        other[0].join();
        assertThat(done).contains("work", "retired").endsWith("retired");
    }

    @Test
    void whoWaitedInVainIsToldForWhom() throws InterruptedException {
        assertThat(lock.timeout(0))
                .hasMessageContaining("nobody now: the holder has just released it");
        store(LockWord.ABANDONED);
        assertThat(lock.timeout(0)).hasMessageContaining("nobody, after a failure");
        store(processes.word());
        assertThat(lock.timeout(0)).hasMessageContaining("nobody, after a failure");
        store(LockWord.of(OTHER, 3));
        assertThat(lock.timeout(0)).hasMessageContaining("held by process 0");
        store(0);
        Exception[] told = {null};
        Integer one =
                lock.holding(
                        0,
                        () -> {
                            assertThat(lock.timeout(0).holder()).isEmpty();
                            Thread other =
                                    Thread.ofPlatform().start(() -> told[0] = lock.timeout(0));
                            assertThat(other).satisfies(Thread::join);
                            return 1;
                        });
        assertThat(one).isEqualTo(1);
        assertThat(told[0])
                .isInstanceOfSatisfying(
                        LockTimeout.class,
                        e -> assertThat(e.holder()).hasValue(ProcessHandle.current().pid()))
                .hasMessageContaining("the thread \"")
                .hasMessageContaining(Thread.currentThread().getName());
    }

    @Test
    void interruptNeitherEndsAWaitNorGetsLost() {
        store(ALIVE);
        Thread.currentThread().interrupt();
        int[] looks = {0};
        Steps.listen(step -> {
            if (step.equals("L3") && ++looks[0] == 2) {
                assertThat(Thread.currentThread().isInterrupted()).isTrue();
                store(0);
            }
        });
        try {
            assertThat(lock.longHolding(LONG, () -> 1)).isEqualTo(1);
        } finally {
            Steps.listen(null);
        }
        assertThat(Thread.interrupted()).isTrue();
    }

    /** Whoever waits for another thread sleeps until it is woken, however long that takes. */
    private void sleepUntilWoken(AtomicInteger pauses) {
        Pauses.listen(_ -> {
            pauses.incrementAndGet();
            return LONG;
        });
    }

    private static void waitFor(AtomicInteger pauses, int count) {
        while (pauses.get() < count) {
            Thread.onSpinWait();
        }
    }

    /** The next thread must be woken after success and after failure. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nextThreadIsWoken(boolean fails) throws InterruptedException {
        AtomicInteger pauses = new AtomicInteger();
        sleepUntilWoken(pauses);
        Thread[] next = {null};
        try {
            int _ =
                    lock.<Integer>holding(
                            0,
                            () -> {
                                next[0] =
                                        Thread.ofPlatform()
                                                .start(() -> {
                                                    Integer _ = lock.holding(LONG, () -> 1);
                                                    done.add("next");
                                                });
                                waitFor(pauses, 1);
                                return fails ? Integer.parseInt("x") : 1;
                            });
            assertThat(fails).isFalse();
        } catch (NumberFormatException e) {
            assertThat(fails).isTrue();
        }
        next[0].join();
        Steps.listen(null);
        assertThat(done).endsWith("taken", "released", "next");
    }

    @Test
    void allWhoWaitedAreToldThatALockWasRetired() throws InterruptedException {
        AtomicInteger pauses = new AtomicInteger();
        sleepUntilWoken(pauses);
        List<Thread> threads = new ArrayList<>();
        AtomicInteger refused = new AtomicInteger();
        Integer one =
                lock.holding(
                        0,
                        () -> {
                            threads.add(Thread.ofPlatform().start(lock::retire));
                            waitFor(pauses, 1);
                            for (int i = 0; i < 2; i++) {
                                threads.add(
                                        Thread.ofPlatform()
                                                .start(() -> {
                                                    assertThatThrownBy(() ->
                                                                    lock.holding(LONG, () -> 1))
                                                            .isInstanceOf(StoreClosed.class);
                                                    refused.incrementAndGet();
                                                }));
                            }
                            waitFor(pauses, 3);
                            return 1;
                        });
        assertThat(one).isEqualTo(1);
        for (Thread thread : threads) {
            thread.join();
        }
        Steps.listen(null);
        assertThat(refused).hasValue(2);
    }

    @Test
    void threadThatWaitsTooLongForAnotherIsToldSo() throws InterruptedException {
        Exception[] told = {null};
        Integer one =
                lock.holding(
                        0,
                        () -> {
                            Thread other =
                                    Thread.ofPlatform()
                                            .start(() -> {
                                                try {
                                                    Integer _ = lock.holding(SHORT, () -> 1);
                                                } catch (LockTimeout e) {
                                                    told[0] = e;
                                                }
                                            });
                            assertThat(other).satisfies(Thread::join);
                            return 1;
                        });
        assertThat(one).isEqualTo(1);
        assertThat(told[0]).isInstanceOf(LockTimeout.class);
        isFree();
    }

    /**
     * Whatever the release throws, the lock among the threads of this process must be given back.
     */
    @Test
    void anErrorOfTheReleaseLeavesTheLockFree() throws InterruptedException {
        List<Runnable> uses =
                List.of(
                        () -> assertThat(hold()).isEqualTo(1),
                        () -> assertThat(lock.longHolding(0, () -> 1)).isEqualTo(1),
                        () -> assertThat(lock.tryHolding(() -> {})).isTrue(),
                        () -> lock.tryRepair(0));
        for (Runnable use : uses) {
            releaseFailures = 1;
            assertThatThrownBy(use::run).isInstanceOf(StackOverflowError.class);
            isFree();
        }
    }

    /** After a failure, of several locks only those may be given back that this thread has. */
    @Test
    void lockOfAnotherThreadStaysItsOwnAfterAFailure() throws InterruptedException {
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        Thread other =
                Thread.ofPlatform()
                        .start(() -> {
                            Integer _ =
                                    locks[2].holding(
                                            0,
                                            () -> {
                                                held.countDown();
                                                assertThat(end).satisfies(CountDownLatch::await);
                                                return 1;
                                            });
                        });
        held.await();
        Words.release(memory, SharedLayout.ALLOCATION_LOCK, LockWord.ABANDONED);
        failures = 1;
        assertThatThrownBy(() -> SharedLock.holdingAll(locks, 0, 0, LONG, () -> {}))
                .isInstanceOf(StackOverflowError.class);
        assertThat(words()).containsExactly(0L, 0L, processes.word());
        assertThat(locks[2].tryHolding(() -> {})).isFalse();
        end.countDown();
        other.join();
        isFree();
    }

    /** The first lock must be held no longer than the caller said before all are taken. */
    @Test
    void patienceIsForAllLocksTogether() {
        Words.release(memory, SharedLayout.ALLOCATION_LOCK, ALIVE);
        Words.release(memory, SharedLayout.GROW_LOCK, ALIVE);
        Steps.listen(
                new Clock(now -> {
                    if (now > 800_000) {
                        Words.release(memory, SharedLayout.ALLOCATION_LOCK, 0);
                    }
                }));
        SharedLock.Taken taken = SharedLock.holdingAll(locks, 0, 0, 1_000_000, () -> {});
        Steps.listen(null);
        assertThat(taken.locks()).isEqualTo(2);
        assertThat(taken.nanos()).isBetween(1_000_000L, 1_100_000L);
    }
}
