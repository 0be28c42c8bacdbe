package dev.cairn.engine;

import dev.cairn.IncompatibleFormat;
import dev.cairn.os.Host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.UUID;

/**
 * The names of a store's files, all in one directory.
 *
 * @param data the data file, by its real path (RULE 6)
 * @param shared the shared-memory file
 * @param lock the file whose bytes are locked and never read
 */
record StoreFiles(Path data, Path shared, Path lock) {
    private static final String IN_MEMORY = "shm:";
    private static final Path MEMORY = Path.of("/dev/shm");

    /**
     * @param given a path, or {@code shm:NAME} for a store in the system's shared memory
     */
    static StoreFiles of(Path given) throws IOException {
        Path path = inMemory(given).toAbsolutePath();
        Path directory = path.getParent();
        Path name = path.getFileName();
        if (directory == null || name == null) {
            throw new NoSuchFileException(path.toString(), null, "names no file");
        }
        Path data = Files.exists(path) ? path.toRealPath() : directory.toRealPath().resolve(name);
        if (Files.isDirectory(data)) {
            throw new IncompatibleFormat(data, "is a directory; name a file in it");
        }
        Host.requireLocal(data, data.resolveSibling(""));
        return new StoreFiles(data, beside(data, "-shm"), beside(data, "-lock"));
    }

    private static Path inMemory(Path given) {
        String text = given.toString();
        if (!text.startsWith(IN_MEMORY)) {
            return given;
        }
        String name = text.substring(IN_MEMORY.length());
        if (name.isEmpty() || name.contains("/")) {
            throw new IllegalArgumentException(text + ": expected shm:NAME, without a slash");
        }
        return MEMORY.resolve(name);
    }

    private static Path beside(Path data, String suffix) {
        return data.resolveSibling(data.getFileName() + suffix);
    }

    /** The data file while it is being created. */
    Path dataBeingMade() {
        return data.resolveSibling("." + data.getFileName() + ".cairn-creating");
    }

    /** The data file while one of several backups to it, of which one gives it its name, is made. */
    Path beingMade(UUID backup) {
        return data.resolveSibling("." + data.getFileName() + "." + backup + ".cairn-creating");
    }

    /** The shared-memory file while it is being built. */
    Path sharedBeingMade() {
        return data.resolveSibling("." + shared.getFileName() + ".cairn-building");
    }

    /**
     * Refuses a file with several names, each of which would have locks of its own (RULE 6).
     *
     * @throws IncompatibleFormat if it has
     */
    void requireOneName() throws IOException {
        int links = Host.links(data);
        if (links > 1) {
            throw new IncompatibleFormat(
                    data, "has " + links + " hard links; remove all but one, or copy it");
        }
    }
}
