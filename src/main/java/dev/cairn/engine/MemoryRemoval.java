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
 * Actors    whoever removes; processes that open, use, close, back up to or salvage to the same name.
 * Steps     D1 open lock; is the lock file that name's still? else once more
 *           D2 is anybody alive? by the lock file, the process table, and the locks on the data file,
 *              all of which stay taken
 *           D3 the data file is removed; then what was being made, the shared-memory file, and at last
 *              the lock file
 *           D4 open lock given back
 * Why it is safe
 *           Who uses the store is seen in D2, as by whoever opens it (Opening). Who opens it meanwhile
 *           waits for the open lock. In D4 he gets one of a file without a name, sees that, and begins
 *           anew with the lock file that is there by then. The lock file goes last, so what is removed
 *           by its name before is never a file that somebody made by a newer lock file.
 *           What has an id in its name is made without the open lock: whoever makes it locks it.
 * What is benign
 *           A backup that created its file and has not locked it yet loses it, and fails.
 * If a process dies here
 *           Without the data file the rest is companions of nothing: leftovers, which whoever opens the
 *           name replaces, and which can be removed. If the lock file alone is left, it is empty, and
 *           whoever opens the name uses it.
 */
/** Removes a store with its companions, or what dead processes left of it. */
final class MemoryRemoval {
    /** Between two files that the kernel closes for a dead process may stand many others. */
    private static final long DYING_NANOS = TimeUnit.SECONDS.toNanos(3);

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

    private final StoreFiles files;

    MemoryRemoval(StoreFiles files) {
        this.files = files;
    }

    /**
     * The data file with all that belongs to it, if nobody uses it; bytes that were removed.
     *
     * @throws StoreInUse if somebody has it open
     * @throws IncompatibleFormat if the name is a file's that is no store
     * @throws UncheckedIOException if nothing is there, or may be removed
     */
    long removeAll() {
        return run(() -> {
            requireRegular();
            requireStore();
            return locked(true);
        });
    }

    /** As {@link #removeAll}, never the data file. */
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
                        "is no regular file but a link, a pipe or the like; nothing is removed");
            }
        }
    }

    private void requireStore() throws IOException {
        MemoryFiles store = MemoryFiles.of(files);
        boolean hasData = store != null && store.hasData();
        if (!hasData && Files.exists(files.data())) {
            throw new IncompatibleFormat(files.data(), "is no Cairn store; nothing is removed");
        }
        if (store == null) {
            throw new NoSuchFileException(
                    files.data().toString(), null, "there is no such store in shared memory");
        }
    }

    private long locked(boolean all) throws IOException {
        while (true) {
            boolean made = !Files.exists(files.lock());
            try (KernelLocks kernel = KernelLocks.open(files.lock(), access())) {
                KernelLocks.Held open =
                        OpenLock.exclusive(files, kernel, Options.defaults().lockTimeout());
                try {
                    if (kernel.isNamed()) { // D1
                        return remove(kernel, all, made);
                    }
                } finally {
                    open.release(); // D4
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
        try (DataLock _ = requireNobody(kernel, store.hasData())) { // D2
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
            return delete(doomed); // D3
        }
    }

    /** With the open lock, what is made by it is a dead one's. */
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

    /** Keeps everybody out by the data file too; null if there is none. */
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
                users().described() + "; close it there, or end what has it open, then remove it");
    }
}
