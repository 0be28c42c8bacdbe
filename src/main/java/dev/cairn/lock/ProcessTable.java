package dev.cairn.lock;

import static dev.cairn.format.ProcessWords.INCARNATION;
import static dev.cairn.format.ProcessWords.LOCK_KIND;
import static dev.cairn.format.ProcessWords.LOCK_LOST;
import static dev.cairn.format.ProcessWords.PID;
import static dev.cairn.format.ProcessWords.PID_NAMESPACE;
import static dev.cairn.format.ProcessWords.START_TICKS;
import static dev.cairn.format.ProcessWords.STATE;
import static dev.cairn.format.ProcessWords.STATE_FREE;
import static dev.cairn.format.ProcessWords.STATE_OPEN;
import static dev.cairn.format.ProcessWords.TIME_NAMESPACE;

import dev.cairn.LimitReached;
import dev.cairn.format.LockWord;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.lock.RollCall.Verdict;
import dev.cairn.os.KernelLocks;
import dev.cairn.os.ProcessIdentity;
import dev.cairn.os.ProcessIdentity.Life;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The processes that have the store open, and the judgement which of them are dead.
 *
 * <p>A process that opens the store claims a process slot: it takes the kernel lock on the slot's byte,
 * increments the slot's incarnation, and then writes its identity. A lock word names slot and
 * incarnation, so it never stands for a later owner of the slot (RULE 15).
 *
 * <p><b>Dead or not (RULE 16).</b> The kernel lock is evidence that works in every namespace; what
 * /proc shows corrects it in two cases.
 *
 * <table>
 * <caption>the decision</caption>
 * <tr><th>kernel lock</th><th>/proc shows</th><th>then</th></tr>
 * <tr><td>any</td><td>any, but the slot has another incarnation</td><td>dead</td></tr>
 * <tr><td>held</td><td>all its tasks exiting, in two looks</td><td>dead: the kernel is still freeing its
 *     memory, which takes 0.1 s per GiB</td></tr>
 * <tr><td>held</td><td>anything else</td><td>alive</td></tr>
 * <tr><td>free</td><td>that it is running</td><td>alive; it lost its lock because something in it closed
 *     the lock file, and is told so</td></tr>
 * <tr><td>free</td><td>that it is gone or exiting</td><td>dead; this includes an unreaped zombie</td></tr>
 * <tr><td>free, of an open file description</td><td>nothing: it is in another namespace, or hidden</td>
 *     <td>dead</td></tr>
 * <tr><td>free, of the process</td><td>nothing</td><td>it is asked; dead if it does not answer within
 *     5 s</td></tr>
 * </table>
 *
 * <p>{@link RollCall} judges the processes whose lock is free.
 */
public final class ProcessTable {
    /** The byte of the lock file that a process locks while it opens or closes the store. */
    public static final long OPEN_BYTE = KernelLocks.OPEN_BYTE;

    /** The first of the bytes of which each read-only process shares one with others. */
    public static final long READERS_BYTE = 1;

    /** The first of the bytes of which each process that may write locks one. */
    public static final long WRITERS_BYTE = 16;

    public static final long WRITERS_LENGTH = SharedLayout.PROCESS_SLOTS;

    /** The number of bytes without the one for opening. */
    public static final long MEMBERS_LENGTH = WRITERS_BYTE + WRITERS_LENGTH - READERS_BYTE;

    /** The byte that a read-only process shares while it has a change feed open. */
    public static final long FEEDS_BYTE = WRITERS_BYTE + WRITERS_LENGTH;

    private static final long BETWEEN_LOOKS_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final Path store;
    private final MemorySegment memory;
    private final @Nullable KernelLocks kernel;
    private final @Nullable RollCall rollCall;
    private final int slot;
    private final long incarnation;
    private volatile KernelLocks.@Nullable Held held;

    private ProcessTable(
            Path store,
            MemorySegment memory,
            @Nullable KernelLocks kernel,
            int slot,
            long incarnation,
            KernelLocks.@Nullable Held held) {
        this.store = store;
        this.memory = memory;
        this.kernel = kernel;
        this.rollCall = kernel == null ? null : new RollCall(memory, kernel);
        this.slot = slot;
        this.incarnation = incarnation;
        this.held = held;
    }

    /**
     * Makes this process a member.
     *
     * @throws LimitReached if every slot is taken
     */
    public static ProcessTable join(Path store, MemorySegment memory, KernelLocks kernel) {
        RollCall others = new RollCall(memory, kernel);
        boolean mayBecomeFree = true;
        while (mayBecomeFree) {
            mayBecomeFree = false;
            for (int slot = 0; slot < SharedLayout.PROCESS_SLOTS; slot++) {
                if (!(kernel.tryExclusive(WRITERS_BYTE + slot, 1)
                        instanceof KernelLocks.Held held)) {
                    continue;
                }
                Verdict last = others.judge(slot);
                if (last == Verdict.DEAD) {
                    return enter(store, memory, kernel, slot, held);
                }
                held.release();
                mayBecomeFree |= last == Verdict.ASKED;
            }
            LockSupport.parkNanos(BETWEEN_LOOKS_NANOS);
        }
        throw new LimitReached(
                store,
                SharedLayout.PROCESS_SLOTS,
                "all "
                        + SharedLayout.PROCESS_SLOTS
                        + " process slots are taken; close the store in another process");
    }

    private static ProcessTable enter(
            Path store, MemorySegment memory, KernelLocks kernel, int slot, KernelLocks.Held held) {
        long at = SharedLayout.processAt(slot);
        long incarnation = Words.acquire(memory, at + INCARNATION) + 1;
        ProcessIdentity self = ProcessIdentity.self();
        Words.release(memory, at + INCARNATION, incarnation);
        Words.release(memory, at + PID, self.pid());
        Words.release(memory, at + START_TICKS, self.startTicks());
        Words.release(memory, at + PID_NAMESPACE, self.pidNamespace());
        Words.release(memory, at + TIME_NAMESPACE, self.timeNamespace());
        Words.release(memory, at + LOCK_KIND, RollCall.kind(kernel));
        Words.release(memory, at + LOCK_LOST, 0);
        Words.release(memory, at + STATE, STATE_OPEN);
        return new ProcessTable(store, memory, kernel, slot, incarnation, held);
    }

    /** A table with this process alone, in memory that no other process has. */
    public static ProcessTable solitary(Path store, MemorySegment memory) {
        return new ProcessTable(store, memory, null, 0, 1, null);
    }

    /**
     * The bytes of the lock file that stand for dead members, whatever locks they have. The caller
     * holds the open lock.
     */
    public static List<Long> bytesOfDead(MemorySegment memory, KernelLocks kernel) {
        RollCall others = new RollCall(memory, kernel);
        List<Long> bytes = new ArrayList<>();
        for (int slot = 0; slot < SharedLayout.PROCESS_SLOTS; slot++) {
            long at = WRITERS_BYTE + slot;
            if (Words.acquire(memory, SharedLayout.processAt(slot) + STATE) == STATE_OPEN
                    && kernel.tryExclusive(at, 1) instanceof KernelLocks.Held probe) {
                probe.release();
                if (others.judge(slot) == Verdict.DEAD) {
                    bytes.add(at);
                }
            }
        }
        return bytes;
    }

    /** The byte of the lock file that stands for this member. */
    public long byteOfMember() {
        return WRITERS_BYTE + slot;
    }

    static ProcessIdentity identity(MemorySegment memory, long at) {
        return new ProcessIdentity(
                Words.acquire(memory, at + PID),
                Words.acquire(memory, at + START_TICKS),
                Words.acquire(memory, at + PID_NAMESPACE),
                Words.acquire(memory, at + TIME_NAMESPACE));
    }

    /** The lock word of this process. */
    public long word() {
        return LockWord.of(slot, incarnation);
    }

    /** Judges whether the holder that a lock word names is dead; see the table above. */
    public boolean dead(long word) {
        return dead(word, true);
    }

    /**
     * @param exitingToo whether to look in /proc for a process that still has its kernel lock but
     *     is exiting; this takes several times as long as to try the lock
     */
    private boolean dead(long word, boolean exitingToo) {
        int other = LockWord.slot(word);
        if (word == LockWord.ABANDONED || other < 0 || other >= SharedLayout.PROCESS_SLOTS) {
            return true;
        }
        long at = SharedLayout.processAt(other);
        if (incarnation(at) != LockWord.incarnation(word)) {
            return true;
        }
        if (other == slot || kernel == null || rollCall == null) {
            return false;
        }
        if (Words.acquire(memory, at + STATE) == STATE_FREE) {
            return true; // it left, and what still names it was left behind too
        }
        ProcessIdentity identity = identity(memory, at);
        boolean dead =
                switch (kernel.tryShared(WRITERS_BYTE + other, 1)) {
                    case KernelLocks.Held probe -> {
                        probe.release();
                        yield rollCall.judge(other) == Verdict.DEAD;
                    }
                    case KernelLocks.Elsewhere _ -> exitingToo && exiting(identity);
                    case KernelLocks.Here _ -> false;
                };
        return dead || incarnation(at) != LockWord.incarnation(word);
    }

    /** The incarnation, cut to the bits for which a lock word has room. */
    private long incarnation(long at) {
        return LockWord.incarnation(LockWord.of(0, Words.acquire(memory, at + INCARNATION)));
    }

    private static boolean exiting(ProcessIdentity identity) {
        if (identity.look() != Life.EXITING) {
            return false;
        }
        LockSupport.parkNanos(BETWEEN_LOOKS_NANOS);
        return identity.look() == Life.EXITING;
    }

    /**
     * Whether the kernel lock can get lost, so that this process must check it again and again.
     */
    public boolean mayLoseKernelLock() {
        return kernel != null && !kernel.areCertain();
    }

    /**
     * Takes the kernel lock again if another process found it lost. Otherwise it costs one load.
     */
    public void keepKernelLock() {
        long at = SharedLayout.processAt(slot) + LOCK_LOST;
        if (Words.acquire(memory, at) != 0) {
            takeKernelLockAgain(at);
        }
    }

    /**
     * First releases what the process owned: this JVM still believes that it has the lock, and
     * would not ask the kernel.
     */
    private synchronized void takeKernelLockAgain(long at) {
        if (kernel == null || held == null || Words.acquire(memory, at) == 0) {
            return;
        }
        if (mayLoseKernelLock()) {
            held.release();
        }
        if (kernel.tryExclusive(WRITERS_BYTE + slot, 1) instanceof KernelLocks.Held again) { // Q2
            held = again;
            Words.release(memory, at, 0); // Q3
        }
    }

    /** Describes for a person who holds the lock, and what is known about the holder. */
    String describe(long word) {
        int other = LockWord.slot(word);
        if (other < 0 || other >= SharedLayout.PROCESS_SLOTS) {
            return "nobody";
        }
        long at = SharedLayout.processAt(other);
        ProcessIdentity identity = identity(memory, at);
        return switch (identity.look()) {
            case RUNNING ->
                    "process %d, which is alive%s"
                            .formatted(
                                    identity.pid(),
                                    Words.acquire(memory, at + LOCK_LOST) != 0
                                            ? " but lost its kernel lock"
                                            : " (is it stopped?)");
            case EXITING -> "process " + identity.pid() + ", which is exiting";
            case GONE -> "process " + identity.pid() + ", which is gone";
            case UNSEEN ->
                    "process %d of another container%s"
                            .formatted(
                                    identity.pid(),
                                    Words.acquire(memory, at + LOCK_LOST) != 0
                                            ? ", whose kernel lock is free and which was asked"
                                                    + " whether it lives"
                                            : "");
        };
    }

    /**
     * The process ID of the process that a lock word names, if that ID is valid in this namespace.
     */
    OptionalLong pid(long word) {
        int other = LockWord.slot(word);
        if (other < 0 || other >= SharedLayout.PROCESS_SLOTS) {
            return OptionalLong.empty();
        }
        long at = SharedLayout.processAt(other);
        ProcessIdentity identity = identity(memory, at);
        return incarnation(at) == LockWord.incarnation(word) && identity.isOfThisNamespace()
                ? OptionalLong.of(identity.pid())
                : OptionalLong.empty();
    }

    /**
     * The number of processes that have the store open, including this one and those that are
     * exiting.
     */
    public int open() {
        int count = 0;
        for (int other = 0; other < SharedLayout.PROCESS_SLOTS; other++) {
            long at = SharedLayout.processAt(other);
            if (Words.acquire(memory, at + STATE) == STATE_OPEN
                    && !dead(LockWord.of(other, Words.acquire(memory, at + INCARNATION)), false)) {
                count++;
            }
        }
        return count;
    }

    /** The number of processes that seem to have the store open, without a try of their locks. */
    public static int seenOpen(MemorySegment memory) {
        int count = 0;
        for (int other = 0; other < SharedLayout.PROCESS_SLOTS; other++) {
            long at = SharedLayout.processAt(other);
            Life life =
                    Words.acquire(memory, at + STATE) == STATE_OPEN
                            ? identity(memory, at).look()
                            : Life.GONE;
            count += life == Life.RUNNING || life == Life.UNSEEN ? 1 : 0;
        }
        return count;
    }

    /**
     * The processes that seem to have the store open for writing, without taking locks or asking
     * processes.
     *
     * @param kernel null if this user may not open the lock file
     */
    public static List<ProcessIdentity> members(
            MemorySegment memory, @Nullable KernelLocks kernel) {
        List<ProcessIdentity> members = new ArrayList<>();
        for (int slot = 0; slot < SharedLayout.PROCESS_SLOTS; slot++) {
            long at = SharedLayout.processAt(slot);
            if (Words.acquire(memory, at + STATE) != STATE_OPEN) {
                continue;
            }
            ProcessIdentity identity = identity(memory, at);
            Life life = identity.look();
            boolean held = kernel != null && kernel.isLocked(WRITERS_BYTE + slot, 1);
            boolean lives =
                    held
                            ? life != Life.EXITING
                            : life == Life.RUNNING || kernel == null && life == Life.UNSEEN;
            if (lives) {
                members.add(identity);
            }
        }
        return members;
    }

    /**
     * Whether no other process and no other class loader is a member. The caller holds the open
     * lock. It waits for the answers of processes that are asked.
     */
    public boolean alone() {
        return free(WRITERS_BYTE, WRITERS_BYTE + slot)
                && free(WRITERS_BYTE + slot + 1, WRITERS_BYTE + WRITERS_LENGTH)
                && (rollCall == null || !rollCall.anybody());
    }

    /**
     * Whether a process that joined is alive although its kernel lock is free, because something in
     * it closed the lock file. This is asked besides the kernel before a store is taken as unused
     * (RULE 16).
     */
    public static boolean anybodyWithoutLock(MemorySegment memory, KernelLocks kernel) {
        return new RollCall(memory, kernel).anybody();
    }

    /**
     * Frees the slots of all others, which are known to be dead. The caller holds the open lock.
     */
    public void forgetOthers() {
        for (int other = 0; other < SharedLayout.PROCESS_SLOTS; other++) {
            if (other != slot) {
                Words.release(memory, SharedLayout.processAt(other) + STATE, STATE_FREE);
            }
        }
    }

    private boolean free(long from, long to) {
        if (from == to || kernel == null) {
            return true;
        }
        if (kernel.tryExclusive(from, to - from) instanceof KernelLocks.Held probe) {
            probe.release();
            return true;
        }
        return false;
    }

    /** Releases the slot. This process must hold no lock word. */
    public void leave() {
        try {
            Words.release(memory, SharedLayout.processAt(slot) + STATE, STATE_FREE);
        } finally {
            if (held != null) { // even if the page is gone
                held.release();
            }
        }
    }

    /** The data file of the store. */
    public Path store() {
        return store;
    }
}
