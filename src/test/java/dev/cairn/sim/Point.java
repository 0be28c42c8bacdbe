package dev.cairn.sim;

import dev.cairn.Versioned;

import java.nio.ByteBuffer;
import java.util.Map;

/** A state to which a store may be rolled back: a checkpoint that was made or is under way. */
final class Point {
    static final long UNKNOWN = -1;

    private final Map<ByteBuffer, Versioned> content;
    private final long hidden;
    private long epoch;

    /**
     * @param content what is visible
     * @param hidden the most expired entries that may be counted besides
     * @param epoch the epoch of the checkpoint, if it is known by now
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

    /** Sets the epoch, which is known once the checkpoint returned. */
    void is(long known) {
        epoch = known;
    }
}
