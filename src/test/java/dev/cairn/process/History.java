package dev.cairn.process;

import dev.cairn.process.Event.Operation;

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
 * What several processes did, in memory that outlives them. Each notes an operation before it
 * begins and after it returned. So if a process is killed, its last operation is known to be
 * pending. Times are of {@link System#nanoTime}, which is one clock for all JVMs of a host.
 */
final class History implements AutoCloseable {
    static final int LANES = 16;

    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final int WORDS = 8;
    private static final List<Operation> OPERATIONS = List.of(Operation.values());

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final int capacity;

    /** @param capacity the number of operations that a lane has room for */
    @SuppressWarnings("MustBeClosed") // closed with the history
    History(Path file, int capacity) throws IOException {
        this.capacity = capacity;
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            memory = channel.map(MapMode.READ_WRITE, 0, LANES * laneBytes(), arena);
        }
    }

    private long laneBytes() {
        return Long.BYTES * (1 + (long) capacity * WORDS);
    }

    private long at(int lane, long event, int word) {
        return lane * laneBytes() + Long.BYTES * (1 + event * WORDS + word);
    }

    private void store(int lane, long event, int word, long value) {
        LONG.setRelease(memory, at(lane, event, word), value);
    }

    private long load(int lane, long event, int word) {
        return (long) LONG.getAcquire(memory, at(lane, event, word));
    }

    /** The number of operations of a lane, the pending one included. */
    long count(int lane) {
        return (long) LONG.getAcquire(memory, lane * laneBytes());
    }

    boolean isFull(int lane) {
        return count(lane) == capacity;
    }

    /** Notes that an operation begins. Returns its number within the lane. */
    long begin(int lane, Operation operation, int key, long id, long version) {
        long event = count(lane);
        store(lane, event, 0, OPERATIONS.indexOf(operation));
        store(lane, event, 1, key);
        store(lane, event, 2, id);
        store(lane, event, 3, version);
        store(lane, event, 5, Event.NEVER);
        store(lane, event, 4, System.nanoTime());
        LONG.setRelease(memory, lane * laneBytes(), event + 1);
        VarHandle.fullFence(); // before any part of the operation
        return event;
    }

    void end(int lane, long event, long found, long result) {
        store(lane, event, 6, found);
        store(lane, event, 7, result);
        VarHandle.fullFence(); // after all of the operation
        store(lane, event, 5, System.nanoTime());
    }

    List<Event> events() {
        List<Event> all = new ArrayList<>();
        for (int lane = 0; lane < LANES; lane++) {
            for (long event = 0; event < count(lane); event++) {
                all.add(
                        new Event(
                                lane,
                                OPERATIONS.get((int) load(lane, event, 0)),
                                (int) load(lane, event, 1),
                                load(lane, event, 2),
                                load(lane, event, 3),
                                load(lane, event, 4),
                                load(lane, event, 5),
                                load(lane, event, 6),
                                load(lane, event, 7)));
            }
        }
        return all;
    }

    @Override
    public void close() {
        arena.close();
    }
}
