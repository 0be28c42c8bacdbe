package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
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
 * bytes of the files cannot be what Cairn wrote, and {@link SystemFailure} when the operating system
 * refuses what is asked of it, as a mapping. Methods that write throw {@link StoreFull} when no space
 * is left, {@link StoreReplaced} when the file would have to grow and its name is another's or
 * nobody's by now, {@link LockTimeout} when a live holder kept a lock too long, and {@link
 * UnsupportedOperationException} on a store that was opened read-only. Methods that read throw {@link
 * Overtaken} where such a store shows a snapshot and a newer checkpoint came. After each of these the
 * store can be used on, but for {@link StoreClosed} and {@link Overtaken}. An argument that is null is a {@link
 * NullPointerException}, one that is out of its range an {@link IllegalArgumentException} (a stripe:
 * an {@link IndexOutOfBoundsException}); what an action, or a list that was given, throws is handed on
 * as it is.
 */
public interface CairnStore extends AutoCloseable {
    /** A copy of the key's value, or null when it is absent. */
    byte @Nullable [] get(byte[] key);

    /** The key's value, version and expiry, or null when it is absent. */
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
        Objects.requireNonNull(action, "action");
        forEachWhile((key, value) -> {
            action.accept(key, value);
            return true;
        });
    }

    /** As {@link #forEach}, until the action returns false; tells whether it never did. */
    boolean forEachWhile(BiPredicate<byte[], byte[]> action);

    /** As {@link #forEach}, with each entry's version and expiry. */
    default void forEachVersioned(BiConsumer<byte[], Versioned> action) {
        Objects.requireNonNull(action, "action");
        forEachVersionedWhile((key, entry) -> {
            action.accept(key, entry);
            return true;
        });
    }

    /** As {@link #forEachVersioned}, until the action returns false; tells whether it never did. */
    boolean forEachVersionedWhile(BiPredicate<byte[], Versioned> action);

    /** As {@link #forEach}, of the entries of one stripe, from 0 to the number of stripes. */
    void forEachIn(int stripe, BiConsumer<byte[], byte[]> action);

    /** The stripe that a key belongs to. */
    int stripeOf(byte[] key);

    /**
     * Waits until the key's entry has another version than the caller knows, by whomever it was
     * written; a platform thread sleeps in the kernel until then, where the JVM may.
     *
     * @param sinceVersion that was seen, 0 for an absent entry
     * @return the version it has now, 0 if it is absent; {@code sinceVersion} if the time passed
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    long awaitChange(byte[] key, long sinceVersion, Duration timeout) throws InterruptedException;

    /** The changes from now on, by whomever; see {@link ChangeFeed}. */
    ChangeFeed<byte[]> watch();

    /** The number of entries, expired ones included; exact while nobody writes. */
    long size();

    /**
     * Makes durable what was written before the call, by whomever. Writers wait for the cut alone,
     * which takes microseconds; callers at the same time share one checkpoint.
     *
     * @return the checkpoint's epoch; a power failure from here on rolls back to it or a later one
     * @throws CheckpointFailed if the operating system could not: what was written is applied, its
     *     durability is unknown, and nothing more is written until a checkpoint succeeds
     * @throws CorruptStore if, behind one that failed, something that was written is there no more
     * @throws StoreReplaced if the data file was renamed, removed or replaced: in a renamed one the
     *     checkpoint is durable, one without a name ends with the last process that has it open
     * @throws LockTimeout if a live process keeps a stripe or the checkpoint to itself for so long
     * @throws UnsupportedOperationException on a store of {@link Durability#NONE}
     */
    long checkpoint();

    /**
     * Writes a store of its own to a new file: the last checkpoint, exactly, while others go on
     * writing. Call {@link #checkpoint()} before it to have everything in it. No interrupt ends it.
     *
     * @return the epoch of the checkpoint that it holds
     * @throws java.io.UncheckedIOException if the target exists or cannot be written
     * @throws CorruptStore if a checksum of what was to be copied is wrong
     * @throws StoreClosed if the store is closed meanwhile; then there is no target
     * @throws LimitReached if as many backups as may be are under way
     * @throws Overtaken if this store was opened read-only, and checkpoints overtook the copy
     * @throws UnsupportedOperationException of a store of {@link Durability#NONE}
     */
    long backup(Path target);

    /**
     * Cleans until hardly any garbage is left, makes a checkpoint, and gives the blocks of free
     * regions back to the file system. The file keeps its length, and takes blocks again when it
     * needs them.
     *
     * @return bytes given back
     * @throws UnsupportedOperationException where the file system or the JVM cannot
     */
    long compact();

    Stats stats();

    /**
     * Reads the whole log and the whole index and compares every checksum and every invariant, while
     * others go on writing. Takes some 100 bytes outside of the heap for each key of one stripe at a
     * time.
     *
     * @throws LockTimeout if a live process keeps a stripe to itself for so long
     */
    Verification verify();

    /** What opening this store found and did. */
    Recovery recovery();

    /**
     * Gives the store back. The last process to close makes everything durable; later calls do
     * nothing.
     *
     * <p>Whatever it throws, the store is given back by this process, all that was written stays
     * visible to other processes that have the store open, and calling it again does nothing. If this
     * was the last process, the store is then left as after a kill: the next open of this boot finds
     * every write and repairs; only a power loss before that goes back to the last checkpoint. Whoever
     * must know that everything is durable calls {@link #checkpoint()} before.
     *
     * @throws CheckpointFailed if it could not, or {@link CorruptStore} if behind a checkpoint that
     *     failed something is there no more; the store is then left as after a kill
     * @throws StoreReplaced if the data file was renamed, removed or replaced, and this store may
     *     write; it is closed as a whole, and the file that has the name is left alone
     * @throws LockTimeout if another process keeps opening or closing the store, or is stopped at that
     */
    @Override
    void close();
}
