package dev.cairn;

import dev.cairn.codec.Codec;
import dev.cairn.engine.MemoryStores;
import dev.cairn.engine.OpenStores;
import dev.cairn.engine.Salvager;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Opens, lists, removes and salvages stores. All methods are thread-safe.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="open"}
 */
public final class Cairn {
    private Cairn() {}

    /**
     * Opens a store with {@link Options#defaults()}; see {@link #open(Path, Options)}.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="open"}
     *
     * @param path the data file, or {@code shm:NAME}
     * @return the open store, which the caller must close
     */
    public static CairnStore open(Path path) {
        return open(path, Options.defaults());
    }

    /**
     * Opens the store in a file. If the file is absent, it is created, unless the options say
     * read-only.
     *
     * <p>Any number of processes may have a store open. Within one process all handles share one
     * mapping; {@link Options} says how their options are combined.
     *
     * @param path the data file, or {@code shm:NAME} for a store in the operating system's shared
     *     memory. The store keeps two more files beside it, with {@code -shm} and {@code -lock}
     *     appended to its name.
     * @param options how to open it
     * @return the open store, which the caller must close
     * @throws CorruptStore if the files contain bytes that Cairn cannot have written
     * @throws IncompatibleFormat if the file is not a store, or a store of another format
     * @throws IllegalArgumentException if {@code maxBytes} is too small for the store's stripes, or
     *     if the options ask for {@link Durability#EACH_WRITE} and the file was created with {@code
     *     NONE}
     * @throws UnsupportedFileSystem if the file lies on a network file system
     * @throws UnsupportedOperationException if the processor is big-endian
     * @throws LockTimeout if another process opens or closes the store, and makes no progress for
     *     {@link Options#lockTimeout()}. While another process recovers a large store, this call
     *     waits for as long as that takes.
     * @throws LimitReached if the greatest possible number of processes has the store open for
     *     writing
     * @throws Overtaken if the store is opened read-only and has no usable shared-memory file, and
     *     newer checkpoints complete before a snapshot is ready
     * @throws StoreFull if there is no space to create the store
     * @throws StoreReplaced if one of the store's files was removed, renamed or replaced, and a
     *     process still has the store open
     * @throws SystemFailure if the operating system refuses a resource, such as a mapping
     * @throws java.io.UncheckedIOException if a file or its directory cannot be used
     */
    public static CairnStore open(Path path, Options options) {
        return OpenStores.open(path, options);
    }

    /**
     * Returns the path of a store in the operating system's shared memory. Processes share such a
     * store, and it is gone after a reboot. Every method that takes a path takes this one; {@code
     * shm:NAME} stands for the same path.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="sharedMemory"}
     *
     * @param name the name of the store, without a slash
     * @return the path
     * @throws IllegalArgumentException if the name is empty, or cannot be the name of a file
     */
    public static Path sharedMemory(String name) {
        return OpenStores.sharedMemory(name);
    }

    /**
     * Lists the stores in the operating system's shared memory by name, and the leftovers of other
     * stores there. It opens no store and writes nothing. It leaves out files that are not Cairn's,
     * and files whose name {@code shm:NAME} cannot express.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="sharedMemoryStores"}
     *
     * @return the stores and leftovers, by name
     * @throws java.io.UncheckedIOException if the system has no directory for shared memory
     */
    public static List<SharedMemoryStore> sharedMemoryStores() {
        return MemoryStores.ofSystem().list();
    }

    /**
     * Removes a store from the operating system's shared memory, with the files that the store
     * keeps beside its data file and with the leftovers of dead processes. A process that opens the
     * store meanwhile creates a new one.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="removeSharedMemory"}
     *
     * @param name the name of the store, as for {@link #sharedMemory}
     * @return the total length of the removed files, in bytes
     * @throws StoreInUse if a process, which may be this one, has the store open; nothing is
     *     removed then
     * @throws LockTimeout if another process opens or closes the store, and makes no progress
     * @throws IncompatibleFormat if a file of that name does not belong to a store
     * @throws IllegalArgumentException if the name is empty, or cannot be the name of a file
     * @throws java.io.UncheckedIOException if there is no such store, or this user may not remove
     *     it
     */
    public static long removeSharedMemory(String name) {
        return MemoryStores.ofSystem().remove(name);
    }

    /**
     * Removes the files that dead processes left under a name, as {@link
     * SharedMemoryStore#leftovers} lists them. These are unfinished files and, if there is no data
     * file, the {@code -shm} and {@code -lock} files. It never removes a data file.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="removeSharedMemoryLeftovers"}
     *
     * @param name the name of the store, as for {@link #sharedMemory}
     * @return the total length of the removed files, in bytes; 0 if there are none
     * @throws StoreInUse if there is no data file, but a process still has the removed one open
     * @throws LockTimeout if another process opens or closes the store, and makes no progress
     * @throws IllegalArgumentException if the name is empty, or cannot be the name of a file
     * @throws java.io.UncheckedIOException if this user may not remove the files
     */
    public static long removeSharedMemoryLeftovers(String name) {
        return MemoryStores.ofSystem().removeLeftovers(name);
    }

    /**
     * Tells the progress of a process that is opening, recovering or closing a store, and for which
     * {@link #open} would wait. This method does not wait.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="openingProgress"}
     *
     * @param path the data file, or {@code shm:NAME}
     * @return the progress, or null if no process opens, recovers or closes the store
     * @throws java.io.UncheckedIOException if the directory does not exist
     */
    public static @Nullable OpeningProgress openingProgress(Path path) {
        return OpenStores.progress(path);
    }

    /**
     * Copies the sound entries of a damaged store to a new store, and reports which could not be
     * copied. Entries that may be out of date are copied too, and reported; see {@link
     * #salvage(Path, Path, boolean, Salvage.Progress)}.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="salvage"}
     *
     * @param source the data file of the damaged store, or {@code shm:NAME}
     * @param target the data file of the new store, which must not exist
     * @return what was found, copied and lost
     */
    public static Salvage salvage(Path source, Path target) {
        return salvage(source, target, false, (_, _) -> {});
    }

    /**
     * Copies the sound entries of a damaged store to a new store. For each key it copies the newest
     * record whose checksum is right, unless that record is a removal.
     *
     * <p>It copies the state of the newest readable checkpoint, which is the state after a power
     * loss. Expiry times are kept; versions start anew. The source is only read, so a copy of its
     * data file is enough. No process may have the source open for writing meanwhile.
     *
     * @param source the data file of the damaged store, or {@code shm:NAME}
     * @param target the data file of the new store, which must not exist
     * @param onlyProven whether to leave out an entry if a newer value or a removal of it may be
     *     among the lost records
     * @param progress is called after each entry
     * @return what was found, copied and lost
     * @throws IncompatibleFormat if the source is not a store, or a store of another format
     * @throws CorruptStore if the header and all checkpoints of the source are damaged
     * @throws StoreInUse if a process has the source open for writing
     * @throws LockTimeout if another process opens or closes the source, and makes no progress
     * @throws StoreReplaced if a process has the source open for writing, and the lock file was
     *     removed or the data file renamed
     * @throws StoreFull if there is no space for the target
     * @throws UnsupportedFileSystem if the source or the target lies on a network file system
     * @throws java.io.UncheckedIOException if the source does not exist or cannot be read at all,
     *     or if the target exists or cannot be written
     */
    public static Salvage salvage(
            Path source, Path target, boolean onlyProven, Salvage.Progress progress) {
        return Salvager.salvage(
                Objects.requireNonNull(source),
                Objects.requireNonNull(target),
                onlyProven,
                Objects.requireNonNull(progress));
    }

    /**
     * Starts to build a map of objects over a store; {@link MapBuilder#open} opens it.
     *
     * @param <K> the type of the keys
     * @param <V> the type of the values
     * @param keys the codec of the keys, which must give equal keys the same bytes
     * @param values the codec of the values
     * @return a builder of the map
     */
    public static <K, V> MapBuilder<K, V> map(Codec<K> keys, Codec<V> values) {
        return new MapBuilder<>(keys, values);
    }

    /**
     * Starts to build a cache of objects over a store; {@link CacheBuilder#open} opens it.
     *
     * @param <K> the type of the keys
     * @param <V> the type of the values
     * @param keys the codec of the keys, which must give equal keys the same bytes
     * @param values the codec of the values
     * @return a builder of the cache
     */
    public static <K, V> CacheBuilder<K, V> cache(Codec<K> keys, Codec<V> values) {
        return new CacheBuilder<>(keys, values);
    }
}
