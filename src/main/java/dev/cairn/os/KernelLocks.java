package dev.cairn.os;

import dev.cairn.SystemFailure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Locks on bytes of a file that nothing else ever opens: the kernel drops them when a process dies,
 * in whatever way, across PID namespaces, before anybody can take them for alive.
 *
 * <p>RULE 16. Where the program allows native calls, and the kernel knows such locks, they are owned
 * by an open file description that nobody else has, and nothing but its end drops them. Elsewhere
 * they are owned by the process: then the kernel also drops all of them when this JVM closes
 * <em>any</em> channel of the file, as a copy of the store's directory does, and most calls on a
 * channel are closed by an interrupt. Both kinds exclude each other, in the kernel, whoever asks.
 */
public final class KernelLocks implements AutoCloseable {
    /**
     * The byte that whoever opens or closes the store holds meanwhile. A lock file is closed with it
     * held: that drops all locks on the file that this process owns, those of another copy of this
     * library included, of which none is one of opening then.
     */
    public static final long OPEN_BYTE = 0;

    /** What a try found. */
    public sealed interface Attempt {}

    /** The lock is held until it is released. */
    public record Held(Path file, Release how) implements Attempt {
        /** Gives the lock back. */
        public void release() {
            try {
                how.release();
            } catch (IOException e) {
                throw new SystemFailure(file, "a lock could not be given back", e);
            }
        }
    }

    /** Gives a lock back. */
    public interface Release {
        void release() throws IOException;
    }

    /** Somebody has a lock there, as the kernel says. */
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
     * Uses a lock file, which is created if absent.
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
     * Uses a lock file that exists.
     *
     * @param writable false takes shared locks only and needs no right to write
     * @throws IOException if the file cannot be opened
     */
    public static KernelLocks openExisting(Path file, boolean writable) throws IOException {
        LockFile own = DescriptorLocks.open(file, writable);
        return new KernelLocks(file, own == null ? ChannelLocks.open(file, writable) : own);
    }

    /** Whether nothing in this process can drop these locks but their release. */
    public boolean areCertain() {
        return file instanceof DescriptorLocks;
    }

    /** Tries once for a lock that nobody else may share. */
    public Attempt tryExclusive(long at, long length) {
        return attempt(at, length, false);
    }

    /** Tries once for a lock that others may share. */
    public Attempt tryShared(long at, long length) {
        return attempt(at, length, true);
    }

    /**
     * Whether somebody else has a lock there, be it shared. Where native calls are not allowed, a lock is
     * tried for and given back; by a file that was opened for reading, shared ones are not seen then.
     */
    public boolean isLocked(long at, long length) {
        try {
            return file.isLocked(at, length);
        } catch (IOException e) {
            throw new SystemFailure(path, "a lock could not be asked for", e);
        }
    }

    /** Whether the file still has the name that it was opened by. */
    public boolean isNamed() throws IOException {
        return Files.exists(path) && file.identity().equals(FileIdentity.of(path));
    }

    private Attempt attempt(long at, long length, boolean shared) {
        try {
            return file.attempt(at, length, shared);
        } catch (IOException e) {
            throw new SystemFailure(path, "a lock could not be tried for", e);
        }
    }

    /** Gives the file back; all locks that were taken by this were released before. */
    @Override
    public void close() throws IOException {
        file.leave();
    }
}
