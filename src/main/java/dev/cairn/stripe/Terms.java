package dev.cairn.stripe;

/**
 * What holds for all stripes in this process, and may change while the store is open. Plain stores:
 * threads that see them late go by the old terms for a while.
 */
final class Terms {
    /**
     * Live bytes per byte of garbage that is tolerated where checkpoints come by themselves, or are not
     * waited for.
     */
    private static final int BACKGROUND_SHARE = 1;

    /** Likewise with manual checkpoints: regions of the last one then stay besides. */
    private static final int MANUAL_SHARE = 6;

    private long timeoutNanos;
    private int share = MANUAL_SHARE;

    Terms(long timeoutNanos) {
        this.timeoutNanos = timeoutNanos;
    }

    long timeoutNanos() {
        return timeoutNanos;
    }

    void lengthenTimeout(long nanos) {
        timeoutNanos = nanos;
    }

    /** Live bytes of a stripe for each byte of its garbage that is tolerated. */
    int share() {
        return share;
    }

    void cleanFor(boolean background) {
        share = background ? BACKGROUND_SHARE : MANUAL_SHARE;
    }
}
