package dev.cairn.stripe;

import dev.cairn.format.StripeWords;
import dev.cairn.lock.SharedLock;
import dev.cairn.log.Appender;

/**
 * What belongs to having a stripe's lock: whoever takes it repairs, and so finds the stripe whole,
 * from whomever it came (RULE 12), and learns the tail of its log; whoever gives it back wakes those
 * that wait for what was written meanwhile.
 */
final class Repairing implements SharedLock.Care {
    /** A version that no stripe has. */
    private static final long NONE = -1;

    /** Words on each side of the one that is used, so that it stands on a line of its own. */
    private static final int APART = 8;

    private final StripeWords words;
    private final Commit commit;
    private final Appender appender;
    private final Waiters waiters;

    /**
     * In the midst of it the stripe's version when its lock was taken, or {@link #NONE} if something
     * was repaired in this hold; guarded by the process-local part of the lock.
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
    public void taken() {
        version[APART] = words.acquire(StripeWords.VERSION);
        repair(); // a dead holder's, or what an error left
        appender.loadTail();
    }

    @Override
    public void failed() {
        commit.failed();
        repair();
    }

    private void repair() {
        if (commit.repair()) {
            version[APART] = NONE;
        }
    }

    @Override
    public void released() {
        if (words.acquire(StripeWords.VERSION) != version[APART]) {
            waiters.wake(words);
        }
    }
}
