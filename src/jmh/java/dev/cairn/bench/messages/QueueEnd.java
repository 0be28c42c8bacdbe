package dev.cairn.bench.messages;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * POSIX message queues, one for each direction. A message that is longer than the system allows
 * goes in pieces.
 */
final class QueueEnd implements End {
    private static final Path LIMITS = Path.of("/proc/sys/fs/mqueue");

    /**
     * What one queue may take of the 819,200 bytes that a user may have in queues by default.
     * Bookkeeping counts too.
     */
    private static final int MOST_QUEUED_BYTES = 400_000;

    private final Content content;
    private final Limits limits;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment state = Posix.state(arena);
    private final MemorySegment outgoing;
    private final MemorySegment incoming;
    private final int out;
    private final int in;

    QueueEnd(Content content, String out, String in) throws IOException {
        this.content = content;
        this.limits = Limits.of(content.bytes());
        this.outgoing = arena.allocate(content.bytes());
        content.fill(outgoing, 0);
        this.incoming = arena.allocate((long) content.bytes() + limits.bytes);
        this.out = Posix.openQueue(out, Posix.O_WRONLY, limits.messages, limits.bytes);
        this.in = Posix.openQueue(in, Posix.O_RDONLY, limits.messages, limits.bytes);
    }

    /**
     * The limits of a queue.
     *
     * @param messages how many messages it holds
     * @param bytes how long each of them may be
     */
    record Limits(int messages, int bytes) {
        static Limits of(int wanted) throws IOException {
            int messages = limit("msg_max");
            int bytes = Math.min(limit("msgsize_max"), MOST_QUEUED_BYTES / messages);
            return new Limits(messages, Math.min(wanted, bytes));
        }

        private static int limit(String name) throws IOException {
            return Integer.parseInt(Files.readAllLines(LIMITS.resolve(name)).getFirst());
        }

        int piecesOf(int message) {
            return Math.ceilDiv(message, bytes);
        }
    }

    @Override
    public void send(long sequence, Phase phase) throws IOException {
        content.stamp(outgoing, 0, sequence, phase);
        for (int from = 0; from < content.bytes(); from += limits.bytes) {
            int piece = Math.min(limits.bytes, content.bytes() - from);
            Posix.send(state, out, outgoing.asSlice(from), piece);
        }
    }

    @Override
    public Phase receive(long sequence) throws IOException {
        long filled = 0;
        while (filled < content.bytes()) {
            filled += Posix.receive(state, in, incoming.asSlice(filled));
        }
        return content.check(incoming, 0, sequence);
    }

    @Override
    public void close() throws IOException {
        Posix.closeQueue(out);
        Posix.closeQueue(in);
        arena.close();
    }
}
