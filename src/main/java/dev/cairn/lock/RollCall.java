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
 * Actors    the asker, who found the kernel lock of a process's slot free; that process.
 * Words     LOCK_LOST of its entry: 0, or a question, different each time.
 * Steps     Q1 LOCK_LOST: CAS from 0 to a question; a question that stands there is used as well
 *           Q2 (the process, at its next lock or period) takes its kernel lock again
 *           Q3 (the process) LOCK_LOST := 0
 *           Q4 the asker sees another word than the question: it lives. It sees the same for as
 *              long as PATIENCE, at looks of which each counts for 100 ms at most: it is dead.
 * Why it is safe
 *           A lock of an open file description is dropped by the death of its process alone, so it
 *           needs no question. One that the process owns may be dropped by a foreign close; then the
 *           process answers, unless it is stopped, or has no processor, for as long as PATIENCE. An
 *           asker who is stopped as well, with the whole machine say, counts little of that time.
 *           Questions differ: an answer between two looks is seen though another has asked since.
 * What is benign
 *           A process that lives is asked in vain: it takes its lock again.
 * If a process dies here
 *           Nothing is held. A question without an answer stays; the next asker uses it.
 */
/**
 * Judges processes whose kernel lock is free (RULE 16): by /proc where it shows them, by the kind of
 * the lock, and where neither says enough, by asking them.
 */
final class RollCall {
    /** Twenty periods of those that answer, and half of the usual timeout of those that wait. */
    static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final long LONGEST_STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    /** What is known of one. */
    enum Verdict {
        ALIVE,
        DEAD,
        /** It was asked and may answer yet. */
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

    /** Of the process in a slot whose kernel lock is free. */
    Verdict judge(int slot) {
        long at = SharedLayout.processAt(slot);
        if (Words.acquire(memory, at + STATE) != STATE_OPEN) {
            return Verdict.DEAD;
        }
        long kind = Words.acquire(memory, at + LOCK_KIND);
        ProcessIdentity identity = ProcessTable.identity(memory, at);
        if (identity.equals(ProcessIdentity.self())) {
            // a failure here left it, unless it is another copy of this library, without native
            // access
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

    /** The question that stands there, if need be a new one. */
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

    /** Whether any process is alive, of all slots, whose kernel locks are free; waits for answers. */
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
