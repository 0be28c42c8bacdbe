package dev.cairn.process;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * What a {@link PicturedLane} did, in memory that outlives it. The diary says when each operation
 * was begun and returned, what the operation had seen of another lane, and what each checkpoint
 * must hold and may hold.
 *
 * <p>A lane has one writer at a time. If a process is killed, an operation of it may have begun and
 * never returned. The next writer does that operation once more, and the diary keeps the time when
 * it was first begun.
 */
final class Diary implements AutoCloseable {
    static final int LANES = 4;

    /** The most operations that a lane has room for, and the most notes. */
    private static final long OPERATIONS = 1L << 21;

    private static final long NOTES = 1L << 17;

    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final long OPERATION_BYTES = 3L * Long.BYTES;
    private static final long NOTE_BYTES = (1 + 2L * LANES) * Long.BYTES;
    private static final long COUNT_AT = OPERATIONS * OPERATION_BYTES;
    private static final long NOTES_AT = COUNT_AT + Long.BYTES;

    private final Arena arena;
    private final List<MemorySegment> lanes = new ArrayList<>();

    /**
     * A checkpoint that returned.
     *
     * @param epoch what the checkpoint returned; {@link #UNKNOWN} for a write that was durable when
     *     it returned
     * @param must for each lane, the last operation that had returned before the call
     * @param most for each lane, the last operation that had begun when the checkpoint returned
     */
    record Note(long epoch, long[] must, long[] most) {}

    static final long UNKNOWN = 0;

    @SuppressWarnings("MustBeClosed") // closed with the diary
    private Diary(Path directory) throws IOException {
        arena = Arena.ofShared();
        for (int lane = 0; lane < LANES; lane++) {
            try (FileChannel channel =
                    FileChannel.open(
                            directory.resolve("diary" + lane),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.READ,
                            StandardOpenOption.WRITE)) {
                lanes.add(channel.map(MapMode.READ_WRITE, 0, NOTES_AT + NOTES * NOTE_BYTES, arena));
            }
        }
    }

    static Diary in(Path directory) throws IOException {
        return new Diary(directory);
    }

    private static long at(long operation, int word) {
        if (operation >= OPERATIONS) {
            throw new IllegalStateException("the diary is full");
        }
        return operation * OPERATION_BYTES + (long) word * Long.BYTES;
    }

    private long load(int lane, long at) {
        return (long) LONG.getAcquire(lanes.get(lane), at);
    }

    private void store(int lane, long at, long value) {
        LONG.setRelease(lanes.get(lane), at, value);
    }

    /** Notes that an operation begins, and what it saw of another lane. */
    void begin(int lane, long operation, long seen) {
        if (begun(lane, operation) == 0) {
            store(lane, at(operation, 2), seen);
            store(lane, at(operation, 0), System.nanoTime());
        }
    }

    void end(int lane, long operation) {
        store(lane, at(operation, 1), System.nanoTime());
    }

    /** When an operation was begun, by the clock of the boot, or 0 if it was not. */
    long begun(int lane, long operation) {
        return load(lane, at(operation, 0));
    }

    /** When an operation returned, or 0 if it did not. */
    long returned(int lane, long operation) {
        return load(lane, at(operation, 1));
    }

    /** The last operation of the other lane that this operation saw before it was begun. */
    long seen(int lane, long operation) {
        return load(lane, at(operation, 2));
    }

    void note(int lane, Note note) {
        long count = load(lane, COUNT_AT);
        if (count == NOTES) {
            throw new IllegalStateException("the diary is full");
        }
        long at = NOTES_AT + count * NOTE_BYTES;
        store(lane, at, note.epoch);
        for (int each = 0; each < LANES; each++) {
            store(lane, at + (1L + each) * Long.BYTES, note.must[each]);
            store(lane, at + (1L + LANES + each) * Long.BYTES, note.most[each]);
        }
        store(lane, COUNT_AT, count + 1);
    }

    /** All checkpoints that returned before this call. */
    List<Note> notes() {
        List<Note> notes = new ArrayList<>();
        for (int lane = 0; lane < LANES; lane++) {
            long count = load(lane, COUNT_AT);
            for (long i = 0; i < count; i++) {
                long at = NOTES_AT + i * NOTE_BYTES;
                long[] must = new long[LANES];
                long[] most = new long[LANES];
                for (int each = 0; each < LANES; each++) {
                    must[each] = load(lane, at + (1L + each) * Long.BYTES);
                    most[each] = load(lane, at + (1L + LANES + each) * Long.BYTES);
                }
                notes.add(new Note(load(lane, at), must, most));
            }
        }
        return notes;
    }

    @Override
    public void close() {
        arena.close();
    }
}
