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
 * The change feeds that are open in this process, and how the writers of all processes know that there
 * are some: while one is open they append rather than overwrite in place, so that feeds miss nothing
 * (RULE 37). The word that says so is a time from which on it no longer counts, so that the feeds of a
 * dead process count for {@link #LEASE_MILLIS} at most. A process that only reads cannot store it: it
 * shares a kernel lock, which the keepers of the others look for each second. All of this is a hint:
 * what a feed misses all the same, it is told as lagging.
 */
final class Feeds {
    /** The lease in milliseconds; for tests. */
    static final String LEASE_PROPERTY = "dev.cairn.feed-lease-millis";

    private static final long LEASE_MILLIS = 10_000;

    /** A keeper that looks has the byte for a moment. */
    private static final int TRIES = 100;

    private static final int LOOKS = 3;

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private final long leaseMillis = Long.getLong(LEASE_PROPERTY, LEASE_MILLIS);
    private final SharedMemory shared;
    private final KernelLocks kernel;
    private final boolean writes;

    /** Guarded by this, as the next two. */
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

    /** To be called before a feed looks where the logs end. */
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
                case KernelLocks.Here _ -> tries = TRIES; // another handle of this JVM says so
            }
        }
    }

    synchronized void closed() {
        open--;
        if (open == 0) {
            release();
        }
    }

    /** Before the lock file is closed: no feed says anything from now on. */
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

    /** To be called each second where one may write. */
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

    /** Whether a process has a feed that cannot say so itself. */
    private boolean othersOnlyRead() {
        for (int tries = 0; tries < LOOKS; tries++) {
            if (kernel.tryExclusive(ProcessTable.FEEDS_BYTE, 1) instanceof KernelLocks.Held mine) {
                mine.release();
                return false;
            }
            LockSupport.parkNanos(PAUSE_NANOS); // another keeper may be looking just now
        }
        return true;
    }
}
