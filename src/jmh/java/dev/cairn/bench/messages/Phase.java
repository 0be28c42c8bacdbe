package dev.cairn.bench.messages;

/** What a message says of the traffic that it belongs to. */
enum Phase {
    WARM_UP(0),
    MEASURED(1),
    /** The last message. */
    END(2);

    /** Enough for a code. */
    static final int BITS = 2;

    private static final Phase[] BY_CODE = {WARM_UP, MEASURED, END};

    final int code;

    Phase(int code) {
        this.code = code;
    }

    /** Of the lowest bits of a word. */
    static Phase of(long word) {
        return BY_CODE[(int) word & ((1 << BITS) - 1)];
    }
}
