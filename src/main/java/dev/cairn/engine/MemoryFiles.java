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
 * Actors    whoever lists; everybody who may make files in the directory, be it to do harm.
 * Steps     each regular file of the directory is opened, and read from its beginning; it is a store's
 *           by what it begins with, and by its name only if it is empty, or begins with zeros, and has
 *           the name that Cairn gives to a file that it is making.
 * Why it is safe
 *           Nothing is mapped, so no file that is cut off meanwhile ends this process. Links, pipes and
 *           devices are not opened. An empty file is not opened either: a lock file is one, and to
 *           close it could drop locks of this process (RULE 16).
 * What is benign
 *           A lock file that lies there alone is not told from any other empty file: it is left out.
 *           Whoever puts a pipe in the place of a regular file between the look and the opening makes
 *           this process wait; only a user who may write to the directory can.
 */
/** The files of the stores of one directory, as a look at it finds them. */
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
        /** Nothing, or zeros: a file that is being made may begin so. */
        BLANK,
        FOREIGN,
        UNREADABLE
    }

    /** By their names. */
    static SortedMap<String, MemoryFiles> in(Path directory) throws IOException {
        return new Survey(directory).stores();
    }

    /** Those of one name; null if there are none. */
    static @Nullable MemoryFiles of(StoreFiles files) throws IOException {
        Path directory = files.data().resolveSibling("");
        return in(directory).get(files.data().getFileName().toString());
    }

    StoreFiles files() {
        return files;
    }

    /** Whether there is a data file, damaged perhaps. */
    boolean hasData() {
        return data;
    }

    boolean hasShared() {
        return shared;
    }

    boolean hasLock() {
        return lock;
    }

    /** Those that somebody makes, or was making when he died. */
    List<Path> making() {
        return making;
    }

    /** Why the data file cannot be read; null if nothing is known against it. */
    @Nullable String problem() {
        return problem;
    }

    /** Those that have a name of their own, the data file first and the lock file last. */
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

    /** What a look at a directory comes across. */
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
                // bytes that are no text here stand for no name that a store can be opened by
                if (its.isRegularFile() && directory.resolve(name).equals(file)) {
                    sizes.put(name, its.size());
                    contents.put(name, content(file, its.size()));
                }
            } catch (IOException | InvalidPathException _) {
                // removed meanwhile, or no name
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

        /** What nothing but its name tells counts only where the rest of the store is. */
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

        /** The store that a file is made for; null if its name is none of a file that is being made. */
        private @Nullable String madeFor(String name) {
            String made = StoreFiles.madeFor(name);
            // whoever names a store so means it: what is being made has a lock file only with an id
            boolean store =
                    sizes.containsKey(name + StoreFiles.LOCK) && !StoreFiles.isMadeWithId(name);
            return store ? null : made;
        }
    }
}
