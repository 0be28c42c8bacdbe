package dev.cairn.lock;

import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/*
 * Actors    threads of this process.
 * Words     the holder; the sleepers, who are only asked to look again.
 * Steps     CAS of the holder from null to the thread itself; a plain store of null releases it.
 * Why it is safe
 *           Only the holder ever removes its own name. One field tells whether a thread has the lock,
 *           and a store to the same field releases it. So the handler of an error needs no call for
 *           either, and therefore no stack, of which a StackOverflowError may have left none. No thread
 *           is ever in doubt, as it would be with a flag of its own after the CAS.
 * What is benign
 *           Barging. A wake-up that is lost with an error: sleeps are timed.
 */
/** A lock among the threads of this process that no error can leave taken. It is not reentrant. */
final class LocalLock {
    /** How often a waiting thread looks at its deadline. */
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /** Spins for about as long as an ordinary write holds the lock. */
    private static final int SPINS = Runtime.getRuntime().availableProcessors() > 1 ? 50 : 0;

    private static final VarHandle HOLDER;

    static {
        try {
            HOLDER = MethodHandles.lookup().findVarHandle(LocalLock.class, "holder", Thread.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Queue<Sleeper> sleepers = new ConcurrentLinkedQueue<>();

    /**
     * The thread that holds the lock, or null. Only the thread that stands here may store null. The
     * handler of an error needs to do nothing else.
     */
    volatile @Nullable Thread holder;

    private static final class Sleeper {
        final Thread thread;
        volatile boolean woken = true;

        Sleeper(Thread thread) {
            this.thread = thread;
        }
    }

    /** Takes the lock if no thread holds it now. */
    boolean tryTake(Thread self) {
        return holder == null && HOLDER.compareAndSet(this, null, self);
    }

    /**
     * Takes the lock, unless others hold it for longer than {@code nanos}. An interrupt is kept for
     * later.
     *
     * @param self the calling thread
     */
    boolean take(Thread self, long nanos) {
        for (int spin = 0; spin <= SPINS; spin++) {
            if (tryTake(self)) {
                return true;
            }
            Thread.onSpinWait();
        }
        boolean interrupted = false;
        Sleeper sleeper = new Sleeper(self);
        long start = Steps.nanoTime();
        boolean taken = false;
        while (!taken) {
            if (sleeper.woken) {
                sleeper.woken = false;
                sleepers.add(sleeper);
            }
            long left = nanos - (Steps.nanoTime() - start);
            taken = tryTake(self); // after the entry into the queue, so no wake-up is missed
            if (taken || left <= 0) {
                break;
            }
            Steps.at("L1");
            LockSupport.parkNanos(this, Steps.pause(Math.min(left, PAUSE_NANOS)));
            interrupted |= Thread.interrupted();
            taken = tryTake(self);
        }
        if (!sleepers.remove(sleeper) && !taken) {
            wake(); // the wake-up was meant for a thread that still waits
        }
        if (interrupted) {
            self.interrupt();
        }
        return taken;
    }

    /** Releases the lock. Only its holder may call this. */
    void give() {
        holder = null;
        wake();
    }

    private void wake() {
        Sleeper next = sleepers.poll();
        if (next != null) {
            next.woken = true;
            LockSupport.unpark(next.thread);
        }
    }
}
