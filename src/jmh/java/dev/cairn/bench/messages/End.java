package dev.cairn.bench.messages;

import java.io.Closeable;

/** One end of a way. One thread uses it. Messages are numbered from 0 in each direction. */
interface End extends Closeable {
    /**
     * Sends the next message, and waits while there is no room. After the last message, everything
     * so far is sent.
     */
    void send(long sequence, Phase phase) throws Exception;

    /** Waits for the next message and checks it. */
    Phase receive(long sequence) throws Exception;
}
