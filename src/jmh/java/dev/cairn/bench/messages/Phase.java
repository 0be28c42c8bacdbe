package dev.cairn.bench.messages;

/** The part of the traffic to which a message says that it belongs. */
enum Phase {
    WARM_UP(0),
    MEASURED(1),
    /** The last message. */
    END(2);

    /** How many bits a code takes. */
    static final int BITS = 2;

    private static final Phase[] BY_CODE = {WARM_UP, MEASURED, END};

    final int code;

    Phase(int code) {
        this.code = code;
    }

    /** The phase in the lowest bits of a word. */
    static Phase of(long word) {
        return BY_CODE[(int) word & ((1 << BITS) - 1)];
    }
}
