package dev.cairn.os;

import dev.cairn.UnsupportedFileSystem;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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

/** Calls to the machine on which Cairn runs. */
public final class Host {
    private static final UUID NO_BOOT = new UUID(0, 0);
    private static final Set<PosixFilePermission> OWNER_ONLY =
            PosixFilePermissions.fromString("rw-------");

    /**
     * File systems that other hosts may change, or whose mappings are not one memory for all
     * processes.
     */
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
     * The identity of this boot of the kernel. If the system does not tell it, it is the nil UUID,
     * which equals no boot: a store that was not closed is then always recovered from its last
     * checkpoint.
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

    /** Whether the recorded boot is certainly the present one. */
    public static boolean sameBoot(UUID recorded) {
        return !recorded.equals(NO_BOOT) && recorded.equals(bootId());
    }

    /**
     * Refuses a directory whose mappings are not one memory for all processes, as far as the system
     * tells. In a chroot, without /proc or without a free file descriptor it may not.
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

    /**
     * Refuses a processor that stores the most significant byte of a number first. The files are
     * little-endian, and some of their words are the kernel's too, which reads them in its own order.
     *
     * @param order the byte order of the processor
     * @throws UnsupportedOperationException if it is big-endian
     */
    public static void requireLittleEndian(Path file, ByteOrder order) {
        if (order != ByteOrder.LITTLE_ENDIAN) {
            throw new UnsupportedOperationException(
                    file
                            + ": expected a little-endian processor, such as x86-64 or AArch64; found "
                            + System.getProperty("os.arch")
                            + ", which is big-endian");
        }
    }

    static boolean isNetwork(String type) {
        return NETWORK.contains(type.toLowerCase(Locale.ROOT));
    }

    /** The type of the file system; empty if the system does not tell it. */
    private static String fileSystemType(Path directory) {
        try {
            return Files.getFileStore(directory).type();
        } catch (IOException _) {
            return ""; // if the directory cannot be used at all, the next call fails and says why
        }
    }

    /**
     * The file's inode number, which is the same for every name of the file; 0 if the system does
     * not tell it.
     */
    public static long inode(Path file) throws IOException {
        try {
            return (long) Files.getAttribute(file, "unix:ino");
        } catch (UnsupportedOperationException | IllegalArgumentException _) {
            return 0;
        }
    }

    /** The number of names of the file; 1 if the system does not tell it. */
    public static int links(Path file) throws IOException {
        try {
            return (int) Files.getAttribute(file, "unix:nlink");
        } catch (UnsupportedOperationException | IllegalArgumentException _) {
            return 1;
        }
    }

    /** Reads up to that many bytes of a file; fewer if the file ends before. */
    public static byte[] read(Path file, long at, int bytes) throws IOException {
        try (OpenFile open = OpenFile.open(file, false)) {
            return open.read(at, bytes);
        }
    }

    /**
     * Creates a file as {@link #create(Path, byte[], Access)} does, with the owner and group of
     * this process.
     */
    public static void create(Path file, byte[] content, Set<PosixFilePermission> permissions)
            throws IOException {
        create(file, content, Access.of(permissions));
    }

    /**
     * Creates a file with that content. It is durable, except for its name.
     *
     * @param file a name under which nobody looks for the file
     * @throws NoSpace if there is no space for the content; the file does not exist then
     * @throws java.nio.file.FileAlreadyExistsException if the file exists
     */
    public static void create(Path file, byte[] content, Access access) throws IOException {
        make(file, access);
        try {
            Uninterrupted.act(() -> write(file, content));
        } catch (IOException e) {
            IOException why = NoSpace.orElse(file, e);
            Files.deleteIfExists(file); // a partly written file would keep the rest of the space
            throw why;
        }
    }

    /** Creates an empty file that only its owner may use, until the access is applied. */
    private static void make(Path file, Access access) throws IOException {
        try {
            Files.createFile(file, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
        } catch (UnsupportedOperationException _) {
            Files.createFile(file);
        }
        access.give(file);
    }

    /**
     * Creates an empty file unless it exists. When others see it, it has its access already. If
     * several processes create it at once, there is one file.
     */
    public static void createIfAbsent(Path file, Access access) throws IOException {
        Path made = file.resolveSibling("." + file.getFileName() + "." + UUID.randomUUID());
        try {
            make(made, access);
            Files.createLink(file, made);
        } catch (FileAlreadyExistsException _) {
            return; // another process was faster: the same file
        } catch (UnsupportedOperationException | FileSystemException _) {
            // a file system without hard links; any other reason is thrown now
            createInPlace(file, access);
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

    /**
     * Makes changes of names in a directory durable: files that were created, renamed or removed.
     */
    public static void forceDirectory(Path directory) throws IOException {
        Uninterrupted.act(() -> forceOnce(directory));
    }

    private static void forceOnce(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }
}
