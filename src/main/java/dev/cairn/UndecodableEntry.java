package dev.cairn;

import java.nio.file.Path;

/**
 * A codec could not read an entry that is sound: it was written with another codec, or with another
 * version of its type. The cause is what the codec threw.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="undecodable"}
 */
public final class UndecodableEntry extends CairnException {
    private static final long serialVersionUID = 1L;

    public UndecodableEntry(Path path, String what, Throwable cause) {
        super(path, what + ": " + cause.getMessage(), cause);
    }
}
