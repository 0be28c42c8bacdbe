package dev.cairn.os;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;

/**
 * File operations that an interrupt would end by closing their channel. They are short and no place
 * for a thread to be stopped at: each is done again, and the thread stays interrupted.
 */
final class Uninterrupted {
    private Uninterrupted() {}

    /**
     * An operation that opens its own channel, or asks for one that is open, and may be done again
     * from its start. It must not fail by a closed channel for any other reason than an interrupt.
     */
    interface Operation<T> {
        T run() throws IOException;
    }

    /** An operation without a result. */
    interface Action {
        void run() throws IOException;
    }

    static void act(Action action) throws IOException {
        run(() -> {
            action.run();
            return true;
        });
    }

    static <T> T run(Operation<T> operation) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                try {
                    return operation.run();
                } catch (ClosedChannelException _) {
                    interrupted |= Thread.interrupted();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
