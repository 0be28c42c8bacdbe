package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Locks on bytes of a file that nothing else ever opens: the kernel drops them when a process dies,
 * in whatever way, across PID namespaces, before anybody can take them for alive.
 *
 * <p>RULE 16: the kernel also drops all locks that a JVM holds on a file when that JVM closes
 * <em>any</em> channel of it, and most calls on a channel are closed by an interrupt. Therefore one
 * channel for reading and one for writing serve the whole JVM, on which only {@code tryLock} and
 * {@code release} are called, and they are closed when nobody here uses the file. Class loaders share
 * them through a system property that holds JDK types only.
 */
public final class KernelLocks implements AutoCloseable {
    private static final String PROPERTY = "dev.cairn.kernel-locks";
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int USERS = 2;

    /** What a try found. */
    public sealed interface Attempt {}

    /** The lock is held until it is released. */
    public record Held(FileLock lock) implements Attempt {
        /** Gives the lock back. */
        public void release() {
            try {
                lock.release();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    /** Another process has a lock there. */
    public record Elsewhere() implements Attempt {}

    /** This JVM has a lock there, or another thread of it is trying. */
    public record Here() implements Attempt {}

    private final Map<Object, @Nullable Object[]> files;
    private final Object key;
    private final FileChannel channel;

    private KernelLocks(Map<Object, @Nullable Object[]> files, Object key, FileChannel channel) {
        this.files = files;
        this.key = key;
        this.channel = channel;
    }

    /**
     * Uses a lock file, which is created if absent.
     *
     * @param writable false takes shared locks only and needs no right to write
     * @throws IOException if the file cannot be opened, or (when writable) not be created
     */
    public static KernelLocks open(
            Path file, boolean writable, Set<PosixFilePermission> permissions) throws IOException {
        if (writable && !Files.exists(file)) {
            create(file, permissions);
        }
        return openExisting(file, writable);
    }

    /** As {@link #open}, of a file that exists. */
    public static KernelLocks openExisting(Path file, boolean writable) throws IOException {
        Map<Object, @Nullable Object[]> files = filesOfThisJvm();
        synchronized (files) {
            Object key = key(file);
            @Nullable Object[] entry =
                    files.computeIfAbsent(key, _ -> new Object[] {null, null, 0});
            int mode = writable ? WRITE : READ;
            FileChannel channel = (FileChannel) entry[mode];
            if (channel == null) {
                channel =
                        writable
                                ? FileChannel.open(
                                        file, StandardOpenOption.READ, StandardOpenOption.WRITE)
                                : FileChannel.open(file, StandardOpenOption.READ);
                entry[mode] = channel;
            }
            entry[USERS] = users(entry) + 1;
            return new KernelLocks(files, key, channel);
        }
    }

    /** The file itself rather than its name, of which a bind mount gives it two. */
    private static Object key(Path file) throws IOException {
        Object key = Files.readAttributes(file, BasicFileAttributes.class).fileKey();
        return key == null ? file.toRealPath().toString() : key;
    }

    private static int users(@Nullable Object[] entry) {
        return entry[USERS] instanceof Integer count ? count : 0;
    }

    private static void create(Path file, Set<PosixFilePermission> permissions) throws IOException {
        FileAttribute<?> attribute = PosixFilePermissions.asFileAttribute(permissions);
        try {
            Files.createFile(file, attribute);
        } catch (java.nio.file.FileAlreadyExistsException _) {
            return; // another process was faster: the same file
        }
    }

    @SuppressWarnings("unchecked") // the property is ours
    private static Map<Object, @Nullable Object[]> filesOfThisJvm() {
        return (Map<Object, @Nullable Object[]>)
                System.getProperties().computeIfAbsent(PROPERTY, _ -> new HashMap<>());
    }

    /** Tries once for a lock that nobody else may share. */
    public Attempt tryExclusive(long at, long length) {
        return attempt(at, length, false);
    }

    /** Tries once for a lock that others may share. */
    public Attempt tryShared(long at, long length) {
        return attempt(at, length, true);
    }

    private Attempt attempt(long at, long length, boolean shared) {
        try {
            FileLock lock = channel.tryLock(at, length, shared);
            return lock == null ? new Elsewhere() : new Held(lock);
        } catch (OverlappingFileLockException _) {
            return new Here();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (files) {
            @Nullable Object[] entry = files.get(key);
            if (entry == null) {
                return;
            }
            int left = users(entry) - 1;
            entry[USERS] = left;
            if (left == 0) {
                files.remove(key);
                for (int mode : new int[] {READ, WRITE}) {
                    if (entry[mode] instanceof FileChannel open) {
                        open.close();
                    }
                }
            }
        }
    }
}
