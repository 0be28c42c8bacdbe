package dev.cairn.os;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A new file that is written in pieces, with holes where nothing is written. */
public final class SparseFile implements AutoCloseable {
    private final FileChannel channel;

    private SparseFile(FileChannel channel) {
        this.channel = channel;
    }

    /** Opens an existing file to write pieces of it. */
    public static SparseFile open(Path path) throws IOException {
        return new SparseFile(FileChannel.open(path, StandardOpenOption.WRITE));
    }

    public void write(long at, byte[] bytes, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
        while (buffer.hasRemaining()) {
            channel.write(buffer, at + buffer.position());
        }
    }

    /** Makes it as long as that, if it is shorter, and durable. */
    public void finish(long length) throws IOException {
        if (channel.size() < length) {
            channel.write(ByteBuffer.allocate(1), length - 1);
        }
        channel.force(true);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
