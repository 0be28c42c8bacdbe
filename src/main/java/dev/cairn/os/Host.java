package dev.cairn.os;

import dev.cairn.UnsupportedFileSystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;

/** What Cairn asks of the machine it runs on. */
public final class Host {
    private static final UUID NO_BOOT = new UUID(0, 0);
    private static final Set<PosixFilePermission> OWNER_ONLY =
            PosixFilePermissions.fromString("rw-------");

    /** File systems that other hosts change, or whose mappings are not one memory for all. */
    private static final Set<String> NETWORK =
            Set.of(
                    "nfs",
                    "nfs4",
                    "cifs",
                    "smb",
                    "smb2",
                    "smb3",
                    "smbfs",
                    "9p",
                    "afs",
                    "ceph",
                    "fuse.ceph",
                    "fuse.sshfs",
                    "fuse.s3fs",
                    "fuse.glusterfs",
                    "lustre",
                    "gpfs",
                    "ocfs2",
                    "gfs2",
                    "coda",
                    "ncpfs",
                    "afpfs",
                    "webdav",
                    "fuse.davfs");

    private static final SecureRandom RANDOM = new SecureRandom();

    private Host() {}

    static UUID randomId() {
        return new UUID(RANDOM.nextLong(), RANDOM.nextLong());
    }

    /**
     * Identity of this boot of the kernel; the nil UUID where the system tells none, which equals no
     * boot: a store is then always recovered from its last checkpoint unless it was closed.
     */
    public static UUID bootId() {
        try {
            return UUID.fromString(
                    Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip());
        } catch (IOException | IllegalArgumentException _) {
            return NO_BOOT;
        }
    }

    public static boolean mayBeSameBoot(UUID recorded) {
        return recorded.equals(NO_BOOT) || bootId().equals(NO_BOOT) || recorded.equals(bootId());
    }

    /** Whether that was certainly recorded since this machine was started. */
    public static boolean sameBoot(UUID recorded) {
        return !recorded.equals(NO_BOOT) && recorded.equals(bootId());
    }

    /**
     * Refuses what is not one memory for all processes, as far as the system tells: in a chroot, without
     * /proc or without a free file descriptor it may not.
     *
     * @throws UnsupportedFileSystem if the directory certainly lies on a network file system
     */
    public static void requireLocal(Path file, Path directory) {
        String type = fileSystemType(directory);
        if (isNetwork(type)) {
            throw new UnsupportedFileSystem(
                    file,
                    "lies on a network file system ("
                            + type
                            + "), where memory is not shared between processes; use a local one");
        }
    }

    static boolean isNetwork(String type) {
        return NETWORK.contains(type.toLowerCase(Locale.ROOT));
    }

    /** Empty where the system does not tell. */
    private static String fileSystemType(Path directory) {
        try {
            return Files.getFileStore(directory).type();
        } catch (IOException _) {
            return ""; // if the directory cannot be used at all, what comes next says so, and why
        }
    }

    /** The file's inode number, the same for every name of it; 0 where the system tells none. */
    public static long inode(Path file) throws IOException {
        try {
            return (long) Files.getAttribute(file, "unix:ino");
        } catch (UnsupportedOperationException | IllegalArgumentException _) {
            return 0;
        }
    }

    /** How many names the file has; 1 where the system does not tell. */
    public static int links(Path file) throws IOException {
        try {
            return (int) Files.getAttribute(file, "unix:nlink");
        } catch (UnsupportedOperationException | IllegalArgumentException _) {
            return 1;
        }
    }

    /** Up to so many bytes of a file, fewer where it ends before. */
    public static byte[] read(Path file, long at, int bytes) throws IOException {
        try (OpenFile open = OpenFile.open(file, false)) {
            return open.read(at, bytes);
        }
    }

    /** As {@link #create(Path, byte[], Access)}, of whoever creates it. */
    public static void create(Path file, byte[] content, Set<PosixFilePermission> permissions)
            throws IOException {
        create(file, content, Access.of(permissions));
    }

    /**
     * Creates a file with that content, durable but for its name.
     *
     * @param file a name by which nobody seeks it
     * @throws NoSpace if there is no space for the content; the file is then not there
     * @throws java.nio.file.FileAlreadyExistsException if it exists
     */
    public static void create(Path file, byte[] content, Access access) throws IOException {
        make(file, access);
        try {
            Uninterrupted.act(() -> write(file, content));
        } catch (IOException e) {
            IOException why = NoSpace.orElse(file, e);
            Files.deleteIfExists(file); // what was written of it would keep the rest of the space
            throw why;
        }
    }

    /** Makes an empty file, which is its owner's alone until the access is given. */
    private static void make(Path file, Access access) throws IOException {
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        } catch (UnsupportedOperationException _) {
            Files.createFile(file);
        }
        access.give(file);
    }

    /**
     * Makes an empty file unless it exists; whoever finds it finds it with the access that it was
     * given. If several make it at once, there is one.
     */
    public static void createIfAbsent(Path file, Access access) throws IOException {
        Path made = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
        try {
            make(made, access);
            Files.createLink(file, made);
        } catch (FileAlreadyExistsException _) {
            return; // another process was faster: the same file
        } catch (UnsupportedOperationException | FileSystemException _) {
            createInPlace(file, access); // a file system without hard links, or the reason is told
        } finally {
            Files.deleteIfExists(made);
        }
    }

    private static void createInPlace(Path file, Access access) throws IOException {
        try {
            make(file, access);
        } catch (FileAlreadyExistsException _) {
            return; // as above
        }
    }

    private static void write(Path file, byte[] content) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer buffer = ByteBuffer.wrap(content);
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
            channel.force(true);
        }
    }

    /** Makes names that were made, renamed or removed in a directory durable. */
    public static void forceDirectory(Path directory) throws IOException {
        Uninterrupted.act(() -> forceOnce(directory));
    }

    private static void forceOnce(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
