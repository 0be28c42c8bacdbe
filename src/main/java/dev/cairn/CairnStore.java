package dev.cairn;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;
import java.util.function.Function;

/**
 * A store of keys and values, both byte arrays. Any number of threads and processes may use it at
 * once.
 *
 * <p>Each operation on one key is atomic and linearizable across all processes. Reads take no lock
 * and write nothing to shared memory. When a write has returned, every process sees it, and it
 * survives the death of the writing process. Keys and values are copied. Both may be empty; neither
 * may be null.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="open"}
 *
 * <p>These exceptions are common to the methods:
 * <ul>
 * <li>Every method throws {@link StoreClosed} after {@link #close()}, {@link CorruptStore} if a
 *     file contains bytes that Cairn cannot have written, and {@link SystemFailure} if the
 *     operating system refuses a resource, such as a mapping.
 * <li>Methods that write throw {@link StoreFull} if no space is left, {@link StoreReplaced} if the
 *     file would have to grow but its name no longer names it, {@link LockTimeout} if a live
 *     process holds a lock for too long, and {@link UnsupportedOperationException} if the store was
 *     opened read-only.
 * <li>Methods that read throw {@link Overtaken} if the store was opened read-only and shows a
 *     snapshot, and a newer checkpoint has completed.
 * <li>A null argument causes a {@link NullPointerException}, an argument out of range an {@link
 *     IllegalArgumentException}, and a stripe out of range an {@link IndexOutOfBoundsException}.
 * <li>An exception of an action, a function or a collection that the caller passed is thrown
 *     unchanged.
 * </ul>
 * After any of these except {@link StoreClosed} and {@link Overtaken}, the store can still be used.
 */
public interface CairnStore extends AutoCloseable {
    /** The time to live of an entry that does not expire. */
    Duration FOREVER = ChronoUnit.FOREVER.getDuration();

    /**
     * {@return a copy of the key's value, or null if the key is absent}
     *
     * @param key the key
     */
    byte @Nullable [] get(byte[] key);

    /**
     * Copies the key's value to the first bytes of the target, if it fits.
     *
     * @param key the key
     * @param target native memory, or {@link MemorySegment#ofArray(byte[])}
     * @return the length of the value in bytes, or -1 if the key is absent. If the length exceeds
     *     the size of the target, nothing was copied.
     * @throws IllegalArgumentException if the target is read-only
     */
    long get(byte[] key, MemorySegment target);

    /**
     * Applies a function to the key's value, without a copy of the value, and returns its result.
     *
     * <p>The function gets read-only memory that is valid only during the call. The checksum of the
     * value was compared before. If a writer overwrites the value while the function runs, or
     * reuses its memory, the function's result or exception is discarded, and the function runs
     * again. Therefore:
     * <ul>
     * <li>The function must have no effect other than its result. It must not write to this store.
     * <li>It may see bytes that make no sense, and may throw any exception then.
     * <li>It must not close or open this store. If another thread does so, that thread waits for
     *     the function.
     * </ul>
     * If the JVM denies the library native access, the memory is a copy.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="read"}
     *
     * @param <T> the type of the result
     * @param key the key
     * @param function is not called if the key is absent
     * @return the result of the function, or null if the key is absent
     */
    <T extends @Nullable Object> @Nullable T read(
            byte[] key, Function<? super MemorySegment, ? extends T> function);

    /**
     * {@return the key's value, version and expiry, or null if the key is absent}
     *
     * @param key the key
     */
    @Nullable Versioned getVersioned(byte[] key);

    /**
     * Returns the values of many keys in the order of the keys, with null for an absent key. It is
     * faster than as many calls of {@link #get}, because memory accesses overlap. Each read is
     * atomic, but not all of them together.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="bulk"}
     *
     * @param keys the keys
     * @return the values, one for each key
     */
    List<byte @Nullable []> getAll(Collection<byte[]> keys);

    /**
     * {@return whether the key is present}
     *
     * @param key the key
     */
    boolean containsKey(byte[] key);

    /**
     * {@return the version of the key's entry, which grows with every write of the key; 0 if the
     * key is absent}
     *
     * @param key the key
     */
    long version(byte[] key);

    /**
     * {@return the remaining time to live of the key's entry; empty if the entry does not expire,
     * or the key is absent}
     *
     * @param key the key
     */
    default Optional<Duration> timeLeft(byte[] key) {
        Versioned entry = getVersioned(key);
        return entry == null ? Optional.empty() : entry.timeLeft();
    }

    /**
     * Writes the entry, whether or not the key is present. As every write that names no time to
     * live, it gives the entry the {@link Options#defaultTimeToLive}.
     *
     * @param key the key
     * @param value the value
     * @return the new version of the entry
     */
    long put(byte[] key, byte[] value);

    /**
     * Writes the entry as {@link #put(byte[], byte[])} does. The entry expires after {@code
     * timeToLive}.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="timeToLive"}
     *
     * @param key the key
     * @param value the value
     * @param timeToLive the time to live; {@link #FOREVER} for an entry that does not expire,
     *     whatever the default is
     * @return the new version of the entry
     */
    long put(byte[] key, byte[] value, Duration timeToLive);

    /**
     * Writes many entries, whether or not their keys are present. It is faster than as many calls
     * of {@link #put(byte[], byte[])}. If a key occurs several times, its last value counts. Each
     * write is atomic, but not all of them together: if one fails, some of the others may have been
     * done.
     *
     * @param entries the entries to write
     */
    void putAll(Collection<? extends Map.Entry<byte[], byte[]>> entries);

    /**
     * Writes many entries as {@link #putAll(Collection)} does. They expire after {@code
     * timeToLive}.
     *
     * @param entries the entries to write
     * @param timeToLive the time to live; {@link #FOREVER} for no expiry
     */
    void putAll(Collection<? extends Map.Entry<byte[], byte[]>> entries, Duration timeToLive);

    /**
     * Writes the entry if the key is absent.
     *
     * @param key the key
     * @param value the value
     * @return the new version of the entry, or 0 if the key is present
     */
    long putIfAbsent(byte[] key, byte[] value);

    /**
     * Writes the entry if the key is absent, as {@link #putIfAbsent(byte[], byte[])} does. The
     * entry expires after {@code timeToLive}.
     *
     * @param key the key
     * @param value the value
     * @param timeToLive the time to live; {@link #FOREVER} for no expiry
     * @return the new version of the entry, or 0 if the key is present
     */
    long putIfAbsent(byte[] key, byte[] value, Duration timeToLive);

    /**
     * Writes the entry if the key is present with exactly this version.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="versions"}
     *
     * @param key the key
     * @param version the version that the entry must have
     * @param value the value
     * @return the new version of the entry, or 0 if the key is absent or has another version
     * @throws IllegalArgumentException if the version is not positive; for an absent key there is
     *     {@link #putIfAbsent}
     */
    long replace(byte[] key, long version, byte[] value);

    /**
     * Writes the entry if it has exactly this version, as {@link #replace(byte[], long, byte[])}
     * does. The new entry expires after {@code timeToLive}.
     *
     * @param key the key
     * @param version the version that the entry must have
     * @param value the value
     * @param timeToLive the time to live; {@link #FOREVER} for no expiry
     * @return the new version of the entry, or 0 if the key is absent or has another version
     * @throws IllegalArgumentException if the version is not positive; for an absent key there is
     *     {@link #putIfAbsent}
     */
    long replace(byte[] key, long version, byte[] value, Duration timeToLive);

    /**
     * Removes the entry.
     *
     * @param key the key
     * @return the version of the removal, or 0 if the key is absent. It is greater than the version
     *     of the removed entry, and is the version that {@link Change.Removed} reports.
     */
    long remove(byte[] key);

    /**
     * Removes the entry as {@link #remove(byte[])} does, if it has exactly this version.
     *
     * @param key the key
     * @param version the version that the entry must have
     * @return the version of the removal, or 0 if the key is absent or has another version
     * @throws IllegalArgumentException if the version is not positive
     */
    long remove(byte[] key, long version);

    /**
     * Calls the action once for each entry that is present throughout the call, in no particular
     * order. An entry that is written or removed during the call is shown at most once. The action
     * runs without any lock.
     *
     * @param action is called for each entry
     */
    default void forEach(BiConsumer<byte[], byte[]> action) {
        Objects.requireNonNull(action, "action");
        forEachWhile((key, value) -> {
            action.accept(key, value);
            return true;
        });
    }

    /**
     * Calls the action as {@link #forEach} does, until it returns false.
     *
     * @param action is called for each entry; returns false to stop
     * @return true if the action never returned false
     */
    boolean forEachWhile(BiPredicate<byte[], byte[]> action);

    /**
     * Calls the action as {@link #forEach} does, and passes the version and the expiry of each
     * entry.
     *
     * @param action is called for each entry
     */
    default void forEachVersioned(BiConsumer<byte[], Versioned> action) {
        Objects.requireNonNull(action, "action");
        forEachVersionedWhile((key, entry) -> {
            action.accept(key, entry);
            return true;
        });
    }

    /**
     * Calls the action as {@link #forEachVersioned} does, until it returns false.
     *
     * @param action is called for each entry; returns false to stop
     * @return true if the action never returned false
     */
    boolean forEachVersionedWhile(BiPredicate<byte[], Versioned> action);

    /**
     * Calls the action for the entries of one stripe, as {@link #forEach} does for all entries.
     *
     * @param stripe from 0 to {@link #stripes} - 1
     * @param action is called for each entry
     */
    void forEachIn(int stripe, BiConsumer<byte[], byte[]> action);

    /**
     * {@return the stripe of the key, from 0 to {@link #stripes} - 1}
     *
     * @param key the key
     */
    int stripeOf(byte[] key);

    /** {@return the number of stripes, which is fixed when the store is created} */
    int stripes();

    /**
     * Waits until the key's entry has another version than {@code sinceVersion}; any process may
     * write it. A platform thread sleeps in the kernel meanwhile, if the JVM allows native access.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="awaitChange"}
     *
     * @param key the key
     * @param sinceVersion the version that the caller has seen, or 0 for an absent key
     * @param timeout how long to wait at most
     * @return the version that the entry has now, or 0 if the key is absent; {@code sinceVersion}
     *     if the timeout has passed
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    long awaitChange(byte[] key, long sinceVersion, Duration timeout) throws InterruptedException;

    /**
     * Opens a feed of the changes that any process makes from now on; see {@link ChangeFeed}.
     *
     * @return the feed, which the caller must close
     */
    ChangeFeed<byte[]> watch();

    /**
     * {@return the number of entries, including expired ones} It is exact while no process writes.
     */
    long size();

    /**
     * Makes all writes of all processes before this call durable. Writers wait only for the cut,
     * which takes microseconds. Concurrent callers share one checkpoint.
     *
     * @return the epoch of the checkpoint. A power failure after this call takes the store back to
     *     this checkpoint or a later one.
     * @throws CheckpointFailed if the operating system could not make the writes durable. They are
     *     applied, but their durability is unknown, and nothing more is written until a checkpoint
     *     succeeds.
     * @throws CorruptStore if bytes that were written before a failed checkpoint are no longer
     *     there
     * @throws StoreReplaced if the data file was renamed, removed or replaced. The checkpoint in a
     *     renamed file is durable. A removed or replaced file is lost when the last process closes
     *     it.
     * @throws LockTimeout if a live process holds a stripe or the checkpoint lock for too long
     * @throws UnsupportedOperationException if the store has {@link Durability#NONE}
     */
    long checkpoint();

    /**
     * Makes all writes before this call durable as {@link #checkpoint} does, but does not wait. The
     * checkpoint runs on a thread of the store, one checkpoint after the other. It suits virtual
     * threads, whose carrier thread a checkpoint would block, and callers with other work to do.
     * Actions that depend on the result run on another thread.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="checkpointAsync"}
     *
     * @return the epoch of the checkpoint, or the exception that {@link #checkpoint} would throw.
     *     To cancel it does not end the checkpoint.
     */
    CompletableFuture<Long> checkpointAsync();

    /**
     * Writes the exact state of the last checkpoint to a new file as an independent store, while
     * other threads and processes go on writing. To include everything, call {@link #checkpoint()}
     * first. When this method returns, the new file is durable; if it throws, there is no new file.
     * Expiry times and versions are kept. An interrupt does not end it.
     *
     * <p>To restore a backup, close the store in every process, remove its three files, and move the
     * backup to the name of its data file. A backup can also be opened where it lies.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="backup"}
     *
     * @param target the data file of the new store, which must not exist
     * @return the epoch of the checkpoint that the new store holds
     * @throws java.io.UncheckedIOException if the target exists or cannot be written
     * @throws CorruptStore if a checksum of the data to be copied is wrong
     * @throws StoreClosed if the store is closed meanwhile; then there is no target
     * @throws LimitReached if the greatest possible number of backups is under way
     * @throws Overtaken if this store was opened read-only, and newer checkpoints overtook the copy
     * @throws UnsupportedOperationException if the store has {@link Durability#NONE}
     */
    long backup(Path target);

    /**
     * Cleans the log until hardly any garbage is left, makes a checkpoint, and returns the disk
     * blocks of free regions to the file system. The file keeps its length, and gets blocks again
     * when it needs them.
     *
     * @return the number of bytes returned
     * @throws UnsupportedOperationException if the file system or the JVM does not support it
     */
    long compact();

    /** {@return figures of the store at this moment} */
    Stats stats();

    /**
     * Reads the whole log and the whole index and checks every checksum and every invariant, while
     * other threads and processes go on writing. It checks one stripe at a time, and takes about
     * 100 bytes outside the heap for each key of that stripe.
     *
     * @return what was found
     * @throws LockTimeout if a live process holds a stripe for too long
     */
    Verification verify();

    /** {@return what was found and done when this store was opened} */
    Recovery recovery();

    /**
     * {@return the data file, by its real path when the store was opened} For a store in shared
     * memory it is a file in the system's directory for that. A closed store has its path, too.
     */
    Path path();

    /**
     * Closes the store for this handle. The last process that closes the store makes everything
     * durable. Further calls do nothing.
     *
     * <p>If this method throws, the store is still closed for this process, all writes stay visible
     * to the other processes that have it open, and further calls do nothing. If this was the last
     * process, the store is then in the state after a kill: until a power loss or reboot, the next
     * opening finds every write and repairs the store; a power loss before that takes the store back
     * to the last checkpoint. To be certain that everything is durable, call {@link #checkpoint()}
     * before.
     *
     * @throws CheckpointFailed if the writes could not be made durable
     * @throws CorruptStore if bytes that were written before a failed checkpoint are no longer
     *     there; the store is left as after a kill
     * @throws StoreReplaced if the data file was renamed, removed or replaced, and this store was
     *     open for writing; the store is closed completely, and the file that now has the name is
     *     not touched
     * @throws LockTimeout if another process that opens or closes the store makes no progress
     */
    @Override
    void close();
}
