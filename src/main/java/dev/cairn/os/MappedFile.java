package dev.cairn.os;

import dev.cairn.CorruptStore;
import dev.cairn.SystemFailure;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongConsumer;

/**
 * A file that is mapped from its first byte, and that other processes may extend.
 *
 * <p>Each mapping covers the whole file as it was when the mapping was made. A longer one is added
 * when bytes beyond it are needed. Old mappings show the same bytes and stay until {@link #close},
 * so no reader ever waits for one to go.
 */
public final class MappedFile implements AutoCloseable {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private static final int PAGE_BYTES = 4096;

    /**
     * How much is forced at a time if others watch the progress: about a second on a slow disk.
     */
    private static final long PIECE_BYTES = 64L << 20;

    private static final int CLOSE_ATTEMPTS = 10_000;
    private static final long CLOSE_PAUSE_NANOS = 1_000_000;

    static volatile Medium medium = Medium.SYSTEM;

    private final Path standsFor;
    private final @Nullable OpenFile file;
    private final boolean closesFile;
    private final Arena arena;
    private final MemorySegment first;
    private volatile MemorySegment current;

    private MappedFile(
            Path standsFor,
            @Nullable OpenFile file,
            boolean closesFile,
            Arena arena,
            MemorySegment first) {
        this.standsFor = standsFor;
        this.file = file;
        this.closesFile = closesFile;
        this.arena = arena;
        this.first = first;
        this.current = first;
    }

    /** Opens a file and maps it as {@link #map(OpenFile, long)} does. */
    public static MappedFile map(Path path, long bytes, boolean writable) throws IOException {
        return map(OpenFile.open(path, writable), bytes);
    }

    /**
     * Maps a file from its first byte, and takes the file over: it is closed with its mappings, or
     * if this method fails.
     *
     * @param bytes the number of bytes to map; the file must have them, since a store beyond its
     *     end kills the JVM
     * @throws CorruptStore if the file is shorter
     * @throws IOException if the file cannot be mapped
     */
    public static MappedFile map(OpenFile file, long bytes) throws IOException {
        try {
            return map(file, true, bytes);
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    @SuppressWarnings("MustBeClosed") // closed with the mapped file
    private static MappedFile map(OpenFile file, boolean closesFile, long bytes)
            throws IOException {
        Arena arena = Arena.ofShared();
        try {
            return new MappedFile(file.path(), file, closesFile, arena, file.map(bytes, arena));
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /** Makes another mapping of the same file, which must be closed before this one. */
    public MappedFile again(long bytes) throws IOException {
        return map(opened(), false, bytes);
    }

    /** Allocates zeroed memory of this process alone, in place of a file. */
    @SuppressWarnings("MustBeClosed") // closed with the mapped file
    public static MappedFile anonymous(Path standsFor, long bytes) {
        Arena arena = Arena.ofShared();
        return new MappedFile(standsFor, null, false, arena, arena.allocate(bytes, PAGE_BYTES));
    }

    public Path path() {
        return file == null ? standsFor : file.path();
    }

    /** The file itself, for everything except its memory. */
    public OpenFile opened() {
        if (file == null) {
            throw new IllegalStateException(standsFor + ": private memory has no file");
        }
        return file;
    }

    /** The first mapping, which covers the part that never grows. */
    public MemorySegment first() {
        return first;
    }

    /** The longest mapping so far. */
    public MemorySegment segment() {
        return current;
    }

    /**
     * A mapping of at least that many bytes, which the file must have.
     *
     * @throws CorruptStore if the file turns out to be shorter
     * @throws SystemFailure if the operating system refuses the mapping
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
            segment = opened().map(bytes, arena);
            current = segment;
            return segment;
        } catch (IOException e) {
            throw new SystemFailure(path(), bytes + " bytes could not be mapped", e);
        }
    }

    /**
     * Makes a range durable: what any process stored there before the call.
     *
     * @throws IOException if the operating system could not; what is durable is then unknown
     */
    public void force(long from, long to) throws IOException {
        medium.force(this, from, to);
    }

    /**
     * Makes the range from the first byte durable as {@link #force} does, piece by piece.
     *
     * @param forced gets the number of bytes of each piece
     */
    public void forceInPieces(long to, LongConsumer forced) throws IOException {
        for (long at = 0; at < to; at += PIECE_BYTES) {
            long end = Math.min(to, at + PIECE_BYTES);
            force(at, end);
            forced.accept(end - at);
        }
    }

    /**
     * RULE 20: also forces through the first mapping. The kernel reports an error of earlier
     * write-back once to each open file, and only to those that were open when it happened. Both
     * are forced, even if the first one fails: an error that is not fetched now would be taken for
     * one of the next force.
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
     * and yet not on disk; only a store makes the next force write them (RULES 21, 23). No other
     * thread may store to those words meanwhile.
     *
     * @param from a multiple of the page size
     */
    public void storeAgain(long from, long to) {
        MemorySegment memory = segment(to);
        for (long at = from; at < to; at += PAGE_BYTES) {
            WORD.setRelease(memory, at, (long) WORD.getAcquire(memory, at));
        }
        stored(from, to);
    }

    /**
     * Stores a word of each page of a range again, so that a page to which nothing can be stored
     * shows it now. No other thread may store to those bytes meanwhile.
     *
     * @param from a multiple of 8
     */
    public void storeAhead(MemorySegment memory, long from, long to) {
        for (long at = from; at < to; at = (at | PAGE_BYTES - 1) + 1) {
            WORD.setRelease(memory, at, (long) WORD.getAcquire(memory, at));
        }
        stored(from, to);
    }

    /**
     * Stores bytes of the data file. All stores of its content go through this method, so that the
     * medium of a test learns of each, even of one that changes nothing.
     *
     * @param memory a mapping that covers their place
     * @param at the offset of the first byte in the file
     */
    public void store(MemorySegment memory, long at, byte[] bytes, int from, int length) {
        MemorySegment.copy(bytes, from, memory, ValueLayout.JAVA_BYTE, at, length);
        stored(at, at + length);
    }

    /** Fills a range of the file with zeros; it stores them even where there are zeros. */
    public void zero(long from, long to) {
        segment(to).asSlice(from, to - from).fill((byte) 0);
        stored(from, to);
    }

    private void stored(long from, long to) {
        if (Steps.ON) {
            medium.stored(this, from, to);
        }
    }

    /**
     * Extends the file as {@link OpenFile#reserve} does. It does not map what is added.
     *
     * @throws IOException if there is no space; the file then has its former length
     */
    public void reserve(long from, long to) throws IOException {
        if (file == null) {
            throw new NoSpace(standsFor + ": private memory cannot grow", null);
        }
        file.reserve(from, to);
    }

    /** Unmaps everything. A thread that still uses a mapping gets an IllegalStateException. */
    @Override
    public void close() {
        try {
            unmap();
        } finally {
            if (file != null && closesFile) {
                file.close();
            }
        }
    }

    private void unmap() {
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
