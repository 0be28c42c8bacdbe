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
 * Steps     CAS of the holder from nobody to oneself; a plain store of nobody gives it back.
 * Why it is safe
 *           Only the holder ever takes its own name away. Whether a thread has the lock is one field,
 *           which it reads, and one field gives it back: the handler of an error needs no call for
 *           either, and so no stack, of which a StackOverflowError may have left none. No thread is
 *           ever in doubt, as it would be with a flag of its own behind the CAS.
 * What is benign
 *           Barging. A wake-up that is lost with an error: sleeps are timed.
 */
/** A lock among the threads of this process that no error can leave taken; not reentrant. */
final class LocalLock {
    /** A thread that waits looks at its deadline that often. */
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /** About as long as an ordinary write has the lock. */
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
     * Null for nobody. A thread whose name stands here may store null, and nobody else may; that is
     * all that the handler of an error has to do.
     */
    volatile @Nullable Thread holder;

    private static final class Sleeper {
        final Thread thread;
        volatile boolean woken = true;

        Sleeper(Thread thread) {
            this.thread = thread;
        }
    }

    private boolean tryTake(Thread self) {
        return holder == null && HOLDER.compareAndSet(this, null, self);
    }

    /**
     * Takes it, unless others have it longer than that; interrupts are kept for later.
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
            taken = tryTake(self); // behind the entry in the queue, so no wake-up is missed
            if (taken || left <= 0) {
                break;
            }
            Steps.at("L1");
            LockSupport.parkNanos(this, Steps.pause(Math.min(left, PAUSE_NANOS)));
            interrupted |= Thread.interrupted();
            taken = tryTake(self);
        }
        if (!sleepers.remove(sleeper) && !taken) {
            wake(); // it was meant for somebody who still waits
        }
        if (interrupted) {
            self.interrupt();
        }
        return taken;
    }

    /** Gives it back; by its holder. */
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
