package dev.cairn;

/**
 * One change that a {@link ChangeFeed} reports. The keys of a {@link CairnStore} are arrays, which
 * {@code equals} compares by identity; compare them with {@link java.util.Arrays#equals(byte[],
 * byte[])}.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="watch"}
 *
 * @param <K> the type of the keys of the watched store or map
 */
public sealed interface Change<K> {
    /**
     * {@return the stripe of the changed key, or the stripe whose changes were lost; see {@link
     * CairnStore#stripeOf}}
     */
    int stripe();

    /**
     * The key was written.
     *
     * @param <K> the type of the keys
     * @param key the key
     * @param version the version that the write gave the entry
     * @param stripe the stripe of the key
     */
    record Put<K>(K key, long version, int stripe) implements Change<K> {}

    /**
     * The key was removed, or it was dropped after it had expired.
     *
     * @param <K> the type of the keys
     * @param key the key
     * @param version a version greater than that of the removed entry
     * @param stripe the stripe of the key
     */
    record Removed<K>(K key, long version, int stripe) implements Change<K> {}

    /**
     * Changes of this stripe were lost, because the feed was too slow or because entries were
     * overwritten in place. The consumer must read the stripe again with {@link
     * CairnStore#forEachIn}. The feed continues with the changes from here on.
     *
     * @param <K> the type of the keys
     * @param stripe the stripe whose changes were lost
     */
    record Lagged<K>(int stripe) implements Change<K> {}
}
