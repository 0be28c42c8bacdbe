package dev.cairn;

/**
 * Figures of a store at one moment; those of several stripes are not taken at one instant. Made by
 * Cairn only: a later version may add figures.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="figures"}
 */
public interface Stats {
    /** The number of live entries, expired ones included. */
    long entries();

    /** The bytes of the records of live entries, and of the runs of large values. */
    long liveBytes();

    /** The size of the data file in bytes, reserved space included. */
    long dataFileBytes();

    /** The size of the shared-memory file in bytes. */
    long sharedMemoryFileBytes();

    /** The size of a region in bytes. */
    long regionBytes();

    /** The number of regions of the data file. */
    long regions();

    /** The number of regions that a writer may claim now. */
    long freeRegions();

    /**
     * The number of regions whose content is dead, and which a checkpoint would free. Those that only
     * a backup keeps count nowhere.
     */
    long waitingRegions();

    /** The bytes of the log that cleaning would free. */
    long garbageBytes();

    /** The number of stripes. */
    int stripes();

    /** The number of entries that the index has room for before it grows. */
    long indexSlots();

    /** The number of processes that have the store open for writing. */
    int processes();

    /** The number of the checkpoint to come. */
    long epoch();

    /** The number of the last completed checkpoint. */
    long durableEpoch();

    /** The puts and removes since the store was created or, after a failure, recovered. */
    long writes();

    /** Whether the last checkpoint succeeded. */
    State state();

    /** The number of checkpoints that this process made. */
    long checkpoints();

    /**
     * The longest that this process held writers up for a checkpoint, in nanoseconds. Those checkpoints
     * count too that could not get all stripes at once.
     */
    long longestCutNanos();

    /**
     * The times that a write of this process waited for a checkpoint, because the file would have grown
     * beyond its bound: then writers are faster than the disk.
     */
    long checkpointWaits();

    /**
     * The puts of this process that overwrote the record of their key where it lay, about: it was as long
     * as the new one, and no checkpoint had it yet.
     */
    long overwritesInPlace();

    /** How often this process found a stripe's shared lock taken. */
    long lockWaits();

    /** The longest that this process waited for a stripe's shared lock, in nanoseconds. */
    long longestLockWaitNanos();

    /** The number of locks that this process took over from a dead holder. */
    long takeovers();

    /** Whether the names of the store's files are still those of the files that are open. */
    Naming naming();

    /**
     * The number of stripes in which some process found a damaged region that cleaning cannot get past.
     * Reads of what is sound go on, but the log of such a stripe grows. {@link CairnStore#verify} says
     * where the damage is.
     */
    int damagedStripes();

    /**
     * How far the store's clock, which entries expire by, is ahead of this process's wall clock, in
     * milliseconds. It is negative if the store's clock is behind, and 0 up to a second.
     */
    long clockAheadMillis();

    /**
     * The entries that were evicted to keep the store within its bound, by whatever process, since its
     * shared-memory file was made.
     */
    long evictions();

    /** Likewise the entries of a store that evicts which had expired when their space was used again. */
    long expirations();

    /**
     * The reads of caches that found their key, or that it is remembered to be absent; of all processes,
     * as the next five: since the shared-memory file was built, which is when the store was created, or
     * rebuilt after a power loss. Each process adds what it counted once a second; one that is killed
     * loses what it did not add yet. What a process counts that may only read, nobody sees.
     */
    long hits();

    /** The reads of caches that did not find their key. */
    long misses();

    /** The calls of caches' loaders that returned or threw, those in the background among them. */
    long loads();

    /** Of {@link #loads} those that threw. */
    long loadFailures();

    /** The time that all {@link #loads} took, in nanoseconds. */
    long loadNanos();

    /** Of {@link #loads} those that loaded again in the background what was there. */
    long refreshes();

    /** What became of the names of the store's files since it was opened here. */
    enum Naming {
        /** They are the files' still. */
        NAMED,
        /**
         * The shared-memory file or the lock file was removed, renamed or replaced: nobody else opens
         * the store until it is closed everywhere, and should all who have it open be killed, it goes
         * back to its last checkpoint.
         */
        COMPANION_LOST,
        /** The data file was renamed: all that was written is in the renamed one. */
        RENAMED,
        /**
         * The data file was removed, or another has its name: what is written is lost with the last
         * process that has it open, unless a backup saves it.
         */
        REMOVED
    }

    /** Of the last checkpoint that anybody began. */
    enum State {
        /** It succeeded. */
        SOUND,
        /** It is under way, or its process died: the next one stores everything again first. */
        ATTEMPTED,
        /** The operating system could not force it: nothing is written until one succeeds. */
        FAILED
    }
}
