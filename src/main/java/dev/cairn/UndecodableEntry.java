package dev.cairn;

import java.nio.file.Path;

/**
 * A codec could not decode a sound entry: the entry was written with another codec, or with another
 * version of its type. The cause is the exception of the codec.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="undecodable"}
 */
public final class UndecodableEntry extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the data file
     * @param what the entry that could not be decoded
     * @param cause the exception of the codec, whose message is appended
     */
    public UndecodableEntry(Path path, String what, Throwable cause) {
        super(path, what + ": " + cause.getMessage(), cause);
    }
}
