package dev.cairn.process;

import dev.cairn.Recovery.Kind;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What processes noted about their own work, in memory that outlives them. For each key it has the
 * last operation that was begun and the last that returned. The kernel keeps the memory after a
 * SIGKILL, so no acknowledgement is lost and none is premature.
 *
 * <p>A lane has one writer at a time. A read may show any state between a {@link #returned} that
 * was loaded before it and a {@link #begun} that was loaded after it, and no other.
 */
final class Ledger implements AutoCloseable {
    static final int LANES = 16;

    /** How many keys a lane has to itself. */
    static final int KEYS = 32;

    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    private static final long LANE_BYTES = 1024;
    private static final int RETURNED = KEYS;
    private static final int FIGURES = 2 * KEYS;
    private static final long ORDER_AT = LANES * LANE_BYTES;

    /** A figure of a lane, or what its process is doing. */
    enum Figure {
        INCREMENTS_BEGUN(0),
        INCREMENTS_RETURNED(1),
        OPERATIONS(2),
        LONGEST_NANOS(3),
        TAKEOVERS(4),
        STATE(5),
        CREATED(6),
        JOINED(7),
        CLEAN(8),
        REPAIRED(9),
        MOVES(10),
        EVACUATIONS(11),
        FOLDED_COPIES(12),
        CHECKPOINTS(13),
        REBUILT(14),
        FULL(15),
        READS(16),
        WRONG_READS(17),
        CONFIRMED(18),
        REFRESHED(19),
        STALE(20),
        UNCONFIRMED(21),
        ABSENT_READS(22),
        LOADING(23),
        DROPS(24),
        BACKUPS(25),
        COMPACTIONS(26),
        TOLD(27),
        LAGGED(28),
        WOKEN(29),
        EVICTED(30);

        private final int word;

        Figure(int word) {
            this.word = FIGURES + word;
        }

        /** The figure of how often a lane's processes opened the store in that way. */
        static Figure opened(Kind kind) {
            return valueOf(kind.name());
        }
    }

    /** The values of {@link Figure#STATE}. */
    static final long STARTING = 0;

    static final long WORKING = 1;
    static final long PAUSED = 2;

    /** The orders to all lanes. */
    static final long GO = 0;

    static final long PAUSE = 1;
    static final long STOP = 2;

    /** The order by which everybody has stopped, so that what is there now stays. */
    static final long JUDGE = 3;

    private final Arena arena;
    private final MemorySegment memory;

    @SuppressWarnings("MustBeClosed") // closed with the ledger
    private Ledger(Path file) throws IOException {
        arena = Arena.ofShared();
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            memory = channel.map(MapMode.READ_WRITE, 0, ORDER_AT + Long.BYTES, arena);
        }
    }

    static Ledger at(Path file) throws IOException {
        return new Ledger(file);
    }

    private static long keyAt(int lane, int word) {
        return lane * LANE_BYTES + (long) word * Long.BYTES;
    }

    private long load(long at) {
        return (long) LONG.getAcquire(memory, at);
    }

    private void store(long at, long value) {
        LONG.setRelease(memory, at, value);
    }

    long begun(int lane, int key) {
        return load(keyAt(lane, key));
    }

    long returned(int lane, int key) {
        return load(keyAt(lane, RETURNED + key));
    }

    void begin(int lane, int key, long sequence) {
        store(keyAt(lane, key), sequence);
        VarHandle.fullFence();
    }

    void acknowledge(int lane, int key, long sequence) {
        store(keyAt(lane, RETURNED + key), sequence);
    }

    long figure(int lane, Figure figure) {
        return load(keyAt(lane, figure.word));
    }

    void set(int lane, Figure figure, long value) {
        store(keyAt(lane, figure.word), value);
    }

    void add(int lane, Figure figure, long change) {
        set(lane, figure, figure(lane, figure) + change);
        VarHandle.fullFence();
    }

    long sum(Figure figure) {
        long sum = 0;
        for (int lane = 0; lane < LANES; lane++) {
            sum += figure(lane, figure);
        }
        return sum;
    }

    long greatest(Figure figure) {
        long greatest = 0;
        for (int lane = 0; lane < LANES; lane++) {
            greatest = Math.max(greatest, figure(lane, figure));
        }
        return greatest;
    }

    long order() {
        return load(ORDER_AT);
    }

    void order(long order) {
        store(ORDER_AT, order);
    }

    @Override
    public void close() {
        arena.close();
    }
}
