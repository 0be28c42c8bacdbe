package dev.cairn.lock;

import static dev.cairn.format.ProcessWords.INCARNATION;
import static dev.cairn.format.ProcessWords.LOCK_KIND;
import static dev.cairn.format.ProcessWords.LOCK_LOST;
import static dev.cairn.format.ProcessWords.LOCK_OF_DESCRIPTION;
import static dev.cairn.format.ProcessWords.LOCK_OF_PROCESS;
import static dev.cairn.format.ProcessWords.STATE;
import static dev.cairn.format.ProcessWords.STATE_OPEN;

import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.ProcessIdentity;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/*
 * Actors    the asker, which found the kernel lock of a process slot free; that process.
 * Words     LOCK_LOST of its entry: 0, or a question, which is different each time.
 * Steps     Q1 LOCK_LOST: CAS from 0 to a question; if there is a question already, that one is used
 *           Q2 (the process, at its next lock or period) takes its kernel lock again
 *           Q3 (the process) LOCK_LOST := 0
 *           Q4 if the asker sees another word than the question, the process is alive. If it sees the
 *              same for as long as PATIENCE, where each look counts for 100 ms at most, it is dead.
 * Why it is safe
 *           A lock of an open file description is dropped only by the death of its process, so no
 *           question is needed. A lock that the process owns may be dropped when something in the
 *           process closes the lock file. Then the process answers, unless it is stopped, or gets no
 *           processor, for as long as PATIENCE. If the asker is stopped as well, for example with the
 *           whole machine, it counts little of that time. Questions differ: if the process answers
 *           between two looks, that is seen even if another asker has asked since.
 * What is benign
 *           A live process is asked needlessly: it takes its lock again.
 * If a process dies here
 *           Nothing is held. A question without an answer stays; the next asker uses it.
 */
/**
 * Judges processes whose kernel lock is free (RULE 16): by /proc if it shows them, by the kind of
 * the lock, and if neither is enough, by asking them.
 */
final class RollCall {
    /**
     * Twenty periods of a process that answers, and half of the usual timeout of a process that
     * waits.
     */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final long LONGEST_STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** What is known about a process. */
    enum Verdict {
        ALIVE,
        DEAD,
        /** It was asked and may still answer. */
        ASKED
    }

    private record Asked(long incarnation, long question, long lookNanos, long waitedNanos) {}

    private final MemorySegment memory;
    private final long ownKind;
    private final long patienceNanos;
    private final @Nullable Asked[] asked = new Asked[SharedLayout.PROCESS_SLOTS];

    RollCall(MemorySegment memory, KernelLocks kernel) {
        this(memory, kind(kernel), PATIENCE_NANOS);
    }

    RollCall(MemorySegment memory, long ownKind, long patienceNanos) {
        this.memory = memory;
        this.ownKind = ownKind;
        this.patienceNanos = patienceNanos;
    }

    static long kind(KernelLocks kernel) {
        return kernel.areCertain() ? LOCK_OF_DESCRIPTION : LOCK_OF_PROCESS;
    }

    /** Judges the process in a slot whose kernel lock is free. */
    Verdict judge(int slot) {
        long at = SharedLayout.processAt(slot);
        if (Words.acquire(memory, at + STATE) != STATE_OPEN) {
            return Verdict.DEAD;
        }
        long kind = Words.acquire(memory, at + LOCK_KIND);
        ProcessIdentity identity = ProcessTable.identity(memory, at);
        if (identity.equals(ProcessIdentity.self())) {
            // a failure in this process left it, unless it is another copy of this library, without
            // native access
            return kind == LOCK_OF_PROCESS && kind != ownKind ? ask(slot) : Verdict.DEAD;
        }
        return switch (identity.look()) {
            case RUNNING -> {
                long _ = question(at);
                yield Verdict.ALIVE;
            }
            case EXITING, GONE -> Verdict.DEAD;
            case UNSEEN -> kind == LOCK_OF_DESCRIPTION ? Verdict.DEAD : ask(slot);
        };
    }

    private synchronized Verdict ask(int slot) {
        long at = SharedLayout.processAt(slot);
        long now = System.nanoTime();
        long incarnation = Words.acquire(memory, at + INCARNATION);
        Asked before = asked[slot];
        if (before != null && before.incarnation == incarnation) {
            if (Words.acquire(memory, at + LOCK_LOST) != before.question) { // Q4
                asked[slot] = null;
                return Verdict.ALIVE;
            }
            long waited = before.waitedNanos + Math.min(now - before.lookNanos, LONGEST_STEP_NANOS);
            asked[slot] = new Asked(incarnation, before.question, now, waited);
            return waited < patienceNanos ? Verdict.ASKED : Verdict.DEAD;
        }
        asked[slot] = new Asked(incarnation, question(at), now, 0);
        return Verdict.ASKED;
    }

    /** The question in the entry; if there is none, it asks a new one. */
    private long question(long at) {
        long question = Words.acquire(memory, at + LOCK_LOST);
        while (question == 0) {
            long own = System.nanoTime() | 1;
            question =
                    Words.cas(memory, at + LOCK_LOST, 0, own) // Q1
                            ? own
                            : Words.acquire(memory, at + LOCK_LOST);
        }
        return question;
    }

    /**
     * Whether any process in any slot is alive, given that all kernel locks are free. It waits for
     * answers.
     */
    boolean anybody() {
        boolean interrupted = false;
        try {
            while (true) {
                boolean mayAnswer = false;
                for (int slot = 0; slot < SharedLayout.PROCESS_SLOTS; slot++) {
                    Verdict verdict = judge(slot);
                    if (verdict == Verdict.ALIVE) {
                        return true;
                    }
                    mayAnswer |= verdict == Verdict.ASKED;
                }
                if (!mayAnswer) {
                    return false;
                }
                interrupted |= Thread.interrupted();
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
