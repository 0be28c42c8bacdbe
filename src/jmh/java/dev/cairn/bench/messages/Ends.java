package dev.cairn.bench.messages;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.nio.channels.FileChannel;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Opens the ends of a way. If it is in the nature of the way, each end waits for the other. */
final class Ends {
    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private Ends() {}

    /** @param first whether this is the end of the process that sends first */
    static End open(Case what, int stripes, Places places, boolean first) throws IOException {
        Way way = what.way();
        Content content = new Content(what.bytes());
        return switch (way.kind()) {
            case PIPE -> pipe(content, way);
            case FIFO -> fifo(content, way, places, first);
            case SOCKET -> socket(content, way, places, first);
            case QUEUE -> new QueueEnd(content, places.queue(first), places.queue(!first));
            case RING -> new RingEnd(content, places.ring(), first);
            case CAIRN -> new CairnEnd(what, content, stripes, places.store(way.shared()), first);
        };
    }

    /** Uses the descriptors with which this process was started. */
    private static End pipe(Content content, Way way) {
        FileChannel in = new FileInputStream(FileDescriptor.in).getChannel();
        FileChannel out = new FileOutputStream(FileDescriptor.out).getChannel();
        return new StreamEnd(content, way.batchOf(), in, out, List.of(out, in));
    }

    /** Opens two FIFOs. Opening one waits for the other process to open it too. */
    private static End fifo(Content content, Way way, Places places, boolean first)
            throws IOException {
        FileChannel in;
        FileChannel out;
        if (first) {
            out = FileChannel.open(places.fifo(true), StandardOpenOption.WRITE);
            in = FileChannel.open(places.fifo(false), StandardOpenOption.READ);
        } else {
            in = FileChannel.open(places.fifo(true), StandardOpenOption.READ);
            out = FileChannel.open(places.fifo(false), StandardOpenOption.WRITE);
        }
        return new StreamEnd(content, way.batchOf(), in, out, List.of(out, in));
    }

    private static End socket(Content content, Way way, Places places, boolean first)
            throws IOException {
        SocketChannel channel = first ? connect(places) : accept(places);
        return new StreamEnd(content, way.batchOf(), channel, channel, List.of(channel));
    }

    private static SocketChannel accept(Places places) throws IOException {
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(places.socket());
            return server.accept();
        }
    }

    /** Connects once the other process listens. */
    private static SocketChannel connect(Places places) throws IOException {
        while (true) {
            if (Files.exists(places.socket().getPath())) {
                try {
                    return SocketChannel.open(places.socket());
                } catch (ConnectException e) {
                    // The socket is bound, and will listen at once.
                }
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }
}
