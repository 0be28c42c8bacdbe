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
 * A file in memory, from its first byte, that other processes may lengthen.
 *
 * <p>Each mapping covers the whole file as it was when the mapping was made; a longer one is added
 * when somebody needs bytes beyond it. Old mappings show the same bytes and stay until {@link
 * #close}, so no reader ever waits for one to go.
 */
public final class MappedFile implements AutoCloseable {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    private static final int PAGE_BYTES = 4096;

    /** Forced at a time where somebody watches: a second or so on a slow disk. */
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

    /** Opens a file and maps it, as {@link #map(OpenFile, long)}. */
    public static MappedFile map(Path path, long bytes, boolean writable) throws IOException {
        return map(OpenFile.open(path, writable), bytes);
    }

    /**
     * Maps a file from its first byte, and takes it over: it is closed with its mappings, or if there
     * is to be none.
     *
     * @param bytes to map; the file must have them, since a store beyond its end kills the JVM
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

    /** Another mapping of the same file, to be closed before this one. */
    public MappedFile again(long bytes) throws IOException {
        return map(opened(), false, bytes);
    }

    /** Memory of this process alone, zeroed, in the place of a file. */
    @SuppressWarnings("MustBeClosed") // closed with the mapped file
    public static MappedFile anonymous(Path standsFor, long bytes) {
        Arena arena = Arena.ofShared();
        return new MappedFile(standsFor, null, false, arena, arena.allocate(bytes, PAGE_BYTES));
    }

    public Path path() {
        return file == null ? standsFor : file.path();
    }

    /** The file itself, for all but its memory. */
    public OpenFile opened() {
        if (file == null) {
            throw new IllegalStateException(standsFor + ": private memory has no file");
        }
        return file;
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
     * @throws CorruptStore if the file turns out shorter
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
     * Makes a range durable: what this process or any other stored there before the call.
     *
     * @throws IOException when the operating system could not; what is durable is then unknown
     */
    public void force(long from, long to) throws IOException {
        medium.force(this, from, to);
    }

    /**
     * As {@link #force}, from the first byte, piece by piece.
     *
     * @param forced is told the bytes of each
     */
    public void forceInPieces(long to, LongConsumer forced) throws IOException {
        for (long at = 0; at < to; at += PIECE_BYTES) {
            long end = Math.min(to, at + PIECE_BYTES);
            force(at, end);
            forced.accept(end - at);
        }
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
        stored(from, to);
    }

    /**
     * Stores a word of each page of a range again, so that what keeps the pages from being stored to
     * comes to light now. Nobody else may store to those bytes meanwhile.
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
     * Stores bytes of the data file: all stores of its content go this way, so that a medium of
     * tests hears of each, also of one that changes nothing.
     *
     * @param memory a mapping that has their place
     * @param at of the first of them in the file
     */
    public void store(MemorySegment memory, long at, byte[] bytes, int from, int length) {
        MemorySegment.copy(bytes, from, memory, ValueLayout.JAVA_BYTE, at, length);
        stored(at, at + length);
    }

    /** Zeroes a range of the file; stores zeros also where there are some. */
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
     * Lengthens the file, as {@link OpenFile#reserve}. Does not map what is added.
     *
     * @throws IOException when there is no space; the file is then as long as it was
     */
    public void reserve(long from, long to) throws IOException {
        if (file == null) {
            throw new NoSpace(standsFor + ": private memory cannot grow", null);
        }
        file.reserve(from, to);
    }

    /** Unmaps everything; whoever still uses a mapping gets an IllegalStateException. */
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
