package dev.cairn.engine;

import dev.cairn.StoreClosed;

import java.nio.file.Path;

/**
 * Long operations that are under way. Closing ends them: each looks now and then whether it is to go
 * on, and the files stay mapped until the last of them has ended.
 */
final class Running {
    private final Path path;
    private volatile boolean closed;
    private int count;

    Running(Path path) {
        this.path = path;
    }

    /**
     * One operation more.
     *
     * @throws StoreClosed if the store is being closed
     */
    synchronized void begin() {
        requireOpen();
        count++;
    }

    /**
     * Whether an operation is to go on.
     *
     * @throws StoreClosed if not
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

    /** Lets none go on, and waits until the last has ended. */
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
