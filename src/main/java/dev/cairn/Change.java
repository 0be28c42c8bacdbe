package dev.cairn;

/**
 * What a change feed tells.
 *
 * @param <K> the keys of whatever is watched
 */
public sealed interface Change<K> {
    /** Of the key, or of all that were lost; see {@link CairnStore#stripeOf}. */
    int stripe();

    /**
     * The key was written.
     *
     * @param version of the entry then
     */
    record Put<K>(K key, long version, int stripe) implements Change<K> {}

    /**
     * The key was removed, or was dropped after it had expired.
     *
     * @param version greater than that of the entry which is gone
     */
    record Removed<K>(K key, long version, int stripe) implements Change<K> {}

    /**
     * The feed was too slow, or entries were overwritten in place: changes of this stripe are gone.
     * What they led to is to be read again, by {@link CairnStore#forEachIn}; the feed goes on with
     * changes from here on.
     */
    record Lagged<K>(int stripe) implements Change<K> {}
}
