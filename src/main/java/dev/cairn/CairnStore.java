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
    /** The time to live of an entry that is to stay until somebody removes it. */
    Duration FOREVER = ChronoUnit.FOREVER.getDuration();

    /** A copy of the key's value, or null when it is absent. */
    byte @Nullable [] get(byte[] key);

    /**
     * Copies the key's value to memory of the caller's, if it fits: to the first bytes of the target.
     *
     * @param target native memory, or {@link MemorySegment#ofArray(byte[])}
     * @return the value's length in bytes, -1 when the key is absent; if it is greater than the
     *     target's size, nothing of the value was copied
     * @throws IllegalArgumentException if the target is read-only
     */
    long get(byte[] key, MemorySegment target);

    /**
     * What a function makes of the key's value, which it is shown without a copy.
     *
     * <p>The memory is read-only and ends with the call; its checksum was compared before. If a writer
     * overwrote the value while the function ran, or used the memory again, what the function returned
     * or threw is forgotten and it runs again: so it must have no other effect than its result, must not
     * write to this store, and may throw whatever it likes at bytes that make no sense. It must not close
     * the store either, or open it; another thread that does so waits for it. Where the JVM allows the
     * library no native access, the memory is a copy.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="read"}
     *
     * @param function is not called when the key is absent
     * @return what the function returned, null when the key is absent
     */
    <T extends @Nullable Object> @Nullable T read(
            byte[] key, Function<? super MemorySegment, ? extends T> function);

    /** The key's value, version and expiry, or null when it is absent. */
    @Nullable Versioned getVersioned(byte[] key);

    /**
     * The values of many keys, in their order, null where absent; faster than as many calls of
     * {@link #get}, because memory accesses overlap. Each is atomic by itself, not all of them
     * together.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="bulk"}
     */
    List<byte @Nullable []> getAll(Collection<byte[]> keys);

    boolean containsKey(byte[] key);

    /** The version of the key's entry: greater at every write of it, 0 when it is absent. */
    long version(byte[] key);

    /** What is left of the time to live of the key's entry; empty when it has none or is absent. */
    default Optional<Duration> timeLeft(byte[] key) {
        Versioned entry = getVersioned(key);
        return entry == null ? Optional.empty() : entry.timeLeft();
    }

    /**
     * Writes the entry, whether or not the key is there, and returns its new version.
     *
     * <p>As all writes that name no time to live, it gives the entry {@link
     * Options#defaultTimeToLive}.
     */
    long put(byte[] key, byte[] value);

    /**
     * As {@link #put(byte[], byte[])}; the entry is absent once {@code timeToLive} has passed.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="timeToLive"}
     *
     * @param timeToLive {@link #FOREVER} for an entry that does not expire, though others do so by
     *     default
     */
    long put(byte[] key, byte[] value, Duration timeToLive);

    /**
     * Writes many entries, whether or not their keys are there; faster than as many calls of {@link
     * #put(byte[], byte[])}. Of several entries of one key the last counts. Each is atomic by itself,
     * not all of them together: if one cannot be written, some of the others were.
     */
    void putAll(Collection<? extends Map.Entry<byte[], byte[]>> entries);

    /** As {@link #putAll(Collection)}; the entries are absent once {@code timeToLive} has passed. */
    void putAll(Collection<? extends Map.Entry<byte[], byte[]>> entries, Duration timeToLive);

    /** Writes the entry if the key is absent; returns its new version, 0 if the key is there. */
    long putIfAbsent(byte[] key, byte[] value);

    /** As {@link #putIfAbsent(byte[], byte[])}, with a time to live. */
    long putIfAbsent(byte[] key, byte[] value, Duration timeToLive);

    /**
     * Writes the entry if the key is there with exactly this version; returns its new version, 0 if
     * it is not.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="versions"}
     */
    long replace(byte[] key, long version, byte[] value);

    /** As {@link #replace(byte[], long, byte[])}, with a time to live. */
    long replace(byte[] key, long version, byte[] value, Duration timeToLive);

    /**
     * Removes the entry; returns the version of the removal, which is greater than that of the entry
     * and the one that {@link Change.Removed} tells, 0 if the key was not there.
     */
    long remove(byte[] key);

    /** As {@link #remove(byte[])}, if the entry has exactly this version. */
    long remove(byte[] key, long version);

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

    /** As {@link #forEach}, of the entries of one stripe, from 0 to {@link #stripes}. */
    void forEachIn(int stripe, BiConsumer<byte[], byte[]> action);

    /** The stripe that a key belongs to, from 0 to {@link #stripes}. */
    int stripeOf(byte[] key);

    /** The number of stripes, which is fixed when the store is created. */
    int stripes();

    /**
     * Waits until the key's entry has another version than the caller knows, by whomever it was
     * written; a platform thread sleeps in the kernel until then, where the JVM may.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="awaitChange"}
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
     * As {@link #checkpoint}, of what was written before this call, without waiting: on a thread of
     * the store's, one after the other. For virtual threads, whose carrier a checkpoint would block,
     * and for whoever has other things to do. What is hung on the result runs elsewhere.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="checkpointAsync"}
     *
     * @return the epoch, or what {@link #checkpoint} throws; cancelling it ends nothing
     */
    CompletableFuture<Long> checkpointAsync();

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
