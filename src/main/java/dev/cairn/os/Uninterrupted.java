package dev.cairn.os;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;

/**
 * Runs file operations that an interrupt would end by closing their channel. They are short, and a
 * thread should not be stopped there: an interrupted operation is repeated, and the thread stays
 * interrupted.
 *
 * <p>Before an operation, the stack must have room for all of it. A channel notes each thread that uses
 * it, so that closing can wake that thread. If the stack ended between the note and its removal, the
 * channel would keep the note, and could not be closed any more once the thread has ended.
 */
final class Uninterrupted {
    /** Frames that are more than an operation of a channel takes, also where all are compiled. */
    private static final int FRAMES = 400;

    private Uninterrupted() {}

    /**
     * An operation that opens its own channel, or asks for an open one, and can be repeated from
     * its start. A closed channel must make it fail only after an interrupt.
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
        requireStack(FRAMES);
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

    /** Throws StackOverflowError unless so many more calls fit on the stack. */
    private static int requireStack(int frames) {
        return frames == 0 ? 0 : 1 + requireStack(frames - 1);
    }
}
