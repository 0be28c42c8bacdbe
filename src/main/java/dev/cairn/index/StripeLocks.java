package dev.cairn.index;

import dev.cairn.LockTimeout;
import dev.cairn.format.SharedLayout;
import dev.cairn.format.StripeWords;
import dev.cairn.lock.Contention;
import dev.cairn.lock.ProcessTable;
import dev.cairn.lock.SharedLock;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

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
                                new Repairing(stripe)));
    }

    /** Of one stripe. */
    private final class Repairing implements SharedLock.Care {
        private final int stripe;

        Repairing(int stripe) {
            this.stripe = stripe;
        }

        @Override
        public void inherited() {
            commit.inherit(stripe);
        }

        @Override
        public void taken() {
            versions[stripe * STRIDE] = shared.stripe(stripe).acquire(StripeWords.VERSION);
            repair(); // a dead holder's, or what an error left
        }

        @Override
        public void failed() {
            commit.failed(stripe);
            repair();
        }

        private void repair() {
            if (commit.repair(stripe)) {
                versions[stripe * STRIDE] = NONE;
            }
        }

        @Override
        public void released() {
            long version = shared.stripe(stripe).acquire(StripeWords.VERSION);
            if (version != versions[stripe * STRIDE]) {
                waiters.wake(stripe);
            }
        }
    }

    /**
     * Does something with a stripe's lock. If it fails in the midst of a write, that is finished or
     * undone before the lock is given back.
     *
     * @throws LockTimeout if a live holder keeps it too long
     */
    public void holding(int stripe, Runnable work) {
        long _ =
                locks[stripe].longHolding(
                        timeoutNanos,
                        () -> {
                            work.run();
                            return 0;
                        });
    }

    /** As {@link #holding(int, Runnable)}. */
    public <T extends @Nullable Object> T valueHolding(int stripe, Supplier<T> work) {
        return locks[stripe].holding(timeoutNanos, work);
    }

    /** As {@link #holding(int, Runnable)}. */
    public long longHolding(int stripe, LongSupplier work) {
        return locks[stripe].longHolding(timeoutNanos, work);
    }

    /** Does something with the locks of all stripes; see {@link SharedLock#holdingAll}. */
    public SharedLock.Taken holdingAll(int first, long firstNanos, long nanos, Runnable work) {
        return SharedLock.holdingAll(locks, first, firstNanos, nanos, work);
    }

    /** Repairs what a dead holder left of a stripe, unless a live one has it for so long. */
    public void tryRepair(int stripe, long nanos) {
        locks[stripe].tryRepair(nanos);
    }

    /** Repairs what errors left of this process. */
    public void mend(int stripe) {
        locks[stripe].mend();
    }

    /** The exception of whoever waited so long for a stripe's lock, in vain. */
    public LockTimeout timeout(int stripe, long waitedNanos) {
        return locks[stripe].timeout(waitedNanos);
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
