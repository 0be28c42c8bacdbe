package dev.cairn.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.cairn.Recovery.Kind;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.io.TempDirFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.StringTokenizer;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * Attacks the permissions of a store's files. Processes of several users open stores under several
 * umasks. Most tests need the superuser, and are skipped visibly for any other user.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SeveralUsersIT {
    private static final int NOBODY = 65534;
    private static final int ANOTHER = 1234;
    private static final Set<PosixFilePermission> ALL_WRITE = permissions("rw-rw-rw-");
    private static final Set<PosixFilePermission> GROUP_WRITES = permissions("rw-rw----");
    private static final Set<PosixFilePermission> OWNER_ONLY = permissions("rw-------");

    @RegisterExtension final Children children = new Children();

    @TempDir(factory = ForAll.class)
    Path directory;

    /** A directory that even users can enter who may not look into the checkout. */
    static final class ForAll implements TempDirFactory {
        @Override
        public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context)
                throws IOException {
            Path shared = Path.of("/dev/shm");
            Path made =
                    Files.isWritable(shared)
                            ? Files.createTempDirectory(shared, "cairn-users")
                            : Files.createTempDirectory("cairn-users");
            Files.setPosixFilePermissions(made, permissions("rwxrwxrwx"));
            return made;
        }
    }

    private static Set<PosixFilePermission> permissions(String text) {
        return PosixFilePermissions.fromString(text);
    }

    private Path file() {
        return directory.resolve("store");
    }

    private Path sharedMemory() {
        return directory.resolve("store-shm");
    }

    private List<Path> files() {
        return List.of(file(), sharedMemory(), directory.resolve("store-lock"));
    }

    private static void assumeSuperuser() throws IOException {
        assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "not root");
        Process trial =
                new ProcessBuilder("setpriv", "--reuid", "1", "--clear-groups", "true").start();
        assumeTrue(trial.onExit().join().exitValue() == 0, "setpriv does not work here");
    }

    private Child under(String umask) {
        return children.start(List.of("sh", "-c", "umask " + umask + "; exec \"$@\"", "sh"));
    }

    private Child as(int user, String umask) throws IOException {
        String become =
                "umask %s; exec setpriv --reuid %d --regid %d --clear-groups \"$@\""
                        .formatted(umask, user, user);
        return children.start(List.of("sh", "-c", become, "sh"), readableClassPath());
    }

    /** A class path of copies of what the library needs, which everybody can read. */
    private String readableClassPath() throws IOException {
        Path copies = directory.resolve("classes");
        List<String> entries = new ArrayList<>();
        var all = new StringTokenizer(System.getProperty("java.class.path"), File.pathSeparator);
        while (all.hasMoreTokens()) {
            Path entry = Path.of(all.nextToken());
            String name = entry.getFileName().toString();
            if (Files.isDirectory(entry)
                    || name.startsWith("cairn-")
                    || name.startsWith("hash4j")) {
                Path copy = copies.resolve(Integer.toString(entries.size()));
                entries.add(copy.toString());
                copyReadable(entry, copy);
            }
        }
        return String.join(File.pathSeparator, entries);
    }

    private static void copyReadable(Path from, Path to) throws IOException {
        try (Stream<Path> tree = Files.walk(from)) {
            for (Path each : (Iterable<Path>) tree::iterator) {
                Path copy = to.resolve(from.relativize(each).toString());
                if (Files.isDirectory(each)) {
                    Files.createDirectories(copy);
                } else if (!Files.exists(copy)) {
                    Files.createDirectories(copy.toAbsolutePath().getParent());
                    Files.copy(each, copy);
                }
            }
        }
        Process chmod = new ProcessBuilder("chmod", "-R", "a+rX", to.toString()).start();
        assertThat(chmod.onExit().join().exitValue()).isZero();
    }

    private static void assertPermissions(List<Path> files, Set<PosixFilePermission> expected)
            throws IOException {
        for (Path file : files) {
            assertThat(Files.getPosixFilePermissions(file)).as(file.toString()).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"022", "077", "000"})
    void permissionsAreGivenWhateverTheUmask(String umask) throws IOException {
        Child child = under(umask);
        child.ask("open as", file(), "rw-rw-rw-");
        child.ask("put", "key", 100);
        child.ask("checkpoint");
        Path target = directory.resolve("backup");
        child.ask("backup", target);
        assertPermissions(files(), ALL_WRITE);
        assertPermissions(List.of(target), ALL_WRITE);
        try (Stream<Path> left = Files.list(directory)) {
            assertThat(left).hasSize(files().size() + 1);
        }
    }

    @Test
    void withoutThemFilesAreTheirOwnersAlone() throws IOException {
        Child child = under("000");
        child.ask("open", file());
        child.ask("put", "key", 100);
        assertPermissions(files(), OWNER_ONLY);
    }

    @ParameterizedTest
    @ValueSource(strings = {"022", "077"})
    void twoUsersWriteToOneStore(String umask) throws IOException {
        assumeSuperuser();
        Child root = under(umask);
        root.ask("open as", file(), "rw-rw-rw-");
        root.ask("put", "first", 100);
        Child nobody = as(NOBODY, umask);
        assertThat(nobody.ask("open", file())).isEqualTo(Kind.JOINED.toString());
        nobody.ask("put", "second", 100);
        assertThat(root.ask("verify")).isEqualTo("2");
        assertThat(root.ask("close")).isEqualTo("closed");
        assertThat(nobody.ask("close")).isEqualTo("closed");
    }

    /** The user who opens first makes the file, and owns it then. */
    @ParameterizedTest
    @ValueSource(strings = {"store-shm", "store-lock"})
    void lostFileIsMadeAgainForAllWhoMayUseTheData(String lost) throws IOException {
        assumeSuperuser();
        Child root = under("022");
        root.ask("open as", file(), "rw-rw-rw-");
        root.ask("put", "first", 100);
        root.ask("checkpoint");
        root.ask("close");
        Files.delete(directory.resolve(lost));
        Child nobody = as(NOBODY, "077");
        nobody.ask("open", file());
        assertPermissions(files(), ALL_WRITE);
        Child another = as(ANOTHER, "022");
        assertThat(another.ask("open", file())).isEqualTo(Kind.JOINED.toString());
        another.ask("put", "second", 100);
        assertThat(nobody.ask("verify")).isEqualTo("2");
    }

    @Test
    void lostFileGetsOwnerAndGroupOfTheData() throws IOException {
        assumeSuperuser();
        Child root = under("022");
        root.ask("open as", file(), "rw-rw----");
        root.ask("put", "first", 100);
        root.ask("close");
        for (Path file : files()) {
            Files.setAttribute(file, "unix:gid", ANOTHER);
            Files.setAttribute(file, "unix:uid", NOBODY);
        }
        Files.delete(sharedMemory());
        root.ask("open", file());
        assertPermissions(List.of(sharedMemory()), GROUP_WRITES);
        assertThat(Files.getAttribute(sharedMemory(), "unix:uid")).isEqualTo(NOBODY);
        assertThat(Files.getAttribute(sharedMemory(), "unix:gid")).isEqualTo(ANOTHER);
    }

    /**
     * The owner need not be in the group. The file must not be given to members of the owner's own
     * group instead.
     */
    @Test
    void groupThatCannotBeGivenIsReplacedByNone() throws IOException {
        assumeSuperuser();
        Child root = under("022");
        root.ask("open as", file(), "rw-rw----");
        root.ask("close");
        for (Path file : files()) {
            Files.setAttribute(file, "unix:gid", ANOTHER);
            Files.setAttribute(file, "unix:uid", NOBODY);
        }
        Files.delete(sharedMemory());
        Child nobody = as(NOBODY, "022");
        nobody.ask("open", file());
        assertPermissions(List.of(file()), GROUP_WRITES);
        assertPermissions(List.of(sharedMemory()), OWNER_ONLY);
    }

    @Test
    void whoMayNotReadSharedMemoryReadsTheLastCheckpoint() throws IOException {
        assumeSuperuser();
        Child root = under("022");
        root.ask("open as", file(), "rw-r--r--");
        root.ask("put", "first", 100);
        root.ask("checkpoint");
        root.ask("put", "second", 100);
        Files.setPosixFilePermissions(sharedMemory(), OWNER_ONLY);
        Child nobody = as(NOBODY, "022");
        assertThat(nobody.ask("view", file())).isEqualTo(Kind.SNAPSHOT.toString());
        assertThat(nobody.ask("verify")).isEqualTo("1");
    }

    /** The user may not create files in the directory. Nothing of the attempt may be left. */
    @Test
    void whoMayNotWriteTheDirectoryIsToldThatItCannotBeCreatedThere() throws IOException {
        assumeSuperuser();
        Child nobody = as(NOBODY, "022");
        Path closed = Files.createDirectory(directory.resolve("closed"));
        Files.setPosixFilePermissions(closed, permissions("rwxr-xr-x"));
        Path there = closed.resolve("store");
        nobody.tell("open", there);
        assertThat(nobody.hear()).startsWith(Acting.FAILED).contains(there.toString());
        assertThat(closed).isEmptyDirectory();
        Files.setPosixFilePermissions(closed, permissions("rwxrwxrwx"));
        assertThat(nobody.ask("open", there)).isEqualTo(Kind.CREATED.toString());
        nobody.ask("put", "first", 100);
        assertThat(nobody.ask("close")).isEqualTo("closed");
    }

    /** Each file in turn is unreadable, for a closed store and for one that is open elsewhere. */
    @ParameterizedTest
    @CsvSource({
        "store, ---------, true",
        "store, ---------, false",
        "store, r--r--r--, true",
        "store, r--r--r--, false",
        "store-shm, ---------, true",
        "store-shm, ---------, false",
        "store-shm, r--r--r--, true",
        "store-shm, r--r--r--, false",
        "store-lock, ---------, true",
        "store-lock, ---------, false",
        "store-lock, r--r--r--, true",
        "store-lock, r--r--r--, false",
    })
    void whoMayNotUseOneOfTheFilesIsToldWhich(String denied, String left, boolean open)
            throws IOException {
        assumeSuperuser();
        Child root = under("022");
        root.ask("open as", file(), "rw-rw-rw-");
        root.ask("put", "first", 100);
        root.ask("checkpoint");
        if (!open) {
            root.ask("close");
        }
        Path one = directory.resolve(denied);
        Object inode = Files.getAttribute(one, "unix:ino");
        Files.setPosixFilePermissions(directory, permissions("rwxr-xr-x"));
        Files.setPosixFilePermissions(one, permissions(left));
        Child nobody = as(NOBODY, "022");
        nobody.tell("open", file());
        assertThat(nobody.hear()).startsWith(Acting.FAILED).contains(one.toString());
        assertThat(Files.getAttribute(one, "unix:ino")).isEqualTo(inode);
        if (open) {
            root.ask("put", "second", 100);
            assertThat(root.ask("verify")).isEqualTo("2");
        }
        Files.setPosixFilePermissions(one, ALL_WRITE);
        assertThat(nobody.ask("open", file())).isEqualTo((open ? Kind.JOINED : Kind.CLEAN).name());
        nobody.ask("put", "third", 100);
        assertThat(nobody.ask("verify")).isEqualTo(open ? "3" : "2");
        assertThat(nobody.ask("close")).isEqualTo("closed");
    }

    @Test
    void whoMayNotReadAStoreInSharedMemoryIsToldSo() throws IOException {
        assumeSuperuser();
        String name = "cairn-test-" + UUID.randomUUID();
        Child root = under("022");
        root.ask("open as", "shm:" + name, "rw-------");
        root.ask("put", "first", 100);
        Child nobody = as(NOBODY, "022");
        String unreadable = "UNREADABLE /dev/shm/" + name + ": permission denied";
        assertThat(nobody.ask("listed", name)).isEqualTo(unreadable);
        root.ask("close");
        assertThat(nobody.ask("listed", name)).isEqualTo(unreadable);
        nobody.tell("discard", name);
        assertThat(nobody.hear()).contains(AccessDeniedException.class.getName(), name);
        assertThat(root.ask("listed", name)).isEqualTo("UNUSED ");
        root.ask("discard", name);
        assertThat(root.ask("listed", name)).isEqualTo("none");
    }

    /**
     * One process lost its kernel lock by copying its files. The other is shown only its own
     * processes.
     */
    @Test
    void whoIsNotShownTheOthersProcessAsksIt() throws IOException {
        assumeSuperuser();
        String hiding = "mount -t proc -o hidepid=2 proc /proc";
        Process trial = new ProcessBuilder("unshare", "--mount", "sh", "-c", hiding).start();
        assumeTrue(trial.onExit().join().exitValue() == 0, "/proc cannot be mounted here");
        Child root = children.startPortable(List.of());
        root.ask("open as", file(), "rw-rw-rw-");
        root.ask("put", "first", 100);
        root.ask("copy", file());
        String become =
                hiding
                        + " && exec setpriv --reuid %d --regid %d --clear-groups \"$@\""
                                .formatted(NOBODY, NOBODY);
        Child nobody =
                children.start(
                        List.of("unshare", "--mount", "sh", "-c", become, "sh"),
                        readableClassPath());
        assertThat(nobody.ask("open", file())).isEqualTo(Kind.JOINED.toString());
        nobody.ask("put", "second", 100);
        assertThat(root.ask("verify")).isEqualTo("2");
    }
}
