package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;

/**
 * Locks that the process owns, by {@code FileChannel.tryLock}. This is the portable way.
 *
 * <p>To close any channel of the file drops all of them. So one channel for reading and one for
 * writing serve all users of the file in this class. Only {@code tryLock} and {@code release} are
 * called on them. They are closed when nobody here uses the file, while the byte of opening is
 * held.
 *
 * <p>A copy of this class in another class loader has its own channels. If it closes them, our
 * locks are dropped, as when anything else in the process closes the file: a process that misses
 * them asks before it takes us for dead, and we take them again. That copy cannot drop a lock of
 * opening, because it needs that lock itself in order to close. So class loaders need to share
 * nothing, and nothing of ours lies where other code looks.
 */
final class ChannelLocks implements LockFile {
    /**
     * The channels by file, and not by name, because a bind mount gives a file two names. The map
     * guards all entries.
     */
    private static final Map<FileIdentity, Channels> FILES = new HashMap<>();

    private static final class Channels {
        final Path file;
        final FileIdentity identity;
        @Nullable FileChannel reading;
        @Nullable FileChannel writing;
        int users;

        Channels(Path file, FileIdentity identity) {
            this.file = file;
            this.identity = identity;
        }

        FileChannel channel(boolean writable) throws IOException {
            FileChannel channel = writable ? writing : reading;
            if (channel != null) {
                return channel;
            }
            if (writable) {
                channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE);
                writing = channel;
            } else {
                channel = FileChannel.open(file, StandardOpenOption.READ);
                reading = channel;
            }
            return channel;
        }

        KernelLocks.Attempt attempt(FileChannel by, long at, long length, boolean shared)
                throws IOException {
            try {
                FileLock lock = by.tryLock(at, length, shared);
                return lock == null
                        ? new KernelLocks.Elsewhere()
                        : new KernelLocks.Held(file, lock::release);
            } catch (OverlappingFileLockException _) {
                return new KernelLocks.Here();
            }
        }

        /**
         * Closes the channels if nobody uses them and nobody is opening the store now; returns
         * whether it did.
         */
        boolean closeIfIdle() throws IOException {
            if (users > 0) {
                return false;
            }
            FileChannel any = writing == null ? reading : writing;
            if (any != null
                    && !(attempt(any, KernelLocks.OPEN_BYTE, 1, writing == null)
                            instanceof KernelLocks.Held)) {
                return false;
            }
            if (writing != null) {
                writing.close();
            }
            if (reading != null) {
                reading.close();
            }
            return true;
        }
    }

    private final Channels channels;
    private final FileChannel channel;

    private ChannelLocks(Channels channels, FileChannel channel) {
        this.channels = channels;
        this.channel = channel;
    }

    static ChannelLocks open(Path file, boolean writable) throws IOException {
        synchronized (FILES) {
            Channels channels =
                    FILES.computeIfAbsent(
                            FileIdentity.of(file), identity -> new Channels(file, identity));
            channels.users++;
            try {
                ChannelLocks opened = new ChannelLocks(channels, channels.channel(writable));
                channels.users++;
                return opened;
            } finally {
                channels.users--;
                closeIdle();
            }
        }
    }

    private static void closeIdle() throws IOException {
        var each = FILES.values().iterator();
        while (each.hasNext()) {
            if (each.next().closeIfIdle()) {
                each.remove();
            }
        }
    }

    @Override
    public KernelLocks.Attempt attempt(long at, long length, boolean shared) throws IOException {
        return channels.attempt(channel, at, length, shared);
    }

    @Override
    public boolean isLocked(long at, long length) throws IOException {
        boolean writable = channel.equals(channels.writing);
        if (channels.attempt(channel, at, length, !writable) instanceof KernelLocks.Held probe) {
            probe.release();
            return false;
        }
        return true;
    }

    @Override
    public FileIdentity identity() {
        return channels.identity;
    }

    @Override
    public void leave() throws IOException {
        synchronized (FILES) {
            channels.users--;
            closeIdle();
        }
    }
}
