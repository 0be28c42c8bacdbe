package dev.cairn;

import dev.cairn.codec.Codec;
import dev.cairn.engine.MemoryStores;
import dev.cairn.engine.OpenStores;
import dev.cairn.engine.Salvager;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** Where stores are opened. */
public final class Cairn {
    private Cairn() {}

    /**
     * Opens a store with {@link Options#defaults()}; see {@link #open(Path, Options)}.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="open"}
     */
    public static CairnStore open(Path path) {
        return open(path, Options.defaults());
    }

    /**
     * Opens the store of a file, creating it if it is absent (unless read-only). Any number of
     * processes may have it open; within a process all handles share one mapping, and {@link Options}
     * says which options of theirs count.
     *
     * @param path of the data file, or {@code shm:NAME} for a store in the operating system's shared
     *     memory; its companions lie beside it, with {@code -shm} and {@code -lock} behind the name
     * @throws CorruptStore if bytes of the files cannot be what Cairn wrote
     * @throws IncompatibleFormat if the file is no store, or one of another format
     * @throws IllegalArgumentException if {@code maxBytes} is too small for the store's stripes, or
     *     {@link Durability#EACH_WRITE} is asked for of a file that was created with {@code NONE}
     * @throws UnsupportedFileSystem on a network file system
     * @throws LockTimeout if another process opens or closes it, and makes no progress for {@link
     *     Options#lockTimeout()}; while one recovers a large store, this call waits for as long as that
     *     takes
     * @throws LimitReached if as many processes as may have it open for writing
     * @throws Overtaken if it is opened read-only, takes a snapshot for want of a file that can be used,
     *     and newer checkpoints come faster than that is made
     * @throws StoreFull if there is no space to create it
     * @throws StoreReplaced if one of its files was removed, renamed or replaced, and somebody has it
     *     open still
     * @throws SystemFailure if the operating system refuses what it takes, such as a mapping
     * @throws java.io.UncheckedIOException if a file or its directory cannot be used
     */
    public static CairnStore open(Path path, Options options) {
        return OpenStores.open(path, options);
    }

    /**
     * The path of a store in the operating system's shared memory, for all methods that take one: of
     * use between processes, and gone after a reboot. It is the path that {@code shm:NAME} stands for.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="sharedMemory"}
     *
     * @param name without a slash
     * @throws IllegalArgumentException if the name is empty, or no name of a file
     */
    public static Path sharedMemory(String name) {
        return OpenStores.sharedMemory(name);
    }

    /**
     * What stores lie in the operating system's shared memory, by name, and what was left there of
     * others. Opens none, and stores nothing; files that are not Cairn's are left out, as are those
     * that no {@code shm:NAME} stands for.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="sharedMemoryStores"}
     *
     * @throws java.io.UncheckedIOException if the system has no such directory
     */
    public static List<SharedMemoryStore> sharedMemoryStores() {
        return MemoryStores.ofSystem().list();
    }

    /**
     * Removes a store from the operating system's shared memory, with its companions and what dead
     * processes left of it. If a process opens it meanwhile, that one creates a new store.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="removeSharedMemory"}
     *
     * @param name as for {@link #sharedMemory}
     * @return the length of the files that were removed, in bytes
     * @throws StoreInUse if a process has it open, be it this one; nothing is removed
     * @throws LockTimeout if another process opens or closes it, and makes no progress
     * @throws IncompatibleFormat if a file of that name is no store's
     * @throws IllegalArgumentException if the name is empty, or no name of a file
     * @throws java.io.UncheckedIOException if no store is there, or this user may not remove it
     */
    public static long removeSharedMemory(String name) {
        return MemoryStores.ofSystem().remove(name);
    }

    /**
     * Removes what dead processes left under a name, as {@link SharedMemoryStore#leftovers} lists it:
     * what they were making and, where there is no data file, its companions. Never removes a data
     * file.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="removeSharedMemoryLeftovers"}
     *
     * @param name as for {@link #sharedMemory}
     * @return the length of the files that were removed, in bytes; 0 if there are none
     * @throws StoreInUse if there is no data file, and a process still has the removed one open
     * @throws LockTimeout if another process opens or closes the store, and makes no progress
     * @throws IllegalArgumentException if the name is empty, or no name of a file
     * @throws java.io.UncheckedIOException if this user may not remove it
     */
    public static long removeSharedMemoryLeftovers(String name) {
        return MemoryStores.ofSystem().removeLeftovers(name);
    }

    /**
     * How far a process has come that opens, recovers or closes a store just now, and for which {@link
     * #open} would wait; null if none does. Waits for nothing.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="openingProgress"}
     *
     * @throws java.io.UncheckedIOException if the directory is not there
     */
    public static @Nullable OpeningProgress openingProgress(Path path) {
        return OpenStores.progress(path);
    }

    /**
     * Copies whatever is sound of a damaged store to a new one, and tells what could not be copied.
     * What may be out of date is copied too, and told; see {@link #salvage(Path, Path, boolean,
     * Salvage.Progress)}.
     *
     * {@snippet class="dev.cairn.ExamplesTest" region="salvage"}
     */
    public static Salvage salvage(Path source, Path target) {
        return salvage(source, target, false, (_, _) -> {});
    }

    /**
     * Copies whatever is sound of a damaged store to a new one: of each key the newest record whose
     * checksum is right, unless that is a removal. It copies what the newest checkpoint holds that can
     * be read, as a power loss leaves the store; times of expiry are kept, versions begin anew. Nobody
     * may have the store open for writing meanwhile, and it is only read; a copy of its data file will
     * do.
     *
     * @param source the data file of the damaged store, or {@code shm:NAME}
     * @param target the data file of the new one, which must not exist
     * @param onlyProven whether to leave out entries of which a newer value, or a removal, may have
     *     been among what is lost
     * @param progress is told after each entry
     * @throws IncompatibleFormat if the source is no store, or one of another format
     * @throws CorruptStore if its header and all checkpoints are damaged
     * @throws StoreInUse if a process has the source open for writing
     * @throws LockTimeout if another process opens or closes it, and makes no progress
     * @throws StoreReplaced if one has, and the lock file was removed or the data file renamed
     * @throws StoreFull if there is no space for the target
     * @throws UnsupportedFileSystem if one of them lies on a network file system
     * @throws java.io.UncheckedIOException if the source does not exist or cannot be read at all, or
     *     the target exists or cannot be written
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
     * A map of objects over a store: say how, then {@link MapBuilder#open}.
     *
     * @param keys gives equal keys the same bytes
     */
    public static <K, V> MapBuilder<K, V> map(Codec<K> keys, Codec<V> values) {
        return new MapBuilder<>(keys, values);
    }

    /**
     * A cache of objects over a store: say how, then {@link CacheBuilder#open}.
     *
     * @param keys gives equal keys the same bytes
     */
    public static <K, V> CacheBuilder<K, V> cache(Codec<K> keys, Codec<V> values) {
        return new CacheBuilder<>(keys, values);
    }
}
