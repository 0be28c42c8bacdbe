package dev.cairn;

import java.nio.file.Path;

/**
 * A file of the store was renamed, removed or replaced while the store was open. If another file
 * has the name now, that file is not touched. A process that has the store open can still read it
 * and can save it with {@link CairnStore#backup}. No other process can open it until it is closed
 * everywhere.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class StoreReplaced extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the name that the file had
     * @param why what happened to it, and the remedy
     */
    public StoreReplaced(Path path, String why) {
        super(path, why, null);
    }
}
