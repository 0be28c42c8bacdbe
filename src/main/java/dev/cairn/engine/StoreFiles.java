package dev.cairn.engine;

import dev.cairn.IncompatibleFormat;
import dev.cairn.os.Host;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The names of a store's files, all in one directory.
 *
 * @param data the data file, by its real path (RULE 6)
 * @param shared the shared-memory file
 * @param lock the file whose bytes are locked and never read
 */
record StoreFiles(Path data, Path shared, Path lock) {
    private static final String CREATING = ".cairn-creating";
    private static final String IN_MEMORY = "shm:";
    private static final Path MEMORY = Path.of("/dev/shm");

    /** As Linux has it. */
    private static final int MOST_LINKS = 40;

    /**
     * @param given a path, or {@code shm:NAME} for a store in the system's shared memory
     */
    static StoreFiles of(Path given) throws IOException {
        Path data = real(named(given).toAbsolutePath());
        if (Files.isDirectory(data)) {
            throw new IncompatibleFormat(data, "is a directory; name a file in it");
        }
        StoreFiles files = new StoreFiles(data, beside(data, "-shm"), beside(data, "-lock"));
        requireRegular(data, "");
        requireRegular(files.shared, ", where the shared-memory file of a store belongs");
        requireRegular(files.lock, ", where the lock file of a store belongs");
        Host.requireLocal(data, data.resolveSibling(""));
        return files;
    }

    /** The real path; of a file that is absent, and perhaps named by a symbolic link, that to be. */
    private static Path real(Path path) throws IOException {
        Path at = path;
        for (int links = 0; links <= MOST_LINKS; links++) {
            if (Files.exists(at)) {
                return at.toRealPath();
            }
            Path directory = at.getParent();
            Path name = at.getFileName();
            if (directory == null || name == null) {
                throw new NoSuchFileException(path.toString(), null, "names no file");
            }
            Path here = directory.toRealPath();
            if (!Files.isSymbolicLink(here.resolve(name))) {
                return here.resolve(name);
            }
            at = here.resolve(Files.readSymbolicLink(here.resolve(name)));
        }
        throw new FileSystemLoopException(path.toString());
    }

    /** To open a pipe would wait for its other end, without an end; devices have no bytes to map. */
    private static void requireRegular(Path file, String where) {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new IncompatibleFormat(
                    file, "is no regular file but a pipe, a device or the like" + where);
        }
    }

    private static Path named(Path given) {
        String text = given.toString();
        return text.startsWith(IN_MEMORY) ? inMemory(text.substring(IN_MEMORY.length())) : given;
    }

    /**
     * The path of a data file in the system's shared memory.
     *
     * @throws IllegalArgumentException if that is no name of a file
     */
    static Path inMemory(String name) {
        if (name.isEmpty() || name.contains("/") || name.equals(".") || name.equals("..")) {
            throw new IllegalArgumentException(
                    IN_MEMORY + name + ": expected shm:NAME, without a slash");
        }
        return MEMORY.resolve(name);
    }

    private static Path beside(Path data, String suffix) {
        return data.resolveSibling(data.getFileName() + suffix);
    }

    /** The data file while it is being created. */
    Path dataBeingMade() {
        return data.resolveSibling("." + data.getFileName() + CREATING);
    }

    /** The data file while one of several backups to it, of which one gives it its name, is made. */
    Path beingMade(UUID backup) {
        return data.resolveSibling("." + data.getFileName() + "." + backup + CREATING);
    }

    /** Removes the second name of a file that a backup gave its own and was killed. */
    void removeLeftByBackups() throws IOException {
        if (Files.exists(data) && Host.links(data) > 1) {
            for (Path left : leftByBackups()) {
                Files.deleteIfExists(left);
            }
        }
    }

    private List<Path> leftByBackups() throws IOException {
        List<Path> left = new ArrayList<>();
        String prefix = "." + data.getFileName() + ".";
        try (DirectoryStream<Path> siblings = Files.newDirectoryStream(data.resolveSibling(""))) {
            for (Path sibling : siblings) {
                String name = sibling.getFileName().toString();
                if (name.startsWith(prefix) && name.endsWith(CREATING) && isData(sibling)) {
                    left.add(sibling);
                }
            }
        }
        return left;
    }

    private boolean isData(Path sibling) throws IOException {
        try {
            return Files.isSameFile(sibling, data);
        } catch (NoSuchFileException _) {
            return false; // removed meanwhile
        }
    }

    /** The shared-memory file while it is being built. */
    Path sharedBeingMade() {
        return data.resolveSibling("." + shared.getFileName() + ".cairn-building");
    }

    /**
     * Refuses a file with several names, each of which would have locks of its own (RULE 6). Whoever
     * creates the store may take its other name away at any moment: then the names are counted anew.
     *
     * @throws IncompatibleFormat if it has
     */
    void requireOneName() throws IOException {
        int links = Host.links(data);
        while (links > 1 && links - leftByBackups().size() > 1) {
            int again = Host.links(data);
            if (again == links) {
                throw new IncompatibleFormat(
                        data, "has " + links + " hard links; remove all but one, or copy it");
            }
            links = again;
        }
    }
}
