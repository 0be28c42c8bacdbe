package dev.cairn.engine;

import dev.cairn.format.DataHeader;
import dev.cairn.format.Words;
import dev.cairn.os.Host;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/*
 * Actors    a process that lists; all who may create files in the directory, even to do harm.
 * Steps     each regular file of the directory is opened, and read from its beginning. Its first bytes
 *           tell whether it belongs to a store. Its name tells that only if it is empty, or begins with
 *           zeros, and has the name that Cairn gives to a file that it is creating.
 * Why it is safe
 *           Nothing is mapped, so a file that is truncated meanwhile does not end this process. Links,
 *           pipes and devices are not opened. An empty file is not opened either: a lock file is empty,
 *           and to close it could drop locks of this process (RULE 16).
 * What is benign
 *           A lock file that lies there alone looks like any other empty file: it is left out.
 *           If somebody replaces a regular file with a pipe between the look and the opening, this
 *           process waits; only a user who may write to the directory can do that.
 */
/** The files of the stores of one directory, as one look finds them. */
final class MemoryFiles {
    private static final int LOOKED_AT_BYTES = DataHeader.BLOCK_BYTES;

    private final StoreFiles files;
    private boolean data;
    private boolean shared;
    private boolean lock;
    private final List<Path> making = new ArrayList<>();
    private @Nullable String problem;

    private MemoryFiles(StoreFiles files) {
        this.files = files;
    }

    private enum Content {
        DATA,
        SHARED,
        /** Nothing, or zeros: a file that is being created may begin so. */
        BLANK,
        FOREIGN,
        UNREADABLE
    }

    /** The files of all stores, by the names of the stores. */
    static SortedMap<String, MemoryFiles> in(Path directory) throws IOException {
        return new Survey(directory).stores();
    }

    /** The files of one name; null if there are none. */
    static @Nullable MemoryFiles of(StoreFiles files) throws IOException {
        Path directory = files.data().resolveSibling("");
        return in(directory).get(files.data().getFileName().toString());
    }

    StoreFiles files() {
        return files;
    }

    /** Whether there is a data file, which may be damaged. */
    boolean hasData() {
        return data;
    }

    boolean hasShared() {
        return shared;
    }

    boolean hasLock() {
        return lock;
    }

    /** The files that a process is creating, or was creating when it died. */
    List<Path> making() {
        return making;
    }

    /** Why the data file cannot be read; null if no reason is known. */
    @Nullable String problem() {
        return problem;
    }

    /** The files that have their own names, the data file first and the lock file last. */
    List<Path> named() {
        List<Path> named = new ArrayList<>();
        if (data) {
            named.add(files.data());
        }
        if (shared) {
            named.add(files.shared());
        }
        if (lock) {
            named.add(files.lock());
        }
        return named;
    }

    /** What one look at a directory finds. */
    private static final class Survey {
        private final Path directory;
        private final SortedMap<String, Long> sizes = new TreeMap<>();
        private final SortedMap<String, Content> contents = new TreeMap<>();
        private final SortedMap<String, MemoryFiles> stores = new TreeMap<>();

        Survey(Path directory) throws IOException {
            this.directory = directory;
            try (DirectoryStream<Path> listing = Files.newDirectoryStream(directory)) {
                for (Path file : listing) {
                    note(file);
                }
            } catch (DirectoryIteratorException e) {
                throw e.getCause();
            }
        }

        private void note(Path file) {
            String name = file.getFileName().toString();
            try {
                BasicFileAttributes its =
                        Files.readAttributes(
                                file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                // a name that is not text cannot be the name of a store that can be opened
                if (its.isRegularFile() && directory.resolve(name).equals(file)) {
                    sizes.put(name, its.size());
                    contents.put(name, content(file, its.size()));
                }
            } catch (IOException | InvalidPathException _) {
                // removed meanwhile, or not a valid name
            }
        }

        private static Content content(Path file, long size) throws IOException {
            if (size == 0) {
                return Content.BLANK;
            }
            try {
                byte[] begin = Host.read(file, 0, LOOKED_AT_BYTES);
                if (begin.length < Long.BYTES) {
                    return Content.FOREIGN;
                }
                long magic = Words.plain(begin, 0);
                return magic == DataHeader.MAGIC_VALUE
                        ? Content.DATA
                        : SharedFiles.ours(magic)
                                ? Content.SHARED
                                : isBlank(begin) ? Content.BLANK : Content.FOREIGN;
            } catch (AccessDeniedException _) {
                return Content.UNREADABLE;
            }
        }

        private static boolean isBlank(byte[] bytes) {
            for (byte each : bytes) {
                if (each != 0) {
                    return false;
                }
            }
            return true;
        }

        SortedMap<String, MemoryFiles> stores() {
            contents.forEach(this::takeByContent);
            contents.forEach(this::takeBesideOthers);
            return stores;
        }

        private MemoryFiles store(String name) {
            return stores.computeIfAbsent(
                    name, _ -> new MemoryFiles(StoreFiles.at(directory.resolve(name))));
        }

        private void takeByContent(String name, Content content) {
            String made = madeFor(name);
            switch (content) {
                case DATA -> {
                    if (made != null) {
                        store(made).making.add(directory.resolve(name));
                    } else {
                        store(name).data = true;
                    }
                }
                case SHARED -> {
                    String of = StoreFiles.ofShared(name);
                    if (made != null) {
                        store(made).making.add(directory.resolve(name));
                    } else if (of != null) {
                        store(of).shared = true;
                    }
                }
                case BLANK -> {
                    if (made != null && !StoreFiles.isLock(name)) {
                        store(made).making.add(directory.resolve(name));
                    }
                }
                case UNREADABLE -> {
                    if (sizes.containsKey(name + StoreFiles.SHARED)
                            && sizes.containsKey(name + StoreFiles.LOCK)) {
                        MemoryFiles store = store(name);
                        store.data = true;
                        store.problem = directory.resolve(name) + ": permission denied";
                    }
                }
                case FOREIGN -> {}
            }
        }

        /** Adds a file that only its name identifies, if the rest of the store is there. */
        private void takeBesideOthers(String name, Content content) {
            String made = madeFor(name);
            String locked = StoreFiles.ofLock(name);
            String shared = StoreFiles.ofShared(name);
            if (content == Content.BLANK && sizes.getOrDefault(name, 0L) == 0) {
                if (made != null && StoreFiles.isLock(name)) {
                    MemoryFiles store = stores.get(made);
                    if (store != null) {
                        store.making.add(directory.resolve(name));
                    }
                } else if (locked != null && stores.containsKey(locked)) {
                    store(locked).lock = true;
                }
            } else if (content == Content.UNREADABLE) {
                if (shared != null && stores.containsKey(shared)) {
                    store(shared).shared = true;
                } else if (locked != null && stores.containsKey(locked)) {
                    store(locked).lock = true;
                }
            }
        }

        /**
         * The store for which a file is created; null if its name is not that of a file in
         * creation.
         */
        private @Nullable String madeFor(String name) {
            String made = StoreFiles.madeFor(name);
            // a store may have such a name: a file that is being created has a lock file only if
            // its name has an ID
            boolean store =
                    sizes.containsKey(name + StoreFiles.LOCK) && !StoreFiles.isMadeWithId(name);
            return store ? null : made;
        }
    }
}
