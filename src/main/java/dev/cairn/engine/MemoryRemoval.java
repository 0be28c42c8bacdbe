package dev.cairn.engine;

import dev.cairn.IncompatibleFormat;
import dev.cairn.Options;
import dev.cairn.StoreInUse;
import dev.cairn.StoreReplaced;
import dev.cairn.lock.ProcessTable;
import dev.cairn.os.Access;
import dev.cairn.os.Host;
import dev.cairn.os.KernelLocks;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/*
 * Actors    a process that removes; processes that open, use, close, back up to or salvage to the same name.
 * Steps     O6 open lock; does the name still belong to the lock file? else once more
 *           O7 is anybody alive? by the lock file, the process table, and the locks on the data file,
 *              all of which stay taken
 *           O8 the data file is removed; then the files in creation, the shared-memory file, and at last
 *              the lock file
 *           O9 open lock released
 * Why it is safe
 *           O7 finds a process that uses the store, as an opener does (Opening). A process that opens
 *           it meanwhile waits for the open lock. After O9 it gets the lock of a file without a name,
 *           notices that, and begins again with the lock file that is there by then. The lock file goes
 *           last. So no file that is removed by its name before was created under a newer lock file.
 *           A file with an ID in its name is created without the open lock: its creator locks it.
 * What is benign
 *           If a backup has created its file and not locked it yet, it loses the file, and fails.
 * If a process dies here
 *           Without the data file the other files are leftovers, which the next opener of the name
 *           replaces, and which can be removed. If only the lock file is left, it is empty, and the next
 *           opener of the name uses it.
 */
/** Removes a store with its companion files, or what dead processes left of it. */
final class MemoryRemoval {
    /**
     * How long to wait for a dying process. When the kernel closes its files, there may be many
     * others between the two lock files.
     */
    private static final long DYING_NANOS = TimeUnit.SECONDS.toNanos(3);

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private final StoreFiles files;

    MemoryRemoval(StoreFiles files) {
        this.files = files;
    }

    /**
     * Removes the data file with all that belongs to it, if nobody uses it; returns the number of
     * removed bytes.
     *
     * @throws StoreInUse if a process has it open
     * @throws IncompatibleFormat if a file of that name is not a store
     * @throws UncheckedIOException if nothing is there, or this user may not remove it
     */
    long removeAll() {
        return run(() -> {
            requireRegular();
            requireStore();
            return locked(true);
        });
    }

    /** Removes leftovers as {@link #removeAll} does, but never the data file. */
    long removeLeftovers() {
        return run(() -> {
            requireRegular();
            return MemoryFiles.of(files) == null ? 0 : locked(false);
        });
    }

    private interface Act {
        long run() throws IOException;
    }

    private static long run(Act act) {
        try {
            return act.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void requireRegular() {
        for (Path file : List.of(files.data(), files.shared(), files.lock())) {
            if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
                    && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
                throw new IncompatibleFormat(
                        file,
                        "is not a regular file but a link, a pipe or the like; nothing"
                                + " was removed");
            }
        }
    }

    private void requireStore() throws IOException {
        MemoryFiles store = MemoryFiles.of(files);
        boolean hasData = store != null && store.hasData();
        if (!hasData && Files.exists(files.data())) {
            throw new IncompatibleFormat(files.data(), "is not a Cairn store; nothing was removed");
        }
        if (store == null) {
            throw new NoSuchFileException(
                    files.data().toString(), null, "no such store in shared memory");
        }
    }

    private long locked(boolean all) throws IOException {
        while (true) {
            boolean made = !Files.exists(files.lock());
            try (KernelLocks kernel = KernelLocks.open(files.lock(), access())) {
                KernelLocks.Held open =
                        OpenLock.exclusive(files, kernel, Options.defaults().lockTimeout());
                try {
                    if (kernel.isNamed()) { // O6
                        return remove(kernel, all, made);
                    }
                } finally {
                    open.release(); // O9
                }
            }
        }
    }

    private Access access() throws IOException {
        for (Path file : List.of(files.data(), files.shared())) {
            if (Files.exists(file)) {
                return Access.like(file);
            }
        }
        return Access.of(Options.defaults().permissions());
    }

    private long remove(KernelLocks kernel, boolean all, boolean made) throws IOException {
        MemoryFiles store = MemoryFiles.of(files);
        if (store == null) {
            return delete(made ? List.of(files.lock()) : List.of()); // removed meanwhile
        }
        List<Path> doomed = new ArrayList<>();
        if (!all && store.hasData()) {
            doomed.addAll(leftovers(store));
            if (made) {
                doomed.add(files.lock());
            }
            return delete(doomed);
        }
        try (DataLock _ = requireNobody(kernel, store.hasData())) { // O7
            if (store.hasData()) {
                doomed.add(files.data());
            }
            doomed.addAll(leftovers(store));
            if (store.hasShared()) {
                doomed.add(files.shared());
            }
            if (store.hasLock()) {
                doomed.add(files.lock());
            }
            return delete(doomed); // O8
        }
    }

    /**
     * The leftovers. The caller holds the open lock, so files that are created under it belong to
     * dead processes.
     */
    private static List<Path> leftovers(MemoryFiles store) throws IOException {
        return MemoryRow.leftovers(store, new Users(false, true, List.of()));
    }

    private static long delete(List<Path> doomed) throws IOException {
        long bytes = 0;
        for (Path file : doomed) {
            long its = Files.exists(file, LinkOption.NOFOLLOW_LINKS) ? Files.size(file) : 0;
            if (Files.deleteIfExists(file)) {
                bytes += its;
            }
        }
        if (!doomed.isEmpty()) {
            Host.forceDirectory(doomed.getFirst().resolveSibling(""));
        }
        return bytes;
    }

    /** Keeps others out by the data file too; null if there is none. */
    private @Nullable DataLock requireNobody(KernelLocks kernel, boolean hasData)
            throws IOException {
        long deadline = System.nanoTime() + DYING_NANOS;
        while (kernel.isLocked(ProcessTable.READERS_BYTE, Users.ALL_LENGTH)
                || !Opening.nobodyAlive(files, kernel)) { // a dying process still has its locks
            if (System.nanoTime() - deadline > 0 || !users().processes().isEmpty()) {
                throw inUse();
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
        if (!hasData) {
            return null;
        }
        DataLock dataLock = DataLock.open(files, true);
        boolean nobody = false;
        try {
            dataLock.requireNobody();
            nobody = true;
            return dataLock;
        } catch (StoreReplaced _) {
            throw inUse();
        } finally {
            if (!nobody) {
                dataLock.close();
            }
        }
    }

    private Users users() throws IOException {
        MemoryFiles store = MemoryFiles.of(files);
        return store == null ? new Users(false, false, List.of()) : Users.of(store);
    }

    private StoreInUse inUse() throws IOException {
        return new StoreInUse(
                files.data(),
                users().described()
                        + "; close the store or end the process, then remove the store");
    }
}
