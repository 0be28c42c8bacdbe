package dev.cairn.os;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/**
 * A new file that is written in pieces, with holes in between. It keeps no channel open, since an
 * interrupt would close it.
 */
public final class SparseFile implements AutoCloseable {
    private final Path path;
    private final RandomAccessFile file;

    private SparseFile(Path path, RandomAccessFile file) {
        this.path = path;
        this.file = file;
    }

    /** Opens an existing file to write pieces of it. */
    public static SparseFile open(Path path) throws IOException {
        return new SparseFile(path, new RandomAccessFile(path.toFile(), "rw"));
    }

    public void write(long at, byte[] bytes, int length) throws IOException {
        try {
            file.seek(at);
            file.write(bytes, 0, length);
        } catch (IOException e) {
            throw naming(e);
        }
    }

    /** Extends the file to that length, if it is shorter, and makes it durable. */
    public void finish(long length) throws IOException {
        try {
            if (file.length() < length) {
                file.setLength(length);
            }
            file.getFD().sync();
        } catch (IOException e) {
            throw naming(e);
        }
    }

    /** Adds the file's name, which the operating system's errors do not contain. */
    private IOException naming(IOException e) {
        return new IOException(path + ": " + e.getMessage(), e);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
