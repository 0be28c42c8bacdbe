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
 * A file that is opened by its name once and is the same file from then on, whatever becomes of the
 * name: somebody may rename or remove it, and give the name to another file.
 *
 * <p>Everything goes through the one channel, so reading and mapping take no descriptor besides. Two
 * things go by the name once more: an interrupt closes the channel that it hits, and fallocate(2)
 * takes a descriptor whose number Java does not tell. Both compare device and inode of what they
 * opened with those of the file, which no other has while a channel or a mapping keeps it. A file that
 * its name has left does not grow, though it could: what would be added has no future there, and
 * whoever writes should know.
 */
public final class OpenFile implements AutoCloseable {
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");

    /** What became of the name that a file was opened by. */
    public enum Naming {
        /** It is the file's still. */
        NAMED,
        /** The file has another. */
        RENAMED,
        /** The file has none, or the system does not tell whether it has. */
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
                channel.close(); // replaced in this very moment: the next one then
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

    /** The file has another name from now on. */
    public void renamed(Path to) {
        path = to;
    }

    boolean writable() {
        return writable;
    }

    /** What is mapped and added from now on comes into memory so, if it is not there yet. */
    public void use(Pages size) {
        pages = size;
    }

    public FileIdentity identity() {
        return identity;
    }

    /** The file's inode number; 0 where the system tells none. */
    public long inode() {
        return inode;
    }

    public long size() throws IOException {
        return Uninterrupted.run(() -> channel().size());
    }

    /** Up to so many bytes of the file, fewer where it ends before. */
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
     * Maps the file from its first byte, with the whole of the last page if the file has it.
     *
     * @throws CorruptStore if it is shorter
     */
    MemorySegment map(long bytes, Arena arena) throws IOException {
        return Uninterrupted.run(() -> {
            FileChannel of = channel();
            long size = of.size();
            if (size < bytes) { // mapping more would lengthen the file with a hole
                throw new CorruptStore(
                        path, size, bytes + " bytes", "the end of the file: it was cut off");
            }
            long whole = bytes + pages.bytes() - 1 & -pages.bytes();
            MapMode mode = writable ? MapMode.READ_WRITE : MapMode.READ_ONLY;
            MemorySegment segment = of.map(mode, 0, whole <= size ? whole : bytes, arena);
            Native.advise(segment, pages);
            return segment;
        });
    }

    /** The channel, a new one of the same file if an interrupt closed it. */
    private synchronized FileChannel channel() throws IOException {
        if (closed) {
            throw new IllegalStateException(path + ": is closed");
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

    /** What became of the name; where nobody may look, it is taken for the file's still. */
    public Naming naming() {
        try {
            return identity.isAt(path) ? Naming.NAMED : withoutName();
        } catch (NoSuchFileException _) {
            return withoutName();
        } catch (IOException _) {
            return Naming.NAMED;
        }
    }

    /** Looks for a descriptor of the file among those of this process: it tells of other names. */
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
     * Looks whether the name is the file's still.
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
                            "the file was removed or replaced while the store was open; save what is"
                                    + " in it by a backup, close the store everywhere, then open it"
                                    + " again");
        }
    }

    /**
     * Lengthens the file with real blocks, so that a later store to them cannot meet a full disk.
     *
     * @throws NoSpace when there is no space; the file is then as long as it was
     * @throws StoreReplaced if the name is not the file's any more
     */
    public void reserve(long from, long to) throws IOException {
        requireNamed();
        requireSpace(from, to);
        long before = size();
        int errno = descriptor.allocate(from, to);
        if (errno < 0) {
            Uninterrupted.act(() -> lengthen(from, to, before));
        } else if (errno != 0) {
            Uninterrupted.act(() -> channel().truncate(before)); // of more some may be there
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

    /** In writes that end where a page does: each brings its bytes into memory as one. */
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
     * Gives real blocks to the holes in a range of the file; where native calls are not to be had,
     * holes stay.
     *
     * @throws NoSpace when there is no space
     */
    public void fillHoles(long from, long to) throws IOException {
        int errno = from < to ? descriptor.allocate(from, to) : 0;
        if (errno > 0) {
            throw failure(errno);
        }
    }

    /**
     * Gives real blocks to a range of the file whose content means nothing.
     *
     * @throws NoSpace when there is no space
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
     * Gives the blocks of a range back to the file system; it reads as zeros then.
     *
     * @throws UnsupportedOperationException where this cannot be done
     * @throws StoreReplaced if the name is not the file's any more
     */
    public void punch(long from, long to) throws IOException {
        requireNamed();
        int errno = descriptor.punch(from, to);
        if (errno == Descriptor.NOT_HERE) {
            throw new UnsupportedOperationException(
                    path
                            + ": its file system, or a JVM without native access, cannot give"
                            + " blocks back (--enable-native-access)");
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
                                ? "its name cannot be opened; are all descriptors in use?"
                                : "fallocate failed with errno " + errno);
    }

    /** Whether a path, such as that of a descriptor, leads to this file. */
    boolean isAt(Path other) throws IOException {
        return identity.isAt(other);
    }

    /** Whether a file could not be written because there is no room for more bytes in it. */
    public static boolean isNoSpace(IOException e) {
        return e instanceof NoSpace;
    }

    /**
     * What a failure to lengthen a file or to fill its holes means to who uses the store.
     *
     * @param full what to say where there is no space
     * @param wanted bytes that were to be had, 0 if not known
     * @param freedByCheckpoint bytes that a checkpoint would make usable again
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
