package dev.cairn.stripe;

import dev.cairn.format.StripeWords;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.Appender;

/**
 * What must be done around the work with a stripe's lock. The thread that takes the lock repairs
 * the stripe, and so finds it whole, whichever process held it before (RULE 12), and learns the
 * tail of its log. The thread that releases the lock wakes those that wait for what was written
 * meanwhile.
 */
final class Repairing implements SharedLock.Care {
    /** A version that no stripe has. */
    private static final long NONE = -1;

    /**
     * The number of words on each side of the one that is used, so that it has a cache line of its
     * own.
     */
    private static final int APART = 8;

    private final StripeWords words;
    private final Commit commit;
    private final Appender appender;
    private final Waiters waiters;

    /**
     * The middle element is the stripe's version when its lock was taken, or {@link #NONE} if
     * something was repaired in this hold. It is guarded by the process-local part of the lock.
     */
    private final long[] version = new long[2 * APART + 1];

    Repairing(StripeWords words, Commit commit, Appender appender, Waiters waiters) {
        this.words = words;
        this.commit = commit;
        this.appender = appender;
        this.waiters = waiters;
    }

    @Override
    public void inherited() {
        commit.inherit();
    }

    @Override
    public boolean taken() {
        version[APART] = words.acquire(StripeWords.VERSION);
        boolean repaired = repair(); // what a dead holder or an error left
        appender.loadTail();
        return repaired;
    }

    @Override
    public void failed() {
        commit.failed();
        boolean _ = repair();
    }

    private boolean repair() {
        boolean repaired = commit.repair();
        if (repaired) {
            version[APART] = NONE;
        }
        return repaired;
    }

    @Override
    public void released() {
        if (words.acquire(StripeWords.VERSION) != version[APART]) {
            waiters.wake(words);
        }
    }
}
