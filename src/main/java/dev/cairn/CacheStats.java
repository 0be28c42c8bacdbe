package dev.cairn;

/**
 * What the caches of all processes over one store did since the store's shared-memory file was built:
 * since the store was created, or rebuilt after a power loss. Made by Cairn only: a later version may
 * add figures.
 *
 * <p>Each process adds what it counted once a second, when it closes the store and when it asks for
 * figures. A process that is killed loses what it did not add yet. What a process counts that opened the
 * store read-only, nobody sees.
 */
public interface CacheStats {
    /**
     * The reads that were answered: with a value, or because it is remembered that there is none. A
     * read of many keys counts once for each of them.
     */
    long hits();

    /** The reads that were not answered, whether or not a loader was asked then. */
    long misses();

    /**
     * The calls of loaders that returned or threw, {@link #refreshes} among them. A call for many keys is
     * one.
     */
    long loads();

    /** Of {@link #loads} those that threw. */
    long loadFailures();

    /** The time that all {@link #loads} took, in nanoseconds. */
    long loadNanos();

    /** Of {@link #loads} those that loaded again in the background what was there. */
    long refreshes();

    /** The entries that were evicted, by whatever process: see {@link Stats#evictions}. */
    long evictions();

    /** The entries that had expired when eviction took their space: see {@link Stats#expirations}. */
    long expirations();

    /** The share of the reads that were answered, from 0 to 1; 1 if there was none. */
    default double hitRatio() {
        long reads = hits() + misses();
        return reads == 0 ? 1 : (double) hits() / reads;
    }
}
