package dev.cairn.lock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.Pauses;
import dev.cairn.os.Steps;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Attacks the lock among threads of one process: a thread that sleeps does so until it is woken.
 */
@Timeout(60)
class LocalLockTest {
    private static final long LONG = TimeUnit.HOURS.toNanos(1);

    private final Thread self = Thread.currentThread();
    private final LocalLock lock = new LocalLock();
    private final AtomicInteger pauses = new AtomicInteger();

    @AfterEach
    void asUsual() {
        Steps.listen(null);
    }

    /** Nobody looks again because time has passed, so a missing wake-up shows. */
    private void sleepUntilWoken() {
        Pauses.listen(nanos -> {
            assertThat(nanos).isBetween(1L, TimeUnit.MILLISECONDS.toNanos(50));
            pauses.incrementAndGet();
            return LONG;
        });
    }

    private void waitForPauses(int count) {
        while (pauses.get() < count) {
            Thread.onSpinWait();
        }
    }

    /**
     * Takes the lock in a thread of its own and gives it back. The result is whether it was taken.
     */
    private FutureTask<Boolean> taker(long nanos) {
        var taker =
                new FutureTask<>(() -> {
                    Thread thread = Thread.currentThread();
                    boolean taken = lock.take(thread, nanos);
                    if (taken) {
                        assertThat(lock.holder).isSameAs(thread);
                        lock.give();
                    }
                    return taken;
                });
        Thread.ofPlatform().daemon().start(taker);
        return taker;
    }

    @Test
    void lockHasOneHolder() throws ExecutionException, InterruptedException {
        assertThat(lock.tryTake(self)).isTrue();
        assertThat(lock.holder).isSameAs(self);
        assertThat(lock.tryTake(new Thread())).isFalse();
        assertThat(taker(0).get()).isFalse();
        assertThat(lock.holder).isSameAs(self);
        lock.give();
        assertThat(lock.holder).isNull();
        assertThat(taker(0).get()).isTrue();
    }

    @Test
    void whoWaitsLongerThanHeWouldGivesUp() throws ExecutionException, InterruptedException {
        lock.tryTake(self);
        assertThat(taker(TimeUnit.MILLISECONDS.toNanos(2)).get()).isFalse();
        assertThat(lock.holder).isSameAs(self);
    }

    @Test
    void sleepersAreWokenOneAfterTheOther() throws ExecutionException, InterruptedException {
        sleepUntilWoken();
        lock.tryTake(self);
        FutureTask<Boolean> first = taker(LONG);
        FutureTask<Boolean> second = taker(LONG);
        FutureTask<Boolean> third = taker(LONG);
        waitForPauses(3);
        lock.give();
        assertThat(first.get()).isTrue();
        assertThat(second.get()).isTrue();
        assertThat(third.get()).isTrue();
        assertThat(lock.holder).isNull();
    }

    /** Another thread takes the lock first, so the sleeper must be woken once more. */
    @Test
    void sleeperThatWasPassedByIsWokenAgain() throws ExecutionException, InterruptedException {
        sleepUntilWoken();
        lock.tryTake(self);
        FutureTask<Boolean> taker = taker(LONG);
        waitForPauses(1);
        lock.holder = null; // as give does; it is taken before anybody wakes
        lock.tryTake(self);
        lock.give();
        assertThat(taker.get()).isTrue();
    }

    /** If a thread gave up, a wake-up must not get lost at its place in the queue. */
    @Test
    void whoGaveUpIsNotWoken() throws ExecutionException, InterruptedException {
        lock.tryTake(self);
        for (int i = 0; i < 3; i++) {
            assertThat(taker(1).get()).isFalse();
        }
        sleepUntilWoken();
        FutureTask<Boolean> taker = taker(LONG);
        waitForPauses(1);
        lock.give();
        assertThat(taker.get()).isTrue();
    }

    /** An interrupt must neither end the wait nor get lost, and costs one look. */
    @Test
    void interruptIsKeptForLater() throws ExecutionException, InterruptedException {
        sleepUntilWoken();
        lock.tryTake(self);
        var interrupted =
                new FutureTask<>(() -> {
                    Thread thread = Thread.currentThread();
                    thread.interrupt();
                    boolean taken = lock.take(thread, LONG);
                    return taken && Thread.interrupted();
                });
        Thread.ofPlatform().daemon().start(interrupted);
        waitForPauses(2);
        Thread.sleep(20);
        assertThat(pauses).hasValue(2);
        lock.give();
        assertThat(interrupted.get()).isTrue();
    }

    @Test
    void threadThatNobodyInterruptedIsNot() throws ExecutionException, InterruptedException {
        sleepUntilWoken();
        lock.tryTake(self);
        var waiting =
                new FutureTask<>(() -> {
                    Thread thread = Thread.currentThread();
                    return lock.take(thread, LONG) && !Thread.interrupted();
                });
        Thread.ofPlatform().daemon().start(waiting);
        waitForPauses(1);
        lock.give();
        assertThat(waiting.get()).isTrue();
    }
}
