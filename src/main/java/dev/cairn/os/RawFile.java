package dev.cairn.os;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A file with parts that may be unreadable. It is read by system calls and not mapped: a mapped
 * page that the device cannot read would cause an error of the machine anywhere in the program. No
 * interrupt ends a read.
 */
public final class RawFile implements AutoCloseable {
    /** The size of a block that is tried by itself if a longer read failed. */
    private static final int BLOCK_BYTES = 4096;

    private final Source source;
    private final long size;

    /** The source of the bytes. */
    interface Source extends AutoCloseable {
        /**
         * Reads up to that many bytes; returns how many, -1 at the end of the file.
         *
         * @throws IOException if the device cannot read them
         */
        int read(long at, byte[] to, int into, int length) throws IOException;

        @Override
        void close() throws IOException;
    }

    RawFile(Source source, long size) {
        this.source = source;
        this.size = size;
    }

    /** Opens a file for reading. */
    public static RawFile open(Path path) throws IOException {
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "r");
        Source source =
                new Source() {
                    @Override
                    public int read(long at, byte[] to, int into, int length) throws IOException {
                        file.seek(at);
                        return file.read(to, into, length);
                    }

                    @Override
                    public void close() throws IOException {
                        file.close();
                    }
                };
        boolean opened = false;
        try {
            RawFile raw = new RawFile(source, file.length());
            opened = true;
            return raw;
        } finally {
            if (!opened) {
                file.close();
            }
        }
    }

    /** The length of the file when it was opened. */
    public long size() {
        return size;
    }

    /**
     * Reads bytes. Those that cannot be read, or lie behind the end of the file, are zeros.
     *
     * @return how many bytes could not be read
     */
    public int read(long at, byte[] to, int length) {
        try {
            return length - readFully(at, to, 0, length);
        } catch (IOException _) {
            int missing = 0;
            for (int into = 0; into < length; ) {
                int block = (int) Math.min(length - into, BLOCK_BYTES - (at + into) % BLOCK_BYTES);
                missing += block - readBlock(at + into, to, into, block);
                into += block;
            }
            return missing;
        }
    }

    private int readBlock(long at, byte[] to, int into, int length) {
        try {
            return readFully(at, to, into, length);
        } catch (IOException _) {
            Arrays.fill(to, into, into + length, (byte) 0);
            return 0;
        }
    }

    private int readFully(long at, byte[] to, int into, int length) throws IOException {
        int done = 0;
        while (done < length) {
            int read = source.read(at + done, to, into + done, length - done);
            if (read < 0) {
                Arrays.fill(to, into + done, into + length, (byte) 0);
                break;
            }
            done += read;
        }
        return done;
    }

    @Override
    public void close() throws IOException {
        source.close();
    }
}
