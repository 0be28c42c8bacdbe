package dev.cairn.codec;

/** The current nesting depth of records. It is bounded, so that no bytes can exhaust the stack. */
final class Depth {
    static final int MAX = 128;

    private int depth;

    /** Enters one more level; returns false if that is too deep. */
    boolean enter() {
        return depth++ < MAX;
    }

    void leave() {
        depth--;
    }

    void reset() {
        depth = 0;
    }
}
