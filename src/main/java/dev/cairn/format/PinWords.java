package dev.cairn.format;

/**
 * A pin: the process that keeps the regions of a checkpoint from being reused, and that checkpoint
 * (RULE 25).
 */
public final class PinWords {
    public static final int HOLDER = 0;
    public static final int EPOCH = 8;
    public static final int BYTES = 16;

    private PinWords() {}
}
