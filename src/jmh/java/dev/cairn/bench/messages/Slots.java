package dev.cairn.bench.messages;

/** How long a bounded ring is, and when its receiver says how far it is. */
final class Slots {
    private static final int PARTS = 4;

    private Slots() {}

    /**
     * The length, a power of two. Where there are batches it is also a multiple of {@link
     * Way#BATCH}.
     */
    static int of(int bytes) {
        if (bytes <= 1 << 10) {
            return 1024;
        }
        return bytes <= 64 << 10 ? 256 : 8;
    }

    /** Whether the sender is told that the receiver is done with everything up to this message. */
    static boolean isTold(long sequence, int slots) {
        return (sequence + 1) % (slots / PARTS) == 0;
    }
}
