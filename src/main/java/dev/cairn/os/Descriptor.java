package dev.cairn.os;

import java.io.IOException;
import java.nio.file.Path;

/**
 * A descriptor by which native calls reach an open file. It is opened by the file's name when it is
 * first needed, compared with the file, and kept: to close it would drop the locks that this
 * process has on the file (RULE 16), and the name may belong to another file the next time.
 */
final class Descriptor {
    /** The call, or the file system, cannot do it. */
    static final int NOT_HERE = -1;

    /** The file's name leads to another file, or no descriptor is left. */
    static final int NOT_OPENED = -2;

    private final OpenFile file;
    private int number = -1;
    private boolean closed;

    Descriptor(OpenFile file) {
        this.file = file;
    }

    /**
     * Gives the bytes of the file real blocks, extending it; existing bytes stay.
     *
     * @return 0, the errno, {@link #NOT_HERE} or {@link #NOT_OPENED}
     */
    synchronized int allocate(long from, long to) {
        int ready = opened();
        return ready == 0 ? Native.allocate(number, from, to) : ready;
    }

    /**
     * Takes the blocks of a range from the file, which keeps its length. The result is as for
     * {@link #allocate}.
     */
    synchronized int punch(long from, long to) {
        int ready = opened();
        return ready == 0 ? Native.punch(number, from, to) : ready;
    }

    private int opened() {
        if (closed || !Native.isHere()) {
            return closed ? NOT_OPENED : NOT_HERE;
        }
        if (number < 0) {
            int opened = Native.open(file.path());
            if (opened >= 0 && !isOfFile(opened)) {
                Native.close(opened);
                opened = -1;
            }
            number = opened;
        }
        return number < 0 ? NOT_OPENED : 0;
    }

    /**
     * Whether an opened descriptor is that of the file. The descriptor itself is asked, since the
     * name may change.
     */
    private boolean isOfFile(int opened) {
        try {
            return file.isAt(Path.of("/proc/self/fd", Integer.toString(opened)));
        } catch (IOException _) {
            return false; // without /proc nobody can tell
        }
    }

    synchronized void close() {
        closed = true;
        if (number >= 0) {
            Native.close(number);
            number = -1;
        }
    }
}
