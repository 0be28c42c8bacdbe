package dev.cairn.codec;

import org.jspecify.annotations.Nullable;

/**
 * The bytes were not written by the codec that reads them: they belong to another type, or to
 * another version of the type.
 *
 * <p>It is not a {@link dev.cairn.CairnException}, because a codec knows no store and no path. A
 * map throws a {@link dev.cairn.UndecodableEntry}, whose cause it is.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="undecodable"}
 */
public final class MalformedBytes extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception without a cause.
     *
     * @param at the position in the encoded value, in bytes
     * @param expected what the codec writes there
     * @param found what is there
     */
    public MalformedBytes(int at, String expected, String found) {
        this(at, expected, found, null);
    }

    /**
     * Creates an exception with a cause.
     *
     * @param at the position in the encoded value, in bytes
     * @param expected what the codec writes there
     * @param found what is there
     * @param cause the exception that the bytes caused, or null
     */
    public MalformedBytes(int at, String expected, String found, @Nullable Throwable cause) {
        super("at byte %d: expected %s, found %s".formatted(at, expected, found), cause);
    }
}
