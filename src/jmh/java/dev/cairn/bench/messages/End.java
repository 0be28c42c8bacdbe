package dev.cairn.bench.messages;

import java.io.Closeable;

/** One end of a way, which one thread uses. Messages are numbered from 0 in each direction. */
interface End extends Closeable {
    /** Sends the next message; waits while there is no room. Sends all so far behind the last. */
    void send(long sequence, Phase phase) throws Exception;

    /** Waits for the next message and checks it. */
    Phase receive(long sequence) throws Exception;
}
