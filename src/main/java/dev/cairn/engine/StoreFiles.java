package dev.cairn.engine;

import dev.cairn.IncompatibleFormat;
import dev.cairn.os.Host;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names of a store's files, which are all in one directory.
 *
 * @param data the data file, by its real path (RULE 6)
 * @param shared the shared-memory file
 * @param lock the file whose bytes are locked and never read
 */
record StoreFiles(Path data, Path shared, Path lock) {
    static final String SHARED = "-shm";
    static final String LOCK = "-lock";
    private static final String CREATING = ".cairn-creating";
    private static final String BUILDING = ".cairn-building";
    private static final String IN_MEMORY = "shm:";
    static final Path MEMORY = Path.of("/dev/shm");

    private static final String ID = "\\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
    private static final Pattern MADE_DATA =
            Pattern.compile("\\.(.+?)(" + ID + ")?\\.cairn-creating", Pattern.DOTALL);
    private static final Pattern MADE_SHARED =
            Pattern.compile("\\.(.+)-shm\\.cairn-building", Pattern.DOTALL);
    private static final Pattern MADE_LOCK = Pattern.compile("\\.(.+)-lock" + ID, Pattern.DOTALL);

    /** The limit that Linux has. */
    private static final int MOST_LINKS = 40;

    /**
     * @param given a path, or {@code shm:NAME} for a store in the system's shared memory
     */
    static StoreFiles of(Path given) throws IOException {
        Path data = real(named(given).toAbsolutePath());
        if (Files.isDirectory(data)) {
            throw new IncompatibleFormat(data, "is a directory; name a file in it");
        }
        StoreFiles files = at(data);
        requireRegular(data, "");
        requireRegular(files.shared, ", and has the name of the shared-memory file of a store");
        requireRegular(files.lock, ", and has the name of the lock file of a store");
        Host.requireLittleEndian(data, ByteOrder.nativeOrder());
        Host.requireLocal(data, data.resolveSibling(""));
        return files;
    }

    /** The files of a data file with this real path, whatever lies there. */
    static StoreFiles at(Path data) {
        return new StoreFiles(data, beside(data, SHARED), beside(data, LOCK));
    }

    /**
     * The real path. If the file is absent, and may be named by a symbolic link, it is the path
     * that the file will have.
     */
    private static Path real(Path path) throws IOException {
        Path at = path;
        for (int links = 0; links <= MOST_LINKS; links++) {
            if (Files.exists(at)) {
                try {
                    return at.toRealPath();
                } catch (NoSuchFileException _) {
                    // it was removed meanwhile, and is treated as absent
                }
            }
            Path directory = at.getParent();
            Path name = at.getFileName();
            if (directory == null || name == null) {
                throw new NoSuchFileException(path.toString(), null, "the path names no file");
            }
            Path here = directory.toRealPath();
            if (!Files.isSymbolicLink(here.resolve(name))) {
                return here.resolve(name);
            }
            at = here.resolve(Files.readSymbolicLink(here.resolve(name)));
        }
        throw new FileSystemLoopException(path.toString());
    }

    /**
     * Requires a regular file. To open a pipe would wait for its other end for ever; devices have
     * no bytes to map.
     */
    private static void requireRegular(Path file, String where) {
        boolean regular;
        try { // one look: the file may be removed at any time
            regular = Files.readAttributes(file, BasicFileAttributes.class).isRegularFile();
        } catch (IOException _) {
            return; // it is absent, or an opener gets the error
        }
        if (!regular) {
            throw new IncompatibleFormat(
                    file, "is not a regular file but a pipe, a device or the like" + where);
        }
    }

    private static Path named(Path given) {
        String text = given.toString();
        return text.startsWith(IN_MEMORY) ? inMemory(text.substring(IN_MEMORY.length())) : given;
    }

    /**
     * The path of a data file in the system's shared memory.
     *
     * @throws IllegalArgumentException if the name cannot be the name of a file
     */
    static Path inMemory(String name) {
        if (name.isEmpty() || name.contains("/") || name.equals(".") || name.equals("..")) {
            throw new IllegalArgumentException(
                    IN_MEMORY + name + ": expected shm:NAME, where NAME has no slash");
        }
        return MEMORY.resolve(name);
    }

    private static Path beside(Path data, String suffix) {
        return data.resolveSibling(data.getFileName() + suffix);
    }

    /** The name of the data file while it is being created. */
    Path dataBeingMade() {
        return data.resolveSibling("." + data.getFileName() + CREATING);
    }

    /**
     * The name of the data file while a backup makes it. Several backups may do so, of which one
     * gives it its final name.
     */
    Path beingMade(UUID backup) {
        return data.resolveSibling("." + data.getFileName() + "." + backup + CREATING);
    }

    /**
     * Removes the second name of a file, if a backup gave the file its own name and was killed
     * then.
     */
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

    /** The name of the shared-memory file while it is being built. */
    Path sharedBeingMade() {
        return data.resolveSibling("." + shared.getFileName() + BUILDING);
    }

    /** Removes all files of a store that nobody has open, including those in creation. */
    void remove() throws IOException {
        for (Path each : List.of(dataBeingMade(), data, sharedBeingMade(), shared, lock)) {
            Files.deleteIfExists(each);
        }
    }

    /**
     * The name of the data file for the name of a shared-memory file; null if it is no such name.
     */
    static @Nullable String ofShared(String name) {
        return without(SHARED, name);
    }

    /** The name of the data file for the name of a lock file; null if it is no such name. */
    static @Nullable String ofLock(String name) {
        return without(LOCK, name);
    }

    private static @Nullable String without(String suffix, String name) {
        boolean its = name.endsWith(suffix) && name.length() > suffix.length();
        return its ? name.substring(0, name.length() - suffix.length()) : null;
    }

    /** Whether the name is that of a lock file, even of one in creation. */
    static boolean isLock(String name) {
        return ofLock(name) != null || MADE_LOCK.matcher(name).matches();
    }

    /**
     * The name of the data file for which a file of such a name is created, by an opening, a backup
     * or a salvage; null if it is no such name. A salvage creates a whole store, with companions.
     */
    static @Nullable String madeFor(String name) {
        String made = null;
        for (String next = maker(name); next != null; next = maker(next)) {
            made = next;
        }
        return made;
    }

    private static @Nullable String maker(String name) {
        for (Pattern each : List.of(MADE_DATA, MADE_SHARED, MADE_LOCK)) {
            Matcher its = each.matcher(name);
            if (its.matches()) {
                return its.group(1);
            }
        }
        for (String suffix : List.of(SHARED, LOCK)) {
            String data = without(suffix, name);
            if (data != null && isMadeWithId(data)) {
                return data;
            }
        }
        return null;
    }

    /** Whether the name is that of a data file which a backup or a salvage creates. */
    static boolean isMadeWithId(String name) {
        Matcher its = MADE_DATA.matcher(name);
        return its.matches() && its.group(2) != null;
    }

    /**
     * The file whose kernel lock tells whether a process is still creating the file with that ID;
     * null if there is none.
     */
    static @Nullable Path madeWithId(Path file) {
        for (String name = file.getFileName().toString(); name != null; name = maker(name)) {
            if (isMadeWithId(name)) {
                return file.resolveSibling(name);
            }
        }
        return null;
    }

    /**
     * Refuses a file with several names, each of which would have its own locks (RULE 6). The
     * process that creates the store may remove its other name at any moment: then the names are
     * counted again.
     *
     * @throws IncompatibleFormat if it has several names
     */
    void requireOneName() throws IOException {
        int links = Host.links(data);
        while (links > 1 && links - leftByBackups().size() > 1) {
            int again = Host.links(data);
            if (again == links) {
                throw new IncompatibleFormat(
                        data,
                        "has "
                                + links
                                + " hard links, and a store may have one; remove the"
                                + " others, or copy the file");
            }
            links = again;
        }
    }
}
