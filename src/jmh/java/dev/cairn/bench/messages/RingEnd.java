package dev.cairn.bench.messages;

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
 * The best that shared memory allows: a ring for each direction in a mapped file, with one sender
 * and one receiver that spin. A slot consists of a word and the message. The word is one more than
 * the number of the message. The message is copied in once and looked at where it lies.
 */
final class RingEnd implements End {
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.varHandle();

    /**
     * At the beginning, apart from the slots, stands how many messages the receiver is done with.
     */
    private static final long HEADER_BYTES = 256;

    private static final long LINE_BYTES = 64;

    private final Content content;
    private final int slots;
    private final long stride;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final MemorySegment message;
    private final long out;
    private final long in;

    /** How many messages the other end is done with, as far as was seen. */
    private long done;

    /** @param file the file of the rings, which is made if it is not there */
    RingEnd(Content content, Path file, boolean first) throws IOException {
        this.content = content;
        slots = Slots.of(content.bytes());
        stride = Math.ceilDiv(Long.BYTES + content.bytes(), LINE_BYTES) * LINE_BYTES;
        long ringBytes = HEADER_BYTES + slots * stride;
        out = first ? 0 : ringBytes;
        in = first ? ringBytes : 0;
        message = arena.allocate(content.bytes());
        content.fill(message, 0);
        try (FileChannel channel =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE)) {
            memory = channel.map(MapMode.READ_WRITE, 0, 2 * ringBytes, arena);
        }
    }

    @Override
    public void send(long sequence, Phase phase) {
        while (sequence - done >= slots) {
            done = (long) WORD.getAcquire(memory, out);
            if (sequence - done >= slots) {
                Thread.onSpinWait();
            }
        }
        content.stamp(message, 0, sequence, phase);
        long slot = slot(out, sequence);
        MemorySegment.copy(message, 0, memory, slot + Long.BYTES, content.bytes());
        WORD.setRelease(memory, slot, sequence + 1);
    }

    @Override
    public Phase receive(long sequence) {
        long slot = slot(in, sequence);
        while ((long) WORD.getAcquire(memory, slot) != sequence + 1) {
            Thread.onSpinWait();
        }
        Phase phase = content.check(memory, slot + Long.BYTES, sequence);
        if (Slots.isTold(sequence, slots)) {
            WORD.setRelease(memory, in, sequence + 1);
        }
        return phase;
    }

    private long slot(long ring, long sequence) {
        return ring + HEADER_BYTES + (sequence & (slots - 1)) * stride;
    }

    @Override
    public void close() {
        arena.close();
    }
}
