package dev.cairn.lock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cairn.events.Events;
import dev.cairn.format.LockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Steps;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;

/** A lock in memory of its own, what its holder did, and words of other processes. */
abstract class SharedLockFixture {
    final MemorySegment memory = Arena.ofAuto().allocate(SharedLayout.stripeAt(1), 64);

    final List<String> done = new ArrayList<>();
    int failures;
    int releaseFailures;
    final ProcessTable processes = ProcessTable.solitary(Path.of("store"), memory);
    final Contention contention = new Contention();

    /** The locks, one after the other, of a word each. */
    final SharedLock[] locks = {
        lock(SharedLayout.CHECKPOINT_LOCK),
        lock(SharedLayout.ALLOCATION_LOCK),
        lock(SharedLayout.GROW_LOCK)
    };

    final SharedLock lock = locks[0];

    SharedLock lock(long at) {
        return new SharedLock(
                memory,
                at,
                "a lock",
                Events.NO_STRIPE,
                processes,
                contention,
                new SharedLock.Care() {
                    @Override
                    public void inherited() {
                        if (failures-- > 0) {
                            throw new StackOverflowError("by the test");
                        }
                        done.add("inherited");
                    }

                    @Override
                    public boolean taken() {
                        done.add("taken");
                        return false;
                    }

                    @Override
                    public void failed() {
                        done.add("failed");
                    }

                    @Override
                    public void released() {
                        done.add("released");
                        if (releaseFailures-- > 0) {
                            throw new StackOverflowError("by the test");
                        }
                    }
                });
    }

    long word() {
        return Words.acquire(memory, SharedLayout.CHECKPOINT_LOCK);
    }

    void leave() {
        Words.release(memory, SharedLayout.CHECKPOINT_LOCK, LockWord.ABANDONED);
    }

    int hold() {
        return lock.holding(0, () -> 1);
    }

    static final int OTHER = 7;

    /** The incarnation of this holder is the one in the table, which is 0. */
    static final long ALIVE = LockWord.of(OTHER, 0);

    static final long DEAD = LockWord.of(OTHER, 1);
    static final long SHORT = TimeUnit.MILLISECONDS.toNanos(5);
    static final long LONG = TimeUnit.MINUTES.toNanos(10);

    void store(long word) {
        Words.release(memory, SharedLayout.CHECKPOINT_LOCK, word);
    }

    long doubt() {
        return Words.acquire(memory, SharedLayout.DOUBT);
    }

    List<Long> words() {
        return List.of(
                Words.acquire(memory, SharedLayout.CHECKPOINT_LOCK),
                Words.acquire(memory, SharedLayout.ALLOCATION_LOCK),
                Words.acquire(memory, SharedLayout.GROW_LOCK));
    }

    /**
     * Requires that the lock is free. So must be the lock among the threads of this process, or it
     * would let no other thread in.
     */
    void isFree() throws InterruptedException {
        assertThat(words()).containsOnly(0L);
        for (SharedLock each : locks) {
            boolean[] did = {false};
            Thread other = Thread.ofPlatform().start(() -> did[0] = each.tryHolding(() -> {}));
            other.join();
            assertThat(did[0]).isTrue();
        }
    }

    /** Time that passes only when somebody looks at the clock or pauses. */
    static final class Clock implements Steps.Listener {
        private final LongConsumer pausing;
        long now;

        /** @param pausing gets the time after each pause */
        Clock(LongConsumer pausing) {
            this.pausing = pausing;
        }

        @Override
        public void at(String step) {}

        @Override
        public long nanoTime() {
            return now++;
        }

        @Override
        public long pause(long nanos) {
            now += nanos;
            pausing.accept(now);
            return 0;
        }
    }
}
