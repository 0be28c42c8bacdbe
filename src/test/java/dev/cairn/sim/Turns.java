package dev.cairn.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets one thread of several run at a time, and another, by seed, from each step on. A thread that
 * waits for a lock reaches no step; when it has reached none for a while and sleeps, it loses its
 * turn, and joins in again at its next step.
 */
final class Turns {
    private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Random random;
    private final List<Thread> ready = new ArrayList<>();
    private final List<Thread> members = new ArrayList<>();
    private Thread turn;
    private long since;
    private int expected;

    /**
     * @param threads that take part; none goes on before all have come
     */
    Turns(int threads, Random random) {
        this.expected = threads;
        this.random = random;
    }

    /** This thread takes part; returns when it is its turn. */
    void enter() {
        lock.lock();
        try {
            members.add(Thread.currentThread());
            expected--;
            waitForTurn();
        } finally {
            lock.unlock();
        }
    }

    /** This thread is done. */
    void leave() {
        lock.lock();
        try {
            members.remove(Thread.currentThread());
            give();
        } finally {
            lock.unlock();
        }
    }

    /** Another thread may go on; returns when this one may. Does nothing for a stranger. */
    void pass() {
        lock.lock();
        try {
            if (members.contains(Thread.currentThread())) {
                if (turn == Thread.currentThread() && random.nextInt(3) == 0) {
                    since = System.nanoTime();
                    return; // runs of steps of one thread are of interest too
                }
                waitForTurn();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns when it is this thread's turn, if it lost it. Does nothing for a stranger. */
    void claim() {
        lock.lock();
        try {
            if (turn != Thread.currentThread() && members.contains(Thread.currentThread())) {
                waitForTurn();
            }
        } finally {
            lock.unlock();
        }
    }

    private void waitForTurn() {
        Thread self = Thread.currentThread();
        ready.add(self);
        if (expected == 0 && (turn == null || turn == self)) {
            give();
        }
        while (turn != self) {
            try {
                long _ = changed.awaitNanos(PATIENCE_NANOS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (turn != null
                    && turn != self
                    && !ready.contains(turn)
                    && turn.getState() == Thread.State.TIMED_WAITING
                    && System.nanoTime() - since > PATIENCE_NANOS) {
                give();
            }
        }
        ready.remove(self);
    }

    private void give() {
        turn = ready.isEmpty() ? null : ready.get(random.nextInt(ready.size()));
        since = System.nanoTime();
        changed.signalAll();
    }
}
