package dev.cairn.os;

import dev.cairn.SystemFailure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Locks on bytes of a file that no other code ever opens. When a process dies, in whatever way, the
 * kernel drops its locks, across PID namespaces, before anybody can take it for alive.
 *
 * <p>RULE 16. If the program allows native calls, and the kernel has such locks, an open file
 * description that nobody else has owns them, and only its end drops them. Otherwise the process
 * owns them. Then the kernel also drops all of them when this JVM closes <em>any</em> channel of
 * the file, for example when it copies the store's directory, and an interrupt closes the channel
 * in most calls on it. In the kernel both kinds exclude each other.
 */
public final class KernelLocks implements AutoCloseable {
    /**
     * The byte that a process locks while it opens or closes the store. A lock file is closed while
     * this byte is held. To close it drops all locks on the file that this process owns, including
     * those of another copy of this library; none of those is a lock of opening then.
     */
    public static final long OPEN_BYTE = 0;

    /** The result of an attempt. */
    public sealed interface Attempt {}

    /** The lock is held until it is released. */
    public record Held(Path file, Release how) implements Attempt {
        /** Releases the lock. */
        public void release() {
            try {
                how.release();
            } catch (IOException e) {
                throw new SystemFailure(file, "a lock could not be released", e);
            }
        }
    }

    /** Releases a lock. */
    public interface Release {
        void release() throws IOException;
    }

    /** The kernel says that another process has a lock there. */
    public record Elsewhere() implements Attempt {}

    /** This JVM has a lock there, or another thread of it is trying. */
    public record Here() implements Attempt {}

    private final Path path;
    private final LockFile file;

    private KernelLocks(Path path, LockFile file) {
        this.path = path;
        this.file = file;
    }

    /**
     * Opens a lock file, and creates it if it is absent.
     *
     * @throws IOException if the file cannot be opened or created
     */
    public static KernelLocks open(Path file, Access access) throws IOException {
        if (!Files.exists(file)) {
            Host.createIfAbsent(file, access);
        }
        return openExisting(file, true);
    }

    /**
     * Opens a lock file that exists.
     *
     * @param writable false to take only shared locks, without the right to write
     * @throws IOException if the file cannot be opened
     */
    public static KernelLocks openExisting(Path file, boolean writable) throws IOException {
        LockFile own = DescriptorLocks.open(file, writable);
        return new KernelLocks(file, own == null ? ChannelLocks.open(file, writable) : own);
    }

    /** Whether these locks can be dropped only by their release. */
    public boolean areCertain() {
        return file instanceof DescriptorLocks;
    }

    /** Tries once for an exclusive lock. */
    public Attempt tryExclusive(long at, long length) {
        return attempt(at, length, false);
    }

    /** Tries once for a shared lock. */
    public Attempt tryShared(long at, long length) {
        return attempt(at, length, true);
    }

    /**
     * Whether another user has a lock there, even a shared one. If native calls are not allowed, it
     * tries for a lock and releases it; if the file was opened for reading, it does not see shared
     * locks then.
     */
    public boolean isLocked(long at, long length) {
        try {
            return file.isLocked(at, length);
        } catch (IOException e) {
            throw new SystemFailure(path, "a lock could not be tested", e);
        }
    }

    /** Whether the file still has the name by which it was opened. */
    public boolean isNamed() throws IOException {
        return file.identity().equals(FileIdentity.find(path));
    }

    private Attempt attempt(long at, long length, boolean shared) {
        try {
            return file.attempt(at, length, shared);
        } catch (IOException e) {
            throw new SystemFailure(path, "a lock could not be taken", e);
        }
    }

    /** Closes the file. All locks that were taken with it must be released before. */
    @Override
    public void close() throws IOException {
        file.leave();
    }
}
