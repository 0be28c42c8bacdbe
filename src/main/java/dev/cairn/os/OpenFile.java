package dev.cairn.os;

import dev.cairn.CairnException;
import dev.cairn.CorruptStore;
import dev.cairn.StoreFull;
import dev.cairn.StoreReplaced;
import dev.cairn.SystemFailure;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A file that is opened by its name once and stays the same file from then on, even if somebody
 * renames or removes it, and gives the name to another file.
 *
 * <p>Everything goes through one channel, so reading and mapping take no other descriptor. Two
 * things use the name once more: an interrupt closes the channel that it hits, and fallocate(2)
 * takes a descriptor whose number Java does not tell. Both compare device and inode of what they
 * opened with those of the file, which no other file has while a channel or a mapping keeps it. A
 * file that lost its name does not grow, although it could: what would be added has no future
 * there, and the writer should know.
 */
public final class OpenFile implements AutoCloseable {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

    /** What happened to the name by which a file was opened. */
    public enum Naming {
        /** The name is still the file's. */
        NAMED,
        /** The file has another name. */
        RENAMED,
        /** The file has no name, or the system does not tell whether it has one. */
        REMOVED
    }

    private volatile Path path;
    private final boolean writable;
    private final FileIdentity identity;
    private final long inode;
    private final Descriptor descriptor = new Descriptor(this);
    private FileChannel channel;
    private volatile boolean closed;
    private volatile Pages pages = Pages.LARGE;

    private OpenFile(
            Path path, boolean writable, FileIdentity identity, long inode, FileChannel channel) {
        this.path = path;
        this.writable = writable;
        this.identity = identity;
        this.inode = inode;
        this.channel = channel;
    }

    /** Opens a file that exists. */
    public static OpenFile open(Path path, boolean writable) throws IOException {
        while (true) {
            FileIdentity identity = FileIdentity.of(path);
            long inode = Host.inode(path);
            FileChannel channel = channel(path, writable);
            try {
                if (identity.isAt(path)) {
                    return new OpenFile(path, writable, identity, inode, channel);
                }
                channel.close(); // replaced at this very moment: try again with the new one
            } catch (Throwable e) {
                channel.close();
                throw e;
            }
        }
    }

    private static FileChannel channel(Path path, boolean writable) throws IOException {
        return writable
                ? FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)
                : FileChannel.open(path, StandardOpenOption.READ);
    }

    public Path path() {
        return path;
    }

    /** Notes that the file has another name from now on. */
    public void renamed(Path to) {
        path = to;
    }

    boolean writable() {
        return writable;
    }

    /**
     * Sets the pages in which the bytes that are mapped and added from now on come into memory.
     */
    public void use(Pages size) {
        pages = size;
    }

    public FileIdentity identity() {
        return identity;
    }

    /** The file's inode number; 0 if the system does not tell it. */
    public long inode() {
        return inode;
    }

    public long size() throws IOException {
        return Uninterrupted.run(() -> channel().size());
    }

    /** Reads up to that many bytes of the file; fewer if it ends before. */
    public byte[] read(long at, int bytes) throws IOException {
        return Uninterrupted.run(() -> {
            FileChannel from = channel();
            long rest = Math.max(0, from.size() - at);
            ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(bytes, rest));
            while (buffer.hasRemaining() && from.read(buffer, at + buffer.position()) >= 0) {
                // again until it is full or the file ends
            }
            return Arrays.copyOf(buffer.array(), buffer.position());
        });
    }

    /**
     * Maps the file from its first byte; if the file has the whole last page, the mapping does too.
     *
     * @throws CorruptStore if the file is shorter
     */
    MemorySegment map(long bytes, Arena arena) throws IOException {
        return Uninterrupted.run(() -> {
            FileChannel of = channel();
            long size = of.size();
            if (size < bytes) { // mapping more would extend the file with a hole
                throw new CorruptStore(
                        path, size, bytes + " bytes", "the end of the file, which was truncated");
            }
            long whole = bytes + pages.bytes() - 1 & -pages.bytes();
            MapMode mode = writable ? MapMode.READ_WRITE : MapMode.READ_ONLY;
            MemorySegment segment = of.map(mode, 0, whole <= size ? whole : bytes, arena);
            Native.advise(segment, pages);
            return segment;
        });
    }

    /** The channel; if an interrupt closed it, a new one of the same file. */
    private synchronized FileChannel channel() throws IOException {
        if (closed) {
            throw new IllegalStateException(path + ": the file is closed");
        }
        if (!channel.isOpen()) {
            requireNamed();
            FileChannel again = channel(path, writable);
            try {
                requireNamed();
            } catch (Throwable e) {
                again.close();
                throw e;
            }
            channel = again;
        }
        return channel;
    }

    /**
     * What happened to the name; if it cannot be checked, the name is assumed to be the file's.
     */
    public Naming naming() {
        try {
            return identity.isAt(path) ? Naming.NAMED : withoutName();
        } catch (NoSuchFileException _) {
            return withoutName();
        } catch (IOException _) {
            return Naming.NAMED;
        }
    }

    /**
     * Looks for a descriptor of the file among those of this process, because it reveals other
     * names.
     */
    private Naming withoutName() {
        try (Stream<Path> descriptors = Files.list(DESCRIPTORS)) {
            return descriptors.anyMatch(this::hasName) ? Naming.RENAMED : Naming.REMOVED;
        } catch (IOException _) {
            return Naming.REMOVED;
        }
    }

    private boolean hasName(Path descriptor) {
        try {
            Map<String, Object> found = Files.readAttributes(descriptor, "unix:fileKey,nlink");
            return identity.key().equals(found.get("fileKey"))
                    && found.get("nlink") instanceof Integer names
                    && names > 0;
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException _) {
            return false; // closed meanwhile
        }
    }

    /**
     * Checks that the name still is the file's.
     *
     * @throws StoreReplaced if it is not
     */
    public void requireNamed() {
        switch (naming()) {
            case NAMED -> {}
            case RENAMED ->
                    throw new StoreReplaced(
                            path,
                            "the file was renamed while the store was open; close the store"
                                    + " everywhere, then open it by its new name");
            case REMOVED ->
                    throw new StoreReplaced(
                            path,
                            "the file was removed or replaced while the store was open;"
                                    + " save its content by a backup, close the store everywhere,"
                                    + " then open it again");
        }
    }

    /**
     * Extends the file with real blocks, so that a later store to them cannot meet a full disk.
     *
     * @throws NoSpace if there is no space; the file then has its former length
     * @throws StoreReplaced if the name is no longer the file's
     */
    public void reserve(long from, long to) throws IOException {
        requireNamed();
        requireSpace(from, to);
        long before = size();
        int errno = descriptor.allocate(from, to);
        if (errno < 0) {
            Uninterrupted.act(() -> lengthen(from, to, before));
        } else if (errno != 0) {
            Uninterrupted.act(() -> channel().truncate(before)); // a part of it may have been added
            throw failure(errno);
        }
    }

    /** Asks the medium of a test, which may be full. */
    private void requireSpace(long from, long to) throws IOException {
        try {
            MappedFile.medium.reserving(path, from, to);
        } catch (IOException e) {
            throw NoSpace.orElse(path, e);
        }
    }

    private void lengthen(long from, long to, long before) throws IOException {
        FileChannel of = channel();
        try {
            writeZeros(of, from, to);
        } catch (ClosedChannelException e) {
            throw e;
        } catch (IOException e) {
            of.truncate(before); // nobody has mapped what was never published
            throw NoSpace.orElse(path, e);
        }
    }

    /**
     * Writes zeros in pieces that end at page boundaries: each brings its bytes into memory as one
     * page.
     */
    private void writeZeros(FileChannel to, long from, long end) throws IOException {
        int page = pages.bytes();
        try (Arena arena = Arena.ofConfined()) {
            ByteBuffer zeros = arena.allocate(Math.min(page, end - from)).asByteBuffer();
            for (long at = from; at < end; at += zeros.limit()) {
                zeros.clear().limit((int) Math.min(page - (at & page - 1), end - at));
                while (zeros.hasRemaining()) {
                    to.write(zeros, at + zeros.position());
                }
            }
        }
    }

    /**
     * Gives real blocks to the holes in a range of the file; if native calls are not available,
     * holes stay.
     *
     * @throws NoSpace if there is no space
     */
    public void fillHoles(long from, long to) throws IOException {
        int errno = from < to ? descriptor.allocate(from, to) : 0;
        if (errno > 0) {
            throw failure(errno);
        }
    }

    /**
     * Gives real blocks to a range of the file whose content does not matter.
     *
     * @throws NoSpace if there is no space
     */
    public void refill(long from, long to) throws IOException {
        requireSpace(from, to);
        int errno = descriptor.allocate(from, to);
        if (errno < 0) {
            Uninterrupted.act(() -> rewrite(from, to));
        } else if (errno != 0) {
            throw failure(errno);
        }
    }

    private void rewrite(long from, long to) throws IOException {
        try {
            writeZeros(channel(), from, to);
        } catch (ClosedChannelException e) {
            throw e;
        } catch (IOException e) {
            throw NoSpace.orElse(path, e);
        }
    }

    /**
     * Gives the blocks of a range back to the file system; then it reads as zeros.
     *
     * @throws UnsupportedOperationException if this is not supported
     * @throws StoreReplaced if the name is no longer the file's
     */
    public void punch(long from, long to) throws IOException {
        requireNamed();
        int errno = descriptor.punch(from, to);
        if (errno == Descriptor.NOT_HERE) {
            throw new UnsupportedOperationException(
                    path
                            + ": blocks cannot be given back on this file system,"
                            + " or without native access (--enable-native-access)");
        }
        if (errno != 0) {
            throw failure(errno);
        }
    }

    private IOException failure(int errno) {
        return NoSpace.means(errno)
                ? new NoSpace(path + ": No space left on device", null)
                : new IOException(
                        errno == Descriptor.NOT_OPENED
                                ? "its name could not be opened; are all file descriptors in use?"
                                : "fallocate failed with errno " + errno);
    }

    /** Whether a path, such as that of a descriptor, leads to this file. */
    boolean isAt(Path other) throws IOException {
        return identity.isAt(other);
    }

    /** Whether a write failed because there is no room for more bytes in the file. */
    public static boolean isNoSpace(IOException e) {
        return e instanceof NoSpace;
    }

    /**
     * The exception for a user when a file could not be extended, or its holes not filled.
     *
     * @param full the message if there is no space
     * @param wanted the number of bytes that were needed, 0 if not known
     * @param freedByCheckpoint the number of bytes that a checkpoint would make usable again
     */
    public static CairnException growthFailure(
            Path path, String full, long wanted, long freedByCheckpoint, IOException e) {
        return e instanceof NoSpace
                ? new StoreFull(path, full, wanted, freedByCheckpoint, e)
                : new SystemFailure(path, "the file could not be lengthened", e);
    }

    @Override
    public void close() {
        closed = true;
        descriptor.close();
        synchronized (this) {
            try {
                channel.close();
            } catch (IOException e) {
                throw new SystemFailure(path, "the file could not be closed", e);
            }
        }
    }
}
