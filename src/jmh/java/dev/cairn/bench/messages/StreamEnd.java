package dev.cairn.bench.messages;

import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.List;

/**
 * Channels of bytes. Direct buffers save a copy in the JDK. A read takes whatever is there, even
 * several messages at once.
 */
final class StreamEnd implements End {
    /** How much a pipe holds unless it is told otherwise. */
    private static final int PIPE_BYTES = 64 << 10;

    private final Content content;
    private final int bytes;
    private final int batch;
    private final ReadableByteChannel in;
    private final WritableByteChannel out;
    private final List<? extends Closeable> toClose;
    private final ByteBuffer inBuffer;
    private final ByteBuffer outBuffer;
    private final MemorySegment inMemory;
    private final MemorySegment outMemory;

    /** Where in the buffer the next message begins. */
    private int taken;

    private int gathered;

    StreamEnd(
            Content content,
            int batch,
            ReadableByteChannel in,
            WritableByteChannel out,
            List<? extends Closeable> toClose) {
        this.content = content;
        this.bytes = content.bytes();
        this.batch = batch;
        this.in = in;
        this.out = out;
        this.toClose = toClose;
        inBuffer = ByteBuffer.allocateDirect(Math.max(1, PIPE_BYTES / bytes) * bytes);
        outBuffer = ByteBuffer.allocateDirect(batch * bytes);
        inMemory = MemorySegment.ofBuffer(inBuffer.duplicate());
        outMemory = MemorySegment.ofBuffer(outBuffer.duplicate());
        for (int i = 0; i < batch; i++) {
            content.fill(outMemory, (long) i * bytes);
        }
    }

    @Override
    public void send(long sequence, Phase phase) throws IOException {
        content.stamp(outMemory, (long) gathered * bytes, sequence, phase);
        gathered++;
        if (gathered == batch || phase == Phase.END) {
            outBuffer.limit(gathered * bytes).position(0);
            while (outBuffer.hasRemaining()) {
                int _ = out.write(outBuffer);
            }
            gathered = 0;
        }
    }

    @Override
    public Phase receive(long sequence) throws IOException {
        while (inBuffer.position() - taken < bytes) {
            if (in.read(inBuffer) < 0) {
                throw new EOFException("the other end was closed before message " + sequence);
            }
        }
        Phase phase = content.check(inMemory, taken, sequence);
        taken += bytes;
        if (taken == inBuffer.position()) {
            inBuffer.clear();
            taken = 0;
        }
        return phase;
    }

    @Override
    public void close() throws IOException {
        for (Closeable each : toClose) {
            each.close();
        }
    }
}
