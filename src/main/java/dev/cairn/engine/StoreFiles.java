package dev.cairn.engine;

import dev.cairn.IncompatibleFormat;
import dev.cairn.os.Host;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
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
 * The names of a store's files, all in one directory.
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
        StoreFiles files = at(data);
        requireRegular(data, "");
        requireRegular(files.shared, ", where the shared-memory file of a store belongs");
        requireRegular(files.lock, ", where the lock file of a store belongs");
        Host.requireLocal(data, data.resolveSibling(""));
        return files;
    }

    /** Of a data file by its real path, whatever lies there. */
    static StoreFiles at(Path data) {
        return new StoreFiles(data, beside(data, SHARED), beside(data, LOCK));
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
        boolean regular;
        try { // one look: the file may be removed at any time
            regular = Files.readAttributes(file, BasicFileAttributes.class).isRegularFile();
        } catch (IOException _) {
            return; // it is absent, or whoever opens it is told
        }
        if (!regular) {
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
        return data.resolveSibling("." + shared.getFileName() + BUILDING);
    }

    /** The name of the data file that goes with a shared-memory file's name; null if it is none. */
    static @Nullable String ofShared(String name) {
        return without(SHARED, name);
    }

    /** As {@link #ofShared}, of a lock file's name. */
    static @Nullable String ofLock(String name) {
        return without(LOCK, name);
    }

    private static @Nullable String without(String suffix, String name) {
        boolean its = name.endsWith(suffix) && name.length() > suffix.length();
        return its ? name.substring(0, name.length() - suffix.length()) : null;
    }

    /** Whether the name is a lock file's, be it in the making. */
    static boolean isLock(String name) {
        return ofLock(name) != null || MADE_LOCK.matcher(name).matches();
    }

    /**
     * The name of the data file for which a file of such a name is made, by whoever opens, backs up or
     * salvages to it; null if that is no such name. A salvage makes a whole store, with companions.
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

    /** Whether the name is that of a data file which a backup or a salvage makes. */
    static boolean isMadeWithId(String name) {
        Matcher its = MADE_DATA.matcher(name);
        return its.matches() && its.group(2) != null;
    }

    /** The file whose kernel lock tells whether somebody still makes that one with an id; else null. */
    static @Nullable Path madeWithId(Path file) {
        for (String name = file.getFileName().toString(); name != null; name = maker(name)) {
            if (isMadeWithId(name)) {
                return file.resolveSibling(name);
            }
        }
        return null;
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
