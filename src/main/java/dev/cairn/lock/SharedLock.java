package dev.cairn.lock;

import dev.cairn.LockTimeout;
import dev.cairn.StoreClosed;
import dev.cairn.format.LockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.Steps;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/*
 * Actors    threads of this process, threads of others, corpses.
 * Words     the lock word {slot, incarnation} in shared memory; a lock of this process before it, so
 *           that at most one thread of a process ever deals with the word.
 * Steps     L1 take the process-local lock.
 *           L2 CAS the word from 0 to ours.
 *           L3 no luck: spin, then park with growing pauses, trying again each time (RULE 17).
 *           L4 after a while: is the holder dead? Then CAS exactly the word that was judged to ours.
 *           L5 exchange the word for 0, give the local lock back.
 * Why it is safe
 *           L4 cannot hit a live holder: a word that names a dead incarnation is stored by nobody
 *           any more, so if the CAS finds it, the corpse still has the lock; of two waiters that
 *           judged alike one CAS fails. A word that names this very incarnation, seen by the holder
 *           of the local lock, was left by a thread of ours that failed: taken over like a corpse's.
 * What is benign
 *           Barging: a newcomer may pass a sleeper. Sleeps are timed, so no wake-up can be lost.
 * If a process dies here
 *           Between L2 and L5 the word names it, and L4 of somebody else takes over. Whoever takes a
 *           stripe's lock repairs first, from whomever it came (RULE 12).
 */
/** A lock in shared memory that outlives no holder; not reentrant, and never interrupted. */
public final class SharedLock {
    private static final int SPINS = 200;
    private static final long FIRST_PAUSE_NANOS = 20_000;
    private static final long LONGEST_PAUSE_NANOS = 1_000_000;

    /** A thread that waits for another of its process looks at its deadline that often. */
    private static final long LOCAL_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    /** A holder is not suspected before: judging costs several system calls, holding far less. */
    private static final long SUSPECT_AFTER_NANOS = TimeUnit.MILLISECONDS.toNanos(3);

    private final ReentrantLock local = new ReentrantLock();
    private final MemorySegment memory;
    private final long at;
    private final String name;
    private final ProcessTable processes;
    private final Contention contention;
    private final long mine;
    private final Runnable released;

    /** Guarded by the local lock. */
    private boolean retired;

    /**
     * @param at the lock word's offset in the memory
     * @param name for messages: what the lock guards
     */
    public SharedLock(
            MemorySegment memory,
            long at,
            String name,
            ProcessTable processes,
            Contention contention) {
        this(memory, at, name, processes, contention, () -> {});
    }

    /**
     * @param released what to do behind each release, before this process may close the store
     */
    public SharedLock(
            MemorySegment memory,
            long at,
            String name,
            ProcessTable processes,
            Contention contention,
            Runnable released) {
        this.released = released;
        this.memory = memory;
        this.at = at;
        this.name = name;
        this.processes = processes;
        this.contention = contention;
        this.mine = processes.word();
    }

    /**
     * Takes the lock.
     *
     * @throws LockTimeout if a live holder keeps it longer than that
     * @throws StoreClosed if this process is done with it
     */
    public void acquire(long timeoutNanos) {
        if (!tryAcquire(timeoutNanos)) {
            throw timeout(timeoutNanos);
        }
    }

    /** The exception for a wait of that length in vain; it names the holder. */
    public LockTimeout timeout(long waitedNanos) {
        return new LockTimeout(
                processes.store(),
                "%s was not to be had in %d ms: held by %s"
                        .formatted(name, TimeUnit.NANOSECONDS.toMillis(waitedNanos), holder()));
    }

    /**
     * Takes the lock, unless a live holder keeps it longer than that; tells whether it did.
     *
     * @throws StoreClosed if this process is done with it
     */
    public boolean tryAcquire(long nanos) {
        if (!local.tryLock() && !waitForLocal(nanos)) { // L1
            return false;
        }
        boolean taken = false;
        try {
            if (retired) {
                throw new StoreClosed(processes.store());
            }
            processes.keepKernelLock();
            taken = Words.cas(memory, at, 0, mine) || waitForShared(nanos); // L2
            return taken;
        } finally {
            if (!taken) {
                local.unlock();
            }
        }
    }

    private String holder() {
        long word = Words.acquire(memory, at);
        return word == mine ? "another thread of this process" : processes.describe(word);
    }

    private boolean waitForLocal(long nanos) {
        long deadline = System.nanoTime() + nanos;
        boolean interrupted = false;
        try {
            while (true) {
                long left = deadline - System.nanoTime();
                try {
                    if (local.tryLock(Math.min(left, LOCAL_PAUSE_NANOS), TimeUnit.NANOSECONDS)) {
                        return true;
                    }
                    if (left <= 0) {
                        return false;
                    }
                } catch (InterruptedException _) {
                    interrupted = true;
                }
                Steps.at("L1");
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private boolean waitForShared(long nanos) { // L3
        long start = System.nanoTime();
        long pause = FIRST_PAUSE_NANOS;
        for (int spin = 0; ; spin++) {
            long word = Words.acquire(memory, at);
            if (word == 0 && Words.cas(memory, at, 0, mine)) {
                contention.waited(System.nanoTime() - start);
                return true;
            }
            if (spin < SPINS && word != mine && word != LockWord.ABANDONED) {
                Thread.onSpinWait();
                continue;
            }
            long waited = System.nanoTime() - start;
            if (takeOver(word, waited > Math.min(SUSPECT_AFTER_NANOS, nanos))) {
                contention.waited(System.nanoTime() - start);
                return true;
            }
            if (waited > nanos) {
                return false;
            }
            Steps.at("L3");
            boolean interrupted = Thread.interrupted(); // or parking would return at once for ever
            LockSupport.parkNanos(Math.min(pause, nanos - waited));
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
            pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
        }
    }

    private boolean takeOver(long word, boolean suspected) { // L4
        boolean left =
                word == mine
                        || word == LockWord.ABANDONED
                        || word != 0 && suspected && processes.dead(word);
        if (!left) {
            return false;
        }
        Words.release(memory, SharedLayout.DOUBT, 1); // what the dead had in hand was not counted
        if (!Words.cas(memory, at, word, mine)) {
            return false;
        }
        contention.tookOver();
        return true;
    }

    /** Gives the lock back; only by the thread that took it. */
    public void release() {
        Words.exchange(memory, at, 0); // L5
        try {
            released.run();
        } finally {
            local.unlock();
        }
    }

    /** From now on nobody in this process gets it; waits for whoever has it. */
    public void retire() {
        local.lock();
        try {
            retired = true;
        } finally {
            local.unlock();
        }
    }

    /** Gives up a lock whose guarded state could not be repaired: whoever takes it next must. */
    public void abandon() {
        Words.exchange(memory, at, LockWord.ABANDONED);
        local.unlock();
    }
}
