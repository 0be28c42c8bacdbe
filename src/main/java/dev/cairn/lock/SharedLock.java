package dev.cairn.lock;

import dev.cairn.LockTimeout;
import dev.cairn.StoreClosed;
import dev.cairn.events.Events;
import dev.cairn.events.Events.LockWait;
import dev.cairn.events.Events.Takeover;
import dev.cairn.events.Recording;
import dev.cairn.format.LockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.ProcessIdentity;
import dev.cairn.os.Steps;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/*
 * Actors    threads of this process, threads of others, dead processes.
 * Words     the lock word {slot, incarnation} in shared memory; before it a local lock of this process,
 *           so that at most one thread of a process ever uses the word.
 * Steps     L1 take the process-local lock.
 *           L2 CAS the word from 0 to ours.
 *           L3 if that failed: spin, then park with growing pauses, and try again each time (RULE 17).
 *           L4 after a while: is the holder dead? Then CAS exactly the word that was judged to ours,
 *              and do first what a new owner of this lock must.
 *           L5 exchange the word for 0, release the local lock.
 * Why it is safe
 *           L4 cannot hit a live holder: no process stores a word with a dead incarnation any more. So
 *           if the CAS finds it, the dead process still has the lock; if two waiters judged alike, one
 *           CAS fails. If the holder of the local lock sees a word that names this very incarnation,
 *           then a thread of this process failed and left it: it is taken over like that of a dead
 *           process (RULE 15). After the CAS of L4 the word no longer tells of the dead process. So
 *           this process notes before the CAS that it inherits: if an error comes between, its handler
 *           does first what a new owner must.
 *           All work with the lock is done within a method of this class. Whatever was thrown, the last
 *           handler of that method releases the local lock with a plain store. It calls nothing, so it
 *           cannot fail, not even if no stack is left. The lock word may stay: the next thread of this
 *           process takes it over, and for other processes the maintenance thread does ({@link #mend}).
 * What is benign
 *           Barging: a newcomer may pass a sleeper. Sleeps are timed, so no wake-up can be lost.
 *           Waits and takeovers are recorded while the lock is held. That is part of the wait: a thread
 *           that gets the lock at once records nothing, and does not ask whether to.
 * If a process dies here
 *           Between L2 and L5 the word names it, and another process takes over by L4. Whoever takes a
 *           stripe's lock repairs first, whichever process held it before (RULE 12).
 */
/**
 * A lock in shared memory that is freed from a dead holder. It is not reentrant, and waits ignore
 * interrupts.
 */
public final class SharedLock {
    private static final int SPINS = 200;
    private static final long FIRST_PAUSE_NANOS = 20_000;
    private static final long LONGEST_PAUSE_NANOS = 1_000_000;

    /**
     * A holder is not suspected before this time: to judge it takes several system calls, to hold a
     * lock far less time.
     */
    private static final long SUSPECT_AFTER_NANOS = TimeUnit.MILLISECONDS.toNanos(3);

    private final LocalLock local = new LocalLock();
    private final MemorySegment memory;
    private final long at;
    private final String name;
    private final int stripe;
    private final ProcessTable processes;
    private final Contention contention;
    private final long mine;
    private final Care care;

    /** Guarded by the local lock, as the fields below. */
    private boolean retired;

    /** True from before a takeover until a new owner's first work is done. */
    private boolean inheriting;

    /** The lock word that the last wait was for. */
    private long awaited;

    /** The lock word from which this acquisition took the lock over, 0 if it was free. */
    private long left;

    private @Nullable Recording<Takeover> takeover;

    /** What must be done around the work with a lock. */
    public interface Care {
        /**
         * Is called first if the lock was taken over from a dead process, or was left by an error.
         */
        void inherited();

        /** Is called after each acquisition; returns whether something had to be repaired. */
        boolean taken();

        /**
         * Is called after work that failed, to complete what it left. If this fails, the next
         * holder must do it.
         */
        void failed();

        /** Is called after each release, before this process may close the store. */
        void released();
    }

    private static final Care NONE =
            new Care() {
                @Override
                public void inherited() {}

                @Override
                public boolean taken() {
                    return false;
                }

                @Override
                public void failed() {}

                @Override
                public void released() {}
            };

    /** How many locks were held at once, and for how long. */
    public record Taken(int locks, long nanos) {}

    /**
     * @param at the lock word's offset in the memory
     *
     * @param name what the lock guards, for messages
     */
    public SharedLock(
            MemorySegment memory,
            long at,
            String name,
            ProcessTable processes,
            Contention contention) {
        this(memory, at, name, Events.NO_STRIPE, processes, contention, NONE);
    }

    /** Creates the lock of a stripe. */
    public static SharedLock ofStripe(
            int stripe,
            MemorySegment memory,
            long at,
            ProcessTable processes,
            Contention contention,
            Care care) {
        String name = "the lock of stripe " + stripe;
        return new SharedLock(memory, at, name, stripe, processes, contention, care);
    }

    SharedLock(
            MemorySegment memory,
            long at,
            String name,
            int stripe,
            ProcessTable processes,
            Contention contention,
            Care care) {
        this.stripe = stripe;
        this.care = care;
        this.memory = memory;
        this.at = at;
        this.name = name;
        this.processes = processes;
        this.contention = contention;
        this.mine = processes.word();
    }

    /**
     * Runs work while it holds the lock.
     *
     * @throws LockTimeout if a live holder keeps the lock for longer than the timeout
     * @throws StoreClosed if this lock was retired
     */
    public <T extends @Nullable Object> T holding(long timeoutNanos, Supplier<T> work) {
        Thread self = Thread.currentThread();
        boolean done = false;
        try {
            acquire(self, timeoutNanos);
            T result = work.get();
            done = true;
            release();
            return result;
        } catch (Throwable e) {
            if (!done) {
                giveBackAfterFailure(self);
            }
            throw e;
        } finally {
            if (local.holder == self) { // an error came between; no call, as there may be no stack
                local.holder = null;
            }
        }
    }

    /** Runs work as {@link #holding} does, without boxing the result. */
    public long longHolding(long timeoutNanos, LongSupplier work) {
        Thread self = Thread.currentThread();
        boolean done = false;
        try {
            acquire(self, timeoutNanos);
            long result = work.getAsLong();
            done = true;
            release();
            return result;
        } catch (Throwable e) {
            if (!done) {
                giveBackAfterFailure(self);
            }
            throw e;
        } finally {
            if (local.holder == self) { // as above
                local.holder = null;
            }
        }
    }

    /**
     * Runs work while it holds several locks.
     *
     * @param locks locks of one process
     * @param first the index of the lock that is taken first; the ones after it follow, then the
     *     ones before it
     * @param firstNanos how long to wait for the first
     * @param nanos how long the first may be held until all are
     * @return how many locks were held; the work was done if all were
     */
    public static Taken holdingAll(
            SharedLock[] locks, int first, long firstNanos, long nanos, Runnable work) {
        Thread self = Thread.currentThread();
        boolean done = false;
        int held = 0;
        try {
            if (!locks[first].tryAcquire(self, firstNanos)) {
                return new Taken(0, 0);
            }
            long start = Steps.nanoTime();
            for (held = 1; held < locks.length; held++) {
                SharedLock next = locks[(first + held) % locks.length];
                if (!next.tryAcquire(self, nanos - (Steps.nanoTime() - start))) {
                    break;
                }
            }
            if (held == locks.length) {
                work.run();
            }
            done = true;
            for (int i = 0; i < held; i++) {
                locks[(first + i) % locks.length].release();
            }
            return new Taken(held, Steps.nanoTime() - start);
        } catch (Throwable e) {
            for (int i = 0; i < locks.length && !done; i++) {
                locks[i].giveBackAfterFailure(self);
            }
            throw e;
        } finally {
            for (int i = 0; i < locks.length; i++) { // as above
                if (locks[i].local.holder == self) {
                    locks[i].local.holder = null;
                }
            }
        }
    }

    /** Runs work while it holds the lock, unless another thread has it; returns whether it did. */
    public boolean tryHolding(Runnable work) {
        return holdingAll(new SharedLock[] {this}, 0, 0, 0, work).locks() == 1;
    }

    /**
     * Takes the lock and releases it, unless a live holder keeps it for longer than {@code nanos}.
     */
    public void tryRepair(long nanos) {
        Thread self = Thread.currentThread();
        boolean done = false;
        try {
            boolean taken = tryAcquire(self, nanos);
            done = true;
            if (taken) {
                release();
            }
        } catch (Throwable e) {
            if (!done) {
                giveBackAfterFailure(self);
            }
            throw e;
        } finally {
            if (local.holder == self) { // as above
                local.holder = null;
            }
        }
    }

    /**
     * Takes over what an error left in this process, so that no other process has to wait for that.
     */
    public void mend() {
        if (local.holder == null && Words.acquire(memory, at) == mine) {
            tryRepair(0);
        }
    }

    private void acquire(Thread self, long timeoutNanos) {
        if (!tryAcquire(self, timeoutNanos)) {
            throw timeout(timeoutNanos);
        }
    }

    /** The exception for a wait of that length without success; it names the holder. */
    public LockTimeout timeout(long waitedNanos) {
        Holder holder = holder();
        return new LockTimeout(
                processes.store(),
                name,
                holder.pid,
                Duration.ofNanos(waitedNanos),
                "could not get %s within %d ms; it is held by %s"
                        .formatted(
                                name,
                                TimeUnit.NANOSECONDS.toMillis(waitedNanos),
                                holder.described));
    }

    private boolean tryAcquire(Thread self, long nanos) {
        if (!local.tryTake(self) && !waitForLocal(self, nanos)) { // L1
            return false;
        }
        if (retired) {
            local.give();
            throw new StoreClosed(processes.store());
        }
        processes.keepKernelLock();
        if (Words.cas(memory, at, 0, mine)) { // L2
            boolean _ = care.taken();
            return true;
        }
        if (!waitForShared(nanos)) {
            local.give();
            return false;
        }
        boolean repaired = care.taken();
        if (left != 0) {
            long from = left;
            left = 0;
            tell(takeover, from, repaired);
        }
        return true;
    }

    private boolean waitForLocal(Thread self, long nanos) {
        Recording<LockWait> wait = Events.lockWait();
        Thread thread = wait == null ? null : local.holder;
        boolean taken = local.take(self, nanos);
        if (wait != null) {
            long here = ProcessIdentity.self().pid();
            wait.end(new LockWait(processes.store(), name, stripe, here, thread, taken));
        }
        return taken;
    }

    private boolean waitForShared(long nanos) {
        awaited = 0;
        left = 0;
        takeover = null;
        Recording<LockWait> wait = Events.lockWait();
        boolean taken = takeShared(nanos);
        if (wait != null) {
            long holder = processes.pid(awaited).orElse(Events.NO_PID);
            wait.end(new LockWait(processes.store(), name, stripe, holder, null, taken));
        }
        return taken;
    }

    /**
     * Reports that a lock word was taken over, or that no process can take one.
     *
     * @param word the lock word
     */
    public void tell(@Nullable Recording<Takeover> takeover, long word, boolean repaired) {
        if (takeover != null) {
            String by =
                    word == LockWord.ABANDONED
                            ? "a process in which an error prevented the repair"
                            : word == mine
                                    ? "a thread of this process that failed"
                                    : "a dead process";
            long holder = processes.pid(word).orElse(Events.NO_PID);
            takeover.end(new Takeover(processes.store(), name, stripe, holder, by, repaired));
        }
    }

    private record Holder(String described, OptionalLong pid) {}

    private Holder holder() {
        long word = Words.acquire(memory, at);
        if (word != 0 && word != mine && word != LockWord.ABANDONED) {
            // a thread of this process may wait for the lock, too
            return new Holder(processes.describe(word), processes.pid(word));
        }
        Thread thread = local.holder;
        if (thread != null && thread != Thread.currentThread()) {
            return new Holder(
                    "the thread \"%s\" of this process".formatted(thread.getName()),
                    OptionalLong.of(ProcessIdentity.self().pid()));
        }
        return new Holder(
                word == 0
                        ? "nobody now: the holder has just released it"
                        : "nobody, after a failure; the next holder repairs what was left",
                OptionalLong.empty());
    }

    private boolean takeShared(long nanos) { // L3
        long start = Steps.nanoTime();
        long pause = FIRST_PAUSE_NANOS;
        for (int spin = 0; ; spin++) {
            long word = Words.acquire(memory, at);
            if (word == 0 && Words.cas(memory, at, 0, mine)) {
                contention.waited(Steps.nanoTime() - start);
                return true;
            }
            awaited = word == 0 ? awaited : word;
            if (spin < SPINS && word != mine && word != LockWord.ABANDONED) {
                Thread.onSpinWait();
                continue;
            }
            long waited = Steps.nanoTime() - start;
            if (takeOver(word, waited > Math.min(SUSPECT_AFTER_NANOS, nanos))) {
                contention.waited(Steps.nanoTime() - start);
                return true;
            }
            if (waited > nanos) {
                if (nanos > 0) { // else nobody wanted to wait
                    contention.waited(waited);
                }
                return false;
            }
            Steps.at("L3");
            // otherwise parking would always return at once
            boolean interrupted = Thread.interrupted();
            LockSupport.parkNanos(Steps.pause(Math.min(pause, nanos - waited)));
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
        }
    }

    private boolean takeOver(long word, boolean suspected) { // L4
        boolean isLeft =
                word == mine
                        || word == LockWord.ABANDONED
                        || word != 0 && suspected && processes.dead(word);
        if (!isLeft) {
            return false;
        }
        takeover = Events.takeover();
        // what the dead process had in hand was not counted
        Words.release(memory, SharedLayout.DOUBT, 1);
        inheriting = true;
        if (Words.cas(memory, at, word, mine)) {
            inherit();
            contention.tookOver();
            left = word;
            return true;
        }
        inheriting = false;
        return false;
    }

    private void inherit() {
        care.inherited();
        inheriting = false;
    }

    private void release() {
        Words.exchange(memory, at, 0); // L5
        care.released();
        local.give();
    }

    /**
     * Releases the lock after the holder failed, or a thread failed that was about to take it. If
     * this fails in turn, the word tells others so, or it still names this process, which then
     * takes it over (RULE 15).
     */
    private void giveBackAfterFailure(Thread self) {
        if (local.holder != self) {
            return;
        }
        if (Words.acquire(memory, at) == mine) {
            boolean whole = false;
            Words.release(memory, SharedLayout.DOUBT, 1); // as after a death
            try {
                // an error came between, and the word no longer tells of the dead process
                if (inheriting) {
                    inherit();
                }
                care.failed();
                whole = true;
            } finally {
                Words.exchange(memory, at, whole ? 0 : LockWord.ABANDONED);
            }
            care.released();
        }
        local.give();
    }

    /**
     * Refuses the lock to all threads of this process from now on; waits for the current holder.
     */
    public void retire() {
        Thread self = Thread.currentThread();
        try {
            boolean _ = local.take(self, Long.MAX_VALUE);
            retired = true;
            local.give();
        } finally {
            if (local.holder == self) { // as above
                local.holder = null;
            }
        }
    }
}
