package dev.cairn.stripe;

/**
 * Settings for all stripes in this process that may change while the store is open. They are plain
 * fields: a thread that sees a change late uses the old settings for a while.
 */
final class StripeSettings {
    /**
     * The number of live bytes for each byte of tolerated garbage, if checkpoints are made in the
     * background, or nobody waits for them.
     */
    private static final int BACKGROUND_SHARE = 1;

    /**
     * The same number with manual checkpoints: the regions of the last checkpoint stay besides.
     */
    private static final int MANUAL_SHARE = 6;

    private long timeoutNanos;
    private int share = MANUAL_SHARE;

    StripeSettings(long timeoutNanos) {
        this.timeoutNanos = timeoutNanos;
    }

    long timeoutNanos() {
        return timeoutNanos;
    }

    void lengthenTimeout(long nanos) {
        timeoutNanos = nanos;
    }

    /** The number of a stripe's live bytes for each byte of its garbage that is tolerated. */
    int share() {
        return share;
    }

    void cleanFor(boolean background) {
        share = background ? BACKGROUND_SHARE : MANUAL_SHARE;
    }
}
