package dev.cairn.engine;

import dev.cairn.StoreClosed;

import java.nio.file.Path;

/**
 * Long operations that are under way. Closing the store ends them: each checks now and then whether
 * it may go on, and the files stay mapped until the last of them has ended.
 */
final class LongOperations {
    private final Path path;
    private volatile boolean closed;
    private int count;

    LongOperations(Path path) {
        this.path = path;
    }

    /**
     * Begins an operation.
     *
     * @throws StoreClosed if the store is being closed
     */
    synchronized void begin() {
        requireOpen();
        count++;
    }

    /**
     * Checks whether operations may go on.
     *
     * @throws StoreClosed if they may not
     */
    void requireOpen() {
        if (closed) {
            throw new StoreClosed(path);
        }
    }

    synchronized void end() {
        count--;
        notifyAll();
    }

    /** Ends all operations, and waits until the last has ended. */
    synchronized void close() {
        closed = true;
        boolean interrupted = false;
        while (count > 0) {
            try {
                wait();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
