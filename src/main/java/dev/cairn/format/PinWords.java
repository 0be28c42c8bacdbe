package dev.cairn.format;

/** A pin: who keeps the regions of which checkpoint from being used again (RULE 25). */
public final class PinWords {
    public static final int HOLDER = 0;
    public static final int EPOCH = 8;
    public static final int BYTES = 16;

    private PinWords() {}
}
