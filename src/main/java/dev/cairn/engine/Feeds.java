package dev.cairn.engine;

import dev.cairn.format.SharedLayout;
import dev.cairn.format.Words;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.HostClock;
import dev.cairn.os.KernelLocks;
import dev.cairn.shared.SharedMemory;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * The change feeds that are open in this process, and how the writers of all processes learn of
 * them. While a feed is open, writers append and do not overwrite in place, so that feeds miss
 * nothing (RULE 37).
 *
 * <p>The word that tells of feeds is a time after which it no longer counts. So the feeds of a dead
 * process count for {@link #LEASE_MILLIS} at most. A read-only process cannot store the word: it
 * shares a kernel lock, for which the maintenance threads of the others look each second. All of this is a
 * hint: if a feed misses something all the same, it reports changes as lost.
 */
final class Feeds {
    /** The property for the lease in milliseconds; for tests. */
    static final String LEASE_PROPERTY = "dev.cairn.feed-lease-millis";

    private static final long LEASE_MILLIS = 10_000;

    /** How many times to try, because a maintenance thread that looks holds the byte for a moment. */
    private static final int TRIES = 100;

    private static final int LOOKS = 3;

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final long leaseMillis = Long.getLong(LEASE_PROPERTY, LEASE_MILLIS);
    private final SharedMemory shared;
    private final KernelLocks kernel;
    private final boolean writes;

    /** Guarded by this, as the next two fields. */
    private int open;

    private KernelLocks.@Nullable Held held;
    private boolean ended;

    /**
     * @param writes whether this process may write
     */
    Feeds(SharedMemory shared, KernelLocks kernel, boolean writes) {
        this.shared = shared;
        this.kernel = kernel;
        this.writes = writes;
    }

    /** Must be called before a feed looks where the logs end. */
    synchronized void opened() {
        open++;
        if (writes) {
            renew();
            return;
        }
        for (int tries = 0; held == null && !ended && tries < TRIES; tries++) {
            switch (kernel.tryShared(ProcessTable.FEEDS_BYTE, 1)) {
                case KernelLocks.Held now -> held = now;
                case KernelLocks.Elsewhere _ -> LockSupport.parkNanos(PAUSE_NANOS);
                case KernelLocks.Here _ -> tries = TRIES; // another handle of this JVM has it
            }
        }
    }

    synchronized void closed() {
        open--;
        if (open == 0) {
            release();
        }
    }

    /** Stops all feeds from renewing; called before the lock file is closed. */
    synchronized void end() {
        ended = true;
        release();
    }

    private void release() {
        if (held != null) {
            held.release();
            held = null;
        }
    }

    /** Renews the lease. It must be called each second in a process that may write. */
    synchronized void renew() {
        long now = HostClock.bootMillis();
        if (open > 0 || othersOnlyRead()) {
            Words.release(shared.base(), SharedLayout.FEEDS, now + leaseMillis);
            return;
        }
        long until = shared.acquire(SharedLayout.FEEDS);
        if (until != 0 && (until < now || until > now + leaseMillis)) {
            boolean _ = Words.cas(shared.base(), SharedLayout.FEEDS, until, 0);
        }
    }

    /** Whether a process has a feed and cannot store the word itself. */
    private boolean othersOnlyRead() {
        for (int tries = 0; tries < LOOKS; tries++) {
            if (kernel.tryExclusive(ProcessTable.FEEDS_BYTE, 1) instanceof KernelLocks.Held mine) {
                mine.release();
                return false;
            }
            LockSupport.parkNanos(
                    PAUSE_NANOS); // another maintenance thread may be looking just now
        }
        return true;
    }
}
