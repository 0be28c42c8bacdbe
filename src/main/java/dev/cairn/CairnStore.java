package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;

/**
 * A store of byte-array keys and values that any number of threads and processes use at once.
 *
 * <p>Each operation on one key is atomic and linearizable across all processes. Reads take no lock
 * and store nothing to shared memory. A write that returned is visible to every process and outlives
 * the death of this one. Keys and values are copied; both may be empty, neither may be null.
 *
 * <p>Every method throws {@link StoreClosed} after {@link #close()} and {@link CorruptStore} when
 * bytes of the files cannot be what Cairn wrote. Methods that write throw {@link StoreFull} when no
 * space is left, {@link LockTimeout} when a live holder kept a lock too long, and {@link
 * UnsupportedOperationException} on a store that was opened read-only.
 */
public interface CairnStore extends AutoCloseable {
    /** A copy of the key's value, or null when it is absent. */
    byte @Nullable [] get(byte[] key);

    /** The key's value and version, or null when it is absent. */
    @Nullable Versioned getVersioned(byte[] key);

    /**
     * The values of many keys, in their order, null where absent; faster than as many calls of
     * {@link #get}, because memory accesses overlap. Each is atomic by itself, not all of them
     * together.
     */
    List<byte @Nullable []> getAll(List<byte[]> keys);

    boolean containsKey(byte[] key);

    /** Writes the entry, whether or not the key is there, and returns its new version. */
    long put(byte[] key, byte[] value);

    /** As {@link #put(byte[], byte[])}; the entry is absent once {@code timeToLive} has passed. */
    long put(byte[] key, byte[] value, Duration timeToLive);

    /** Writes the entry if the key is absent; tells whether it did. */
    boolean putIfAbsent(byte[] key, byte[] value);

    /** Writes the entry if the key is there with exactly this version; tells whether it did. */
    boolean replace(byte[] key, long version, byte[] value);

    /** Removes the entry; tells whether it was there. */
    boolean remove(byte[] key);

    /** Removes the entry if it is there with exactly this version; tells whether it did. */
    boolean remove(byte[] key, long version);

    /**
     * Shows the action every entry that is there throughout the call exactly once; one written or
     * removed meanwhile at most once. No order. The action runs without any lock.
     */
    default void forEach(BiConsumer<byte[], byte[]> action) {
        forEachWhile((key, value) -> {
            action.accept(key, value);
            return true;
        });
    }

    /** As {@link #forEach}, until the action returns false; tells whether it never did. */
    boolean forEachWhile(BiPredicate<byte[], byte[]> action);

    /** The number of entries, expired ones included; exact while nobody writes. */
    long size();

    Stats stats();

    /** Reads the whole log and the whole index and compares every checksum and every invariant. */
    Verification verify();

    /** What opening this store found and did. */
    Recovery recovery();

    /**
     * Gives the store back. The last process to close makes everything durable; later calls do
     * nothing.
     */
    @Override
    void close();
}
