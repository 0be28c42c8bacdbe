package dev.cairn.os;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.locks.LockSupport;

/**
 * A file in memory, from its first byte, that other processes may lengthen.
 *
 * <p>Each mapping covers the whole file as it was when the mapping was made; a longer one is added
 * when somebody needs bytes beyond it. Old mappings show the same bytes and stay until {@link
 * #close}, so no reader ever waits for one to go. Each is made through a channel of its own, because
 * an interrupt closes the channel it hits.
 */
public final class MappedFile implements AutoCloseable {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    /** One write of zeros: larger writes make large folios, which cost write-back later. */
    private static final int ZEROS_BYTES = 4096;

    private static final int PAGE_BYTES = 4096;
    private static final int CLOSE_ATTEMPTS = 10_000;
    private static final long CLOSE_PAUSE_NANOS = 1_000_000;

    static volatile Medium medium = Medium.SYSTEM;

    private volatile Path path;
    private final boolean writable;
    private final boolean file;
    private final Arena arena;
    private final MemorySegment first;
    private volatile MemorySegment current;

    private MappedFile(
            Path path, boolean writable, boolean file, Arena arena, MemorySegment first) {
        this.path = path;
        this.writable = writable;
        this.file = file;
        this.arena = arena;
        this.first = first;
        this.current = first;
    }

    /**
     * Maps a file from its first byte.
     *
     * @param bytes to map; the file must have them, since a store beyond its end kills the JVM
     * @throws IOException if the file is shorter or cannot be mapped
     */
    @SuppressWarnings("MustBeClosed") // closed with the mapped file
    public static MappedFile map(Path path, long bytes, boolean writable) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            return new MappedFile(
                    path, writable, true, arena, mapping(path, bytes, writable, arena));
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /** Memory of this process alone, zeroed, in the place of a file. */
    @SuppressWarnings("MustBeClosed") // closed with the mapped file
    public static MappedFile anonymous(Path standsFor, long bytes) {
        Arena arena = Arena.ofShared();
        return new MappedFile(standsFor, true, false, arena, arena.allocate(bytes, ZEROS_BYTES));
    }

    private static MemorySegment mapping(Path path, long bytes, boolean writable, Arena arena)
            throws IOException {
        return Uninterrupted.run(() -> mapOnce(path, bytes, writable, arena));
    }

    private static MemorySegment mapOnce(Path path, long bytes, boolean writable, Arena arena)
            throws IOException {
        try (FileChannel channel =
                writable
                        ? FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)
                        : FileChannel.open(path, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size < bytes) { // mapping more would lengthen the file with a hole
                throw new IOException(path + ": has " + size + " bytes, expected " + bytes);
            }
            MemorySegment segment =
                    channel.map(writable ? MapMode.READ_WRITE : MapMode.READ_ONLY, 0, bytes, arena);
            Native.adviseRandom(segment);
            return segment;
        }
    }

    public Path path() {
        return path;
    }

    /** The file has another name from now on. */
    public void renamed(Path to) {
        path = to;
    }

    /** The first mapping; enough for whatever lies in the part that never grows. */
    public MemorySegment first() {
        return first;
    }

    /** The longest mapping so far. */
    public MemorySegment segment() {
        return current;
    }

    /**
     * A mapping of at least that many bytes, which the caller knows the file to have.
     *
     * @throws UncheckedIOException if the file turns out shorter
     */
    public MemorySegment segment(long bytes) {
        MemorySegment segment = current;
        return segment.byteSize() >= bytes ? segment : remap(bytes);
    }

    private synchronized MemorySegment remap(long bytes) {
        MemorySegment segment = current;
        if (segment.byteSize() >= bytes) {
            return segment;
        }
        try {
            segment = mapping(path, bytes, writable, arena);
            current = segment;
            return segment;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Makes a range durable: what this process or any other stored there before the call.
     *
     * @throws IOException when the operating system could not; what is durable is then unknown
     */
    public void force(long from, long to) throws IOException {
        medium.force(this, from, to);
    }

    /**
     * RULE 20: also forces through the first mapping, since an error of earlier write-back is told
     * once to each open file, and only to those open when it happened. Through both, whatever the
     * first of them says: an error that is left untold would be taken for the next force's.
     */
    void synchronize(long from, long to) throws IOException {
        IOException failure = forced(segment(to).asSlice(from, to - from));
        IOException other = forced(first.asSlice(0, Math.min(first.byteSize(), PAGE_BYTES)));
        if (failure == null) {
            failure = other;
        } else if (other != null) {
            failure.addSuppressed(other);
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static @Nullable IOException forced(MemorySegment segment) {
        try {
            segment.force();
            return null;
        } catch (UncheckedIOException e) {
            return e.getCause();
        }
    }

    /**
     * Stores the first word of every page of a range again. After a failed force pages may be clean
     * and yet not on disk; only a store makes the next force write them (RULES 21, 23). Nobody else
     * may store to those words meanwhile.
     *
     * @param from a multiple of the page size
     */
    public void storeAgain(long from, long to) {
        MemorySegment memory = segment(to);
        for (long at = from; at < to; at += PAGE_BYTES) {
            WORD.setRelease(memory, at, (long) WORD.getAcquire(memory, at));
        }
        medium.storedAgain(this, from, to);
    }

    /**
     * Lengthens the file with real blocks, so that a later store to them cannot meet a full disk.
     * Does not map them.
     *
     * @throws IOException when there is no space; the file is then as long as it was
     */
    public void reserve(long from, long to) throws IOException {
        if (!file) {
            throw new IOException(path + ": private memory cannot grow");
        }
        reserve(path, from, to);
    }

    /** As {@link #reserve(long, long)}, for a file that is not mapped yet. */
    public static void reserve(Path path, long from, long to) throws IOException {
        medium.reserving(path, from, to);
        int errno = Native.allocate(path, from, to - from);
        if (errno != 0) {
            Uninterrupted.act(() -> reservePortably(path, from, to, errno));
        }
    }

    /**
     * Gives real blocks to the holes in a range of the file; where native calls are not to be had,
     * holes stay.
     *
     * @throws IOException when there is no space
     */
    public void fillHoles(long from, long to) throws IOException {
        int errno = from < to ? Native.allocate(path, from, to - from) : 0;
        if (errno != 0 && errno != Native.NOT_HERE) {
            throw new IOException(path + ": " + Native.message(errno));
        }
    }

    /**
     * Gives real blocks to a range of the file whose content means nothing.
     *
     * @throws IOException when there is no space
     */
    public void refill(long from, long to) throws IOException {
        medium.reserving(path, from, to);
        int errno = Native.allocate(path, from, to - from);
        if (errno == Native.NOT_HERE) {
            Uninterrupted.act(() -> {
                try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                    writeZeros(channel, from, to);
                }
            });
        } else if (errno != 0) {
            throw new IOException(path + ": " + Native.message(errno));
        }
    }

    /**
     * Gives the blocks of a range back to the file system; it reads as zeros then.
     *
     * @throws UnsupportedOperationException where this cannot be done
     */
    public void punch(long from, long to) throws IOException {
        int errno = Native.punch(path, from, to - from);
        if (errno == Native.NOT_HERE) {
            throw new UnsupportedOperationException(
                    path
                            + ": its file system, or a JVM without native access, cannot give"
                            + " blocks back (--enable-native-access)");
        }
        if (errno != 0) {
            throw new IOException(path + ": " + Native.message(errno));
        }
    }

    private static void reservePortably(Path path, long from, long to, int errno)
            throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            try {
                if (errno != Native.NOT_HERE) {
                    throw new IOException(path + ": " + Native.message(errno));
                }
                writeZeros(channel, from, to);
            } catch (ClosedByInterruptException e) {
                throw e;
            } catch (IOException e) {
                channel.truncate(from); // nobody has mapped what was never published
                throw e;
            }
        }
    }

    private static void writeZeros(FileChannel channel, long from, long to) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect(ZEROS_BYTES);
        for (long at = from; at < to; at += zeros.limit()) {
            zeros.clear().limit((int) Math.min(ZEROS_BYTES, to - at));
            while (zeros.hasRemaining()) {
                channel.write(zeros, at + zeros.position());
            }
        }
    }

    /** Unmaps everything; whoever still uses a mapping gets an IllegalStateException. */
    @Override
    public void close() {
        for (int attempt = 1; ; attempt++) {
            try {
                arena.close();
                return;
            } catch (IllegalStateException e) { // a thread is in a native call with a mapping
                if (!arena.scope().isAlive() || attempt == CLOSE_ATTEMPTS) {
                    throw e;
                }
                LockSupport.parkNanos(CLOSE_PAUSE_NANOS);
            }
        }
    }
}
