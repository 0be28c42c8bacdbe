package dev.cairn.bench.messages;

/** How long a bounded ring is, and when its receiver tells how far it is. */
final class Slots {
    private static final int PARTS = 4;

    private Slots() {}

    /** A power of two, and a multiple of {@link Way#BATCH} where there are batches. */
    static int of(int bytes) {
        if (bytes <= 1 << 10) {
            return 1024;
        }
        return bytes <= 64 << 10 ? 256 : 8;
    }

    /** Whether the sender is told that the receiver is done with all up to this one. */
    static boolean isTold(long sequence, int slots) {
        return (sequence + 1) % (slots / PARTS) == 0;
    }
}
