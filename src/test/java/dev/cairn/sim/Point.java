package dev.cairn.sim;

import dev.cairn.Versioned;

import java.nio.ByteBuffer;
import java.util.Map;

/** A state that a store may be rolled back to: a checkpoint, made or under way. */
final class Point {
    static final long UNKNOWN = -1;

    private final Map<ByteBuffer, Versioned> content;
    private final long hidden;
    private long epoch;

    /**
     * @param content what is visible
     * @param hidden expired entries that may be counted besides, at most
     * @param epoch of the checkpoint, if it is known by now
     */
    Point(Map<ByteBuffer, Versioned> content, long hidden, long epoch) {
        this.content = Map.copyOf(content);
        this.hidden = hidden;
        this.epoch = epoch;
    }

    Map<ByteBuffer, Versioned> content() {
        return content;
    }

    long hidden() {
        return hidden;
    }

    long epoch() {
        return epoch;
    }

    /** The checkpoint returned, and said which it is. */
    void is(long known) {
        epoch = known;
    }
}
