package dev.cairn.index;

import dev.cairn.LockTimeout;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.lock.Contention;
import dev.cairn.lock.ProcessTable;
import dev.cairn.lock.SharedLock;
import dev.cairn.shared.SharedMemory;

import java.util.Arrays;

/**
 * The locks of the stripes, each taken together with the duty to repair: whoever has one finds the
 * stripe whole, from whomever it came (RULE 12), and whoever gives one back wakes those that wait for
 * what was written meanwhile.
 */
public final class StripeLocks {
    /** A version that no stripe has. */
    private static final long NONE = -1;

    /** Words between two stripes' entries, so that they stand on lines of their own. */
    private static final int STRIDE = 8;

    private final SharedMemory shared;
    private final SharedLock[] locks;
    private final Waiters waiters;
    private final Commit commit;

    /**
     * Of each stripe, its version when its lock was taken, or {@link #NONE} if something was
     * repaired in this hold; guarded by the process-local part of the lock.
     */
    private final long[] versions;

    private long timeoutNanos;

    public StripeLocks(
            SharedMemory shared,
            ProcessTable processes,
            Contention contention,
            Commit commit,
            long timeoutNanos) {
        this.shared = shared;
        this.locks = new SharedLock[shared.stripes()];
        this.versions = new long[shared.stripes() * STRIDE];
        this.waiters = new Waiters(shared);
        this.commit = commit;
        this.timeoutNanos = timeoutNanos;
        Arrays.setAll(
                locks,
                stripe ->
                        new SharedLock(
                                shared.base(),
                                SharedLayout.stripeAt(stripe) + StripeWords.LOCK,
                                "the lock of stripe " + stripe,
                                processes,
                                contention,
                                () -> released(stripe)));
    }

    private void released(int stripe) {
        long version = shared.stripe(stripe).acquire(StripeWords.VERSION);
        if (version != versions[stripe * STRIDE]) {
            waiters.wake(stripe);
        }
    }

    /**
     * Takes a stripe's lock and repairs what a dead holder left.
     *
     * @throws LockTimeout if a live holder keeps it too long
     */
    public void acquire(int stripe) {
        locks[stripe].acquire(timeoutNanos);
        noteAndRepair(stripe);
    }

    /** As {@link #acquire}, but gives up after so long; tells whether it has the lock. */
    public boolean tryAcquire(int stripe, long nanos) {
        if (!locks[stripe].tryAcquire(nanos)) {
            return false;
        }
        noteAndRepair(stripe);
        return true;
    }

    /**
     * Says who has a stripe's lock.
     *
     * @throws LockTimeout always
     */
    public void failToAcquire(int stripe, long waitedNanos) {
        throw locks[stripe].timeout(waitedNanos);
    }

    private void noteAndRepair(int stripe) {
        versions[stripe * STRIDE] = shared.stripe(stripe).acquire(StripeWords.VERSION);
        repair(stripe);
    }

    private void repair(int stripe) {
        boolean done = false;
        try {
            if (commit.repair(stripe)) {
                versions[stripe * STRIDE] = NONE;
            }
            done = true;
        } finally {
            if (!done) {
                locks[stripe].abandon();
            }
        }
    }

    public void release(int stripe) {
        locks[stripe].release();
    }

    /** Gives a lock back after a failure in the midst of a write, which is finished or undone. */
    public void repairAndRelease(int stripe) {
        repair(stripe);
        locks[stripe].release();
    }

    /** Runs with a stripe's lock. */
    public void holding(int stripe, Runnable action) {
        acquire(stripe);
        try {
            action.run();
        } finally {
            release(stripe);
        }
    }

    public int count() {
        return locks.length;
    }

    public long timeoutNanos() {
        return timeoutNanos;
    }

    /** A plain store: threads that see it late wait for the old time once more. */
    public void lengthenTimeout(long nanos) {
        timeoutNanos = nanos;
    }

    /** Waits for the holders in this process, and lets no more of them begin. */
    public void retire() {
        for (SharedLock lock : locks) {
            lock.retire();
        }
    }
}
