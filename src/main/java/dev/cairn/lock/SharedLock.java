package dev.cairn.lock;

import dev.cairn.LockTimeout;
import dev.cairn.StoreClosed;
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
 * Actors    threads of this process, threads of others, corpses.
 * Words     the lock word {slot, incarnation} in shared memory; a lock of this process before it, so
 *           that at most one thread of a process ever deals with the word.
 * Steps     L1 take the process-local lock.
 *           L2 CAS the word from 0 to ours.
 *           L3 no luck: spin, then park with growing pauses, trying again each time (RULE 17).
 *           L4 after a while: is the holder dead? Then CAS exactly the word that was judged to ours,
 *              and do first what an inheritor of this lock must.
 *           L5 exchange the word for 0, give the local lock back.
 * Why it is safe
 *           L4 cannot hit a live holder: a word that names a dead incarnation is stored by nobody
 *           any more, so if the CAS finds it, the corpse still has the lock; of two waiters that
 *           judged alike one CAS fails. A word that names this very incarnation, seen by the holder
 *           of the local lock, was left by a thread of ours that failed: taken over like a corpse's
 *           (RULE 15). Behind the CAS of L4 the word tells of the dead no more, so this process notes
 *           before it that it inherits: if an error comes between, its handler inherits first.
 *           All work with the lock is done within a method of this class, whose last handler, for
 *           whatever was thrown, gives the local lock back by a store. It calls nothing, so it cannot
 *           fail, not even where no stack is left. The word may stay: the next thread of this process
 *           takes it over, and for the sake of other processes the keeper does ({@link #mend}).
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

    /** A holder is not suspected before: judging costs several system calls, holding far less. */
    private static final long SUSPECT_AFTER_NANOS = TimeUnit.MILLISECONDS.toNanos(3);

    private final LocalLock local = new LocalLock();
    private final MemorySegment memory;
    private final long at;
    private final String name;
    private final ProcessTable processes;
    private final Contention contention;
    private final long mine;
    private final Care care;

    /** Guarded by the local lock, as the next. */
    private boolean retired;

    /** From before a takeover until what it must do first is done. */
    private boolean inheriting;

    /** What belongs to having a lock, besides the work that it is taken for. */
    public interface Care {
        /** First of all, where the lock was taken over from the dead, or was left by an error. */
        void inherited();

        /** Behind each acquisition. */
        void taken();

        /** Behind work that failed, to make whole what it left. If this fails, the next holder must. */
        void failed();

        /** Behind each release, before this process may close the store. */
        void released();
    }

    private static final Care NONE =
            new Care() {
                @Override
                public void inherited() {}

                @Override
                public void taken() {}

                @Override
                public void failed() {}

                @Override
                public void released() {}
            };

    /** How many of some locks were held at once, and for how long. */
    public record Taken(int locks, long nanos) {}

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
        this(memory, at, name, processes, contention, NONE);
    }

    public SharedLock(
            MemorySegment memory,
            long at,
            String name,
            ProcessTable processes,
            Contention contention,
            Care care) {
        this.care = care;
        this.memory = memory;
        this.at = at;
        this.name = name;
        this.processes = processes;
        this.contention = contention;
        this.mine = processes.word();
    }

    /**
     * Does something with the lock held.
     *
     * @throws LockTimeout if a live holder keeps it longer than that
     * @throws StoreClosed if this process is done with it
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
            if (local.holder == self) { // an error came in between; no call: there may be no stack
                local.holder = null;
            }
        }
    }

    /** As {@link #holding}, without a box around the result. */
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
     * Does something with all of some locks held.
     *
     * @param locks of one process
     * @param first which is taken first; then those behind it, and those before it
     * @param firstNanos how long to wait for the first
     * @param nanos how long the first may be held until all are
     * @return how many were held: the work was done if all were
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

    /** Does something with the lock held, unless somebody has it; tells whether it was done. */
    public boolean tryHolding(Runnable work) {
        return holdingAll(new SharedLock[] {this}, 0, 0, 0, work).locks() == 1;
    }

    /** Takes the lock and gives it back, unless a live holder keeps it longer than that. */
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

    /** Takes over what an error left of this process, so that no other has to wait for that. */
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

    /** The exception for a wait of that length in vain; it names the holder. */
    public LockTimeout timeout(long waitedNanos) {
        Holder holder = holder();
        return new LockTimeout(
                processes.store(),
                name,
                holder.pid,
                Duration.ofNanos(waitedNanos),
                "%s was not to be had in %d ms: held by %s"
                        .formatted(
                                name,
                                TimeUnit.NANOSECONDS.toMillis(waitedNanos),
                                holder.described));
    }

    private boolean tryAcquire(Thread self, long nanos) {
        if (!local.take(self, nanos)) { // L1
            return false;
        }
        if (retired) {
            local.give();
            throw new StoreClosed(processes.store());
        }
        processes.keepKernelLock();
        if (!Words.cas(memory, at, 0, mine) && !waitForShared(nanos)) { // L2
            local.give();
            return false;
        }
        care.taken();
        return true;
    }

    private record Holder(String described, OptionalLong pid) {}

    private Holder holder() {
        long word = Words.acquire(memory, at);
        if (word != 0 && word != mine && word != LockWord.ABANDONED) {
            // a thread of this process may wait for that, too
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
                        ? "somebody who has just given it back"
                        : "nobody, after a failure; whoever takes it next repairs what was left",
                OptionalLong.empty());
    }

    private boolean waitForShared(long nanos) { // L3
        long start = Steps.nanoTime();
        long pause = FIRST_PAUSE_NANOS;
        for (int spin = 0; ; spin++) {
            long word = Words.acquire(memory, at);
            if (word == 0 && Words.cas(memory, at, 0, mine)) {
                contention.waited(Steps.nanoTime() - start);
                return true;
            }
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
                return false;
            }
            Steps.at("L3");
            boolean interrupted = Thread.interrupted(); // or parking would return at once for ever
            LockSupport.parkNanos(Steps.pause(Math.min(pause, nanos - waited)));
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
        inheriting = true;
        if (Words.cas(memory, at, word, mine)) {
            inherit();
            contention.tookOver();
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
     * After a failure of whoever held the lock, or was about to take it. If this fails in turn, the
     * word says so to others, or still names this process, which then takes it over (RULE 15).
     */
    private void giveBackAfterFailure(Thread self) {
        if (local.holder != self) {
            return;
        }
        if (Words.acquire(memory, at) == mine) {
            boolean whole = false;
            Words.release(memory, SharedLayout.DOUBT, 1); // as behind a death
            try {
                if (inheriting) { // an error came between, and the word tells of the dead no more
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

    /** From now on nobody in this process gets it; waits for whoever has it. */
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
