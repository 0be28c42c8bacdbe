package dev.cairn.engine;

import dev.cairn.CorruptStore;
import dev.cairn.OpeningProgress;
import dev.cairn.Options;
import dev.cairn.events.Events;
import dev.cairn.events.Recording;
import dev.cairn.os.FileIdentity;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;

/*
 * Actors    threads of this class loader that open and close stores.
 * Words     OPEN: the engines that are open here, by the name and the file they were opened by.
 *           GATES: one lock for each name that is being opened. Their monitors are held for a few
 *           instructions only, so no store ever waits for another.
 * Steps     open:  take the name's gate; look the file up; share its engine, or open one and note it
 *           close: count the handle; the last one closes the engine, and then removes it from OPEN
 * Why it is safe
 *           The gate lets one thread at a time open a name, so a file gets one engine (RULE 6). An
 *           engine whose last handle is being closed stays in OPEN, without handles, until its files
 *           are unmapped: a thread that opens the store meanwhile waits for that, and then opens it anew.
 *           A file means device and inode, not its name: if somebody removed or replaced the files, the
 *           name finds the new ones, while those who opened the old ones keep them. The file system
 *           cannot give the old inode to a new file meanwhile, since the engine's mappings hold it for
 *           as long as the engine stands in OPEN. KernelLocks uses the lock file's inode in the same
 *           way, and its open channels hold that.
 *           The name counts besides the file: an engine maps more of its files by the name it was
 *           opened by, so a store that was renamed gets another engine under its new name. Like the
 *           engines of two class loaders, these two share the kernel locks of this JVM and look to each
 *           other like two processes.
 */
/**
 * The stores that are open in this process. A store that is opened twice is one engine with one
 * mapping, which is unmapped when the last handle is closed.
 */
public final class OpenStores {
    private static final Map<Key, Shared> OPEN = new HashMap<>();
    private static final Map<Path, Gate> GATES = new HashMap<>();

    private OpenStores() {}

    /** The path of a store in the system's shared memory. */
    public static Path sharedMemory(String name) {
        return StoreFiles.inMemory(name);
    }

    private record Key(Path data, FileIdentity file, boolean readOnly) {}

    /** An engine and the number of its handles, which the monitor of {@link #OPEN} guards. */
    private static final class Shared {
        final Key key;
        final Engine engine;
        final CompletableFuture<Void> closed = new CompletableFuture<>();
        int handles = 1;

        Shared(Key key, Engine engine) {
            this.key = key;
            this.engine = engine;
        }

        /** Removes one handle; the last one closes the engine. */
        void release() {
            synchronized (OPEN) {
                handles--;
                if (handles > 0) {
                    return;
                }
            }
            try {
                engine.close();
            } finally {
                synchronized (OPEN) {
                    OPEN.remove(key);
                }
                closed.complete(null);
            }
        }
    }

    /** Lets one thread at a time open a name. */
    private static final class Gate {
        private final Path name;
        private final ReentrantLock lock = new ReentrantLock();
        private int users;

        private Gate(Path name) {
            this.name = name;
        }

        static Gate enter(Path name) {
            Gate gate;
            synchronized (GATES) {
                gate = GATES.computeIfAbsent(name, Gate::new);
                gate.users++;
            }
            gate.lock.lock();
            return gate;
        }

        void leave() {
            lock.unlock();
            synchronized (GATES) {
                users--;
                if (users == 0) {
                    GATES.remove(name);
                }
            }
        }
    }

    /**
     * Opens a store, or shares the one that is open here.
     *
     * @param given a path, or {@code shm:NAME}
     * @throws UncheckedIOException if a file or its directory cannot be used
     */
    public static StoreHandle open(Path given, Options options) {
        try {
            StoreFiles files = StoreFiles.of(given);
            Gate gate = Gate.enter(files.data());
            try {
                Shared shared = shareOrOpen(files, options);
                return new StoreHandle(shared.engine, options, shared::release);
            } finally {
                gate.leave();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The progress of the process that holds a store's open lock; null if nobody does. */
    public static @Nullable OpeningProgress progress(Path given) {
        try {
            return OpenLock.progress(StoreFiles.of(given));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether an engine of this process and this class loader has that name open. */
    static boolean isOpenHere(Path data) {
        synchronized (OPEN) {
            return OPEN.keySet().stream().anyMatch(key -> key.data().equals(data));
        }
    }

    private static Shared shareOrOpen(StoreFiles files, Options options) throws IOException {
        Shared shared = share(files.data(), options.readOnly());
        if (shared == null) {
            return openAnew(files, options);
        }
        try {
            shared.engine.share(options);
            return shared;
        } catch (Throwable e) {
            shared.release();
            throw e;
        }
    }

    /** The engine of that file that is open here, with one more handle; null if there is none. */
    private static @Nullable Shared share(Path data, boolean readOnly) throws IOException {
        while (Files.exists(data)) {
            FileIdentity file = FileIdentity.find(data);
            if (file == null) { // removed since the look at it
                return null;
            }
            Shared found;
            synchronized (OPEN) {
                found = OPEN.get(new Key(data, file, false));
                if (found == null && readOnly) {
                    found = OPEN.get(new Key(data, file, true));
                }
                if (found == null) {
                    return null;
                }
                if (found.handles > 0) {
                    found.handles++;
                    return found;
                }
            }
            found.engine.views().requireOutside(); // otherwise the close would wait for this thread
            found.closed.join();
        }
        return null;
    }

    private static Shared openAnew(StoreFiles files, Options options) throws IOException {
        boolean _ = Events.load(); // before there are any locks
        Recording<Events.Recovery> event = Events.recovery();
        Engine engine = engine(files, options);
        Key key = new Key(files.data(), engine.identity(), engine.readOnly());
        Shared shared = new Shared(key, engine);
        synchronized (OPEN) {
            OPEN.put(key, shared);
        }
        try {
            engine.recovery().tell(files.data(), event);
            return shared;
        } catch (Throwable e) { // whatever the program's logging throws
            shared.release();
            throw e;
        }
    }

    /** Opens an engine. If the store is refused as damaged, the exception names the remedy. */
    private static Engine engine(StoreFiles files, Options options) throws IOException {
        try {
            return options.readOnly()
                    ? ReadOnlyOpening.open(files, options)
                    : Opening.open(files, options);
        } catch (CorruptStore e) {
            throw e.path().equals(files.data()) ? e.refusing() : e;
        }
    }
}
