package dev.cairn.codec;

/** How deep records are nested at the moment: bounded, so that no bytes can exhaust the stack. */
final class Depth {
    static final int MAX = 128;

    private int depth;

    /** False if that is too deep. */
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
