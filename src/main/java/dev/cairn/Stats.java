package dev.cairn;

/**
 * Figures of a store at one moment; those of several stripes are not taken at one instant.
 *
 * @param entries live entries, expired ones included
 * @param liveBytes bytes of the records (and of the runs of large values) of live entries
 * @param dataFileBytes size of the data file, reserved space included
 * @param sharedMemoryFileBytes size of the shared-memory file
 * @param regionBytes size of a region
 * @param regions regions of the data file
 * @param freeRegions regions that a writer may claim now
 * @param waitingRegions regions whose content is dead, and which a checkpoint would free; those that
 *     only a backup keeps count nowhere
 * @param garbageBytes bytes of the log that cleaning would free
 * @param stripes number of stripes
 * @param indexSlots entries the index has room for before it grows
 * @param processes processes that have the store open for writing
 * @param epoch number of the checkpoint to come
 * @param durableEpoch number of the last completed checkpoint
 * @param writes puts and removes since the store was created or, after a failure, recovered
 * @param state whether the last checkpoint succeeded
 * @param checkpoints checkpoints that this process made
 * @param longestCutNanos the longest that it held writers up for one, those that could not get all
 *     stripes at once included, in nanoseconds
 * @param lockWaits times that this process found a stripe's shared lock taken
 * @param longestLockWaitNanos its longest such wait, in nanoseconds
 * @param takeovers locks that this process took over from a dead holder
 * @param naming whether the names of the store's files are still those of the files that are open
 * @param damagedStripes stripes in which some process found a damaged region that cleaning cannot get
 *     past: reads of what is sound go on, but the log of such a stripe grows. {@link CairnStore#verify}
 *     says where the damage is
 * @param clockAheadMillis how far the store's clock, which entries expire by, is ahead of this
 *     process's wall clock, in milliseconds; negative if it is behind; 0 up to a second
 */
public record Stats(
        long entries,
        long liveBytes,
        long dataFileBytes,
        long sharedMemoryFileBytes,
        long regionBytes,
        long regions,
        long freeRegions,
        long waitingRegions,
        long garbageBytes,
        int stripes,
        long indexSlots,
        int processes,
        long epoch,
        long durableEpoch,
        long writes,
        State state,
        long checkpoints,
        long longestCutNanos,
        long lockWaits,
        long longestLockWaitNanos,
        long takeovers,
        Naming naming,
        int damagedStripes,
        long clockAheadMillis) {

    /** What became of the names of the store's files since it was opened here. */
    public enum Naming {
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
    public enum State {
        /** It succeeded. */
        SOUND,
        /** It is under way, or its process died: the next one stores everything again first. */
        ATTEMPTED,
        /** The operating system could not force it: nothing is written until one succeeds. */
        FAILED
    }
}
