package dev.cairn.sim;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets one of several threads run at a time. At each step the seed alone decides which one is next.
 * If a thread must wait for what another has, it gives its turn away and looks again at its next
 * turn. So no thread sleeps during its turn, and the clock does not decide who is next.
 */
final class Turns {
    private static final int NOBODY = -1;

    /**
     * No member takes so long from one step to the next, unless it waits for something that never
     * comes.
     */
    private static final long STUCK_NANOS = TimeUnit.SECONDS.toNanos(100);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Random random;
    private final @Nullable Thread[] members;
    private int expected;
    private int turn = NOBODY;

    /** @param threads how many threads take part; none goes on before all have come */
    Turns(int threads, Random random) {
        this.members = new Thread[threads];
        this.expected = threads;
        this.random = random;
    }

    /** Makes this thread the given member. Returns when it is its turn. */
    void enter(int member) {
        lock.lock();
        try {
            members[member] = Thread.currentThread();
            if (--expected == 0) {
                give(NOBODY);
            }
            await(member);
        } finally {
            lock.unlock();
        }
    }

    /** Notes that this thread is done. */
    void leave() {
        lock.lock();
        try {
            members[present()] = null;
            give(NOBODY);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets another thread go on. Returns when this one may. Does nothing if this thread is no
     * member.
     */
    void pass() {
        lock.lock();
        try {
            int member = present();
            if (member != NOBODY && random.nextInt(3) != 0) { // several of one are of interest too
                give(NOBODY);
                await(member);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Does what {@link #pass} does, but another thread goes on if there is any. Returns false if
     * this thread is no member.
     */
    boolean giveWay() {
        lock.lock();
        try {
            int member = present();
            if (member == NOBODY) {
                return false;
            }
            give(member);
            await(member);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Which member this thread is; {@link #NOBODY} if it is none. */
    int member() {
        lock.lock();
        try {
            return present();
        } finally {
            lock.unlock();
        }
    }

    private int present() {
        for (int member = 0; member < members.length; member++) {
            if (members[member] == Thread.currentThread()) {
                return member;
            }
        }
        return NOBODY;
    }

    private void give(int except) {
        int others = 0;
        for (int member = 0; member < members.length; member++) {
            others += members[member] != null && member != except ? 1 : 0;
        }
        turn = others == 0 ? except : pick(random.nextInt(others), except);
        changed.signalAll();
    }

    private int pick(int place, int except) {
        int left = place;
        for (int member = 0; ; member++) {
            if (members[member] != null && member != except && left-- == 0) {
                return member;
            }
        }
    }

    private void await(int member) {
        long start = System.nanoTime();
        int last = turn;
        while (turn != member) {
            try {
                long _ = changed.awaitNanos(STUCK_NANOS);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            if (turn != last) {
                last = turn;
                start = System.nanoTime();
            } else if (System.nanoTime() - start > STUCK_NANOS) {
                throw new IllegalStateException("stuck: " + stack(turn));
            }
        }
    }

    private String stack(int member) {
        Thread thread = member == NOBODY ? null : members[member];
        return thread == null ? "nobody" : Arrays.toString(thread.getStackTrace());
    }
}
