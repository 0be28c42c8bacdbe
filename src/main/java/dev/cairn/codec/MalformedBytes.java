package dev.cairn.codec;

import org.jspecify.annotations.Nullable;

/**
 * Bytes that a codec did not write: those of another type, or of another version of it.
 *
 * <p>It is no {@link dev.cairn.CairnException}, because a codec knows of no store and no path. A map
 * tells of it by {@link dev.cairn.UndecodableEntry}, whose cause it is.
 */
public final class MalformedBytes extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param at byte of the encoded value at which it shows
     * @param expected what the codec writes there
     * @param found what is there
     */
    public MalformedBytes(int at, String expected, String found) {
        this(at, expected, found, null);
    }

    /** @param cause what else was thrown because of it, if anything */
    public MalformedBytes(int at, String expected, String found, @Nullable Throwable cause) {
        super("at byte %d: expected %s, found %s".formatted(at, expected, found), cause);
    }
}
