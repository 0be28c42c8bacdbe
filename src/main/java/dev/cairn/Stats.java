package dev.cairn;

/**
 * Figures of a store at one moment. The figures of different stripes are not taken at the same
 * instant. Taking them costs a few microseconds and a load or two for each stripe, whatever the
 * size of the store. Only Cairn implements this interface, so a later version may add figures.
 *
 * <p>While no process writes, all figures are exact, unless their description says otherwise. There
 * are two exceptions after a process was killed during a write:
 * <ul>
 * <li>The counts of entries, bytes and writes may be wrong by that write, until a process takes the
 *     lock of its stripe for the next write or checkpoint.
 * <li>The counts of free and waiting regions may be too small by the regions that the process was
 *     using. They are corrected by the first checkpoint after that, by the background work of any
 *     process, or by an opening that finds no other process.
 * </ul>
 * A read-only process corrects none of this itself, but sees the corrections of others.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="figures"}
 */
public interface Stats {
    /** {@return the number of live entries, including expired ones} */
    long entries();

    /**
     * {@return the number of bytes of the records of live entries, including the runs of large
     * values}
     */
    long liveBytes();

    /** {@return the size of the data file in bytes, including reserved space} */
    long dataFileBytes();

    /**
     * {@return the greatest size in bytes to which this process may extend the data file} It is 0
     * if there is no bound, or if this process may only read and the bound is not a property of the
     * file.
     */
    long maxBytes();

    /** {@return the size of the shared-memory file in bytes} */
    long sharedMemoryFileBytes();

    /** {@return the size of a region in bytes} */
    long regionBytes();

    /** {@return the number of regions of the data file} */
    long regions();

    /** {@return the number of regions that a writer may claim now; it is never too large} */
    long freeRegions();

    /**
     * {@return the number of regions whose content is dead and which a checkpoint would free}
     * Regions that only a backup keeps are not counted.
     */
    long waitingRegions();

    /** {@return the number of bytes of the log that cleaning would free} */
    long garbageBytes();

    /** {@return the number of stripes} */
    int stripes();

    /** {@return the number of entries for which the index has room before it grows} */
    long indexSlots();

    /**
     * {@return the number of processes that have the store open for writing} A process that is
     * being killed counts until the operating system has released its locks. Counting takes a few
     * microseconds for each process.
     */
    int processes();

    /** {@return the epoch of the next checkpoint} */
    long epoch();

    /** {@return the epoch of the last completed checkpoint} */
    long durableEpoch();

    /**
     * {@return the number of puts and removes since the store was created or, after a failure,
     * recovered}
     */
    long writes();

    /** {@return whether the last checkpoint succeeded} */
    State state();

    /**
     * {@return the number of checkpoints that this process completed} The last close makes one
     * more, which these figures cannot show any more.
     */
    long checkpoints();

    /**
     * {@return the number of checkpoints that this process began and that failed} A checkpoint
     * fails if the operating system cannot force it to the disk, if damage is found, or if a stripe
     * cannot be locked in time. If this process waited in vain for a checkpoint of another one,
     * that does not count.
     */
    long checkpointFailures();

    /**
     * {@return the total time of all {@link #checkpoints}, in nanoseconds} The time of a checkpoint
     * runs from its begin until it is durable, without the wait for another checkpoint before it.
     */
    long checkpointNanos();

    /** {@return the longest time of one of {@link #checkpoints}, in nanoseconds} */
    long longestCheckpointNanos();

    /**
     * {@return the longest time for which this process held writers up for a checkpoint, in
     * nanoseconds} Attempts that could not lock all stripes at once count too.
     */
    long longestCutNanos();

    /**
     * {@return how many writes of this process waited for a checkpoint because the file would have
     * grown beyond its bound} Writers are faster than the disk then.
     */
    long checkpointWaits();

    /**
     * {@return about how many puts of this process overwrote the record of their key in place} That
     * needs a record of the same length that no checkpoint holds yet.
     */
    long overwritesInPlace();

    /**
     * {@return how many times this process waited for a lock that processes share, whether or not
     * it got the lock in the end} Most of these are the locks of stripes; the wait for a checkpoint
     * of another process counts too. Threads of one process that wait for each other do not count.
     */
    long lockWaits();

    /** {@return the total time of all {@link #lockWaits}, in nanoseconds} */
    long lockWaitNanos();

    /** {@return the longest time of one of {@link #lockWaits}, in nanoseconds} */
    long longestLockWaitNanos();

    /** {@return the number of locks that this process took over from a dead holder} */
    long takeovers();

    /** {@return whether the names of the store's files still name the files that are open} */
    Naming naming();

    /**
     * {@return the number of stripes in which a process found a damaged region that stops cleaning}
     * Reads of sound entries go on, but the log of such a stripe grows. {@link CairnStore#verify}
     * tells where the damage is.
     */
    int damagedStripes();

    /**
     * {@return by how many milliseconds the store's clock, which decides about expiry, is ahead of
     * this process's wall clock} It is negative if the store's clock is behind, and 0 if the
     * difference is at most a second.
     */
    long clockAheadMillis();

    /**
     * {@return the number of entries that all processes evicted to keep the store within its bound,
     * since the shared-memory file was built}
     */
    long evictions();

    /**
     * {@return the number of entries that had already expired when eviction reused their space,
     * since the shared-memory file was built}
     */
    long expirations();

    /**
     * {@return the number of reads of caches that found their key, or the remembered fact that it
     * has no value} This figure and the next five cover all processes since the shared-memory file
     * was built, which happens when the store is created, and again after a power loss. Each
     * process adds its counts once a second; a process that is killed loses the counts that it had
     * not added yet. The counts of read-only processes are never added.
     */
    long hits();

    /** {@return the number of reads of caches that did not find their key} */
    long misses();

    /**
     * {@return the number of calls of caches' loaders that returned or threw, including those in
     * the background}
     */
    long loads();

    /** {@return the number of {@link #loads} that threw} */
    long loadFailures();

    /** {@return the total time of all {@link #loads}, in nanoseconds} */
    long loadNanos();

    /** {@return the number of {@link #loads} that reloaded a present entry in the background} */
    long refreshes();

    /** What happened to the names of the store's files since this process opened the store. */
    enum Naming {
        /** The names still name the open files. */
        NAMED,
        /**
         * The shared-memory file or the lock file was removed, renamed or replaced. No other
         * process can open the store until it is closed everywhere. If all processes that have it
         * open are killed, the store goes back to its last checkpoint.
         */
        COMPANION_LOST,
        /** The data file was renamed. The renamed file holds all writes. */
        RENAMED,
        /**
         * The data file was removed, or another file has its name. When the last process that has
         * it open ends, all writes are lost, unless a backup saves them.
         */
        REMOVED
    }

    /** The outcome of the last checkpoint that any process began. */
    enum State {
        /** The checkpoint succeeded. */
        SOUND,
        /**
         * The checkpoint is under way, or its process died. The next checkpoint first stores
         * everything again.
         */
        ATTEMPTED,
        /**
         * The operating system could not force the checkpoint to the disk. Nothing is written until
         * a checkpoint succeeds.
         */
        FAILED
    }
}
