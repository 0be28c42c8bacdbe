package dev.cairn;

/**
 * The work of the caches of all processes over one store since the store's shared-memory file was
 * built. That file is built when the store is created, and again after a power loss. Only Cairn
 * implements this interface, so a later version may add figures.
 *
 * <p>A process adds its counts to the shared ones once a second, when it closes the store, and when
 * it asks for these figures. A process that is killed loses the counts that it had not added yet.
 * The counts of a process that opened the store read-only are never added.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="cache"}
 */
public interface CacheStats {
    /**
     * {@return the number of reads that were answered: with a value, or with the remembered fact
     * that there is none} A read of many keys counts once for each key.
     */
    long hits();

    /**
     * {@return the number of reads that were not answered, whether or not a loader was called
     * afterwards}
     */
    long misses();

    /**
     * {@return the number of loader calls that returned or threw, including {@link #refreshes}} A
     * call for many keys counts once.
     */
    long loads();

    /** {@return the number of {@link #loads} that threw} */
    long loadFailures();

    /** {@return the total time of all {@link #loads}, in nanoseconds} */
    long loadNanos();

    /** {@return the number of {@link #loads} that reloaded a present entry in the background} */
    long refreshes();

    /** {@return the number of entries that any process evicted; see {@link Stats#evictions}} */
    long evictions();

    /**
     * {@return the number of entries that had already expired when eviction took their space; see
     * {@link Stats#expirations}}
     */
    long expirations();

    /**
     * {@return the share of the reads that were answered, from 0 to 1; 1 if there were no reads}
     */
    default double hitRatio() {
        long reads = hits() + misses();
        return reads == 0 ? 1 : (double) hits() / reads;
    }
}
