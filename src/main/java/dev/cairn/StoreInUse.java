package dev.cairn;

import java.nio.file.Path;

/**
 * An operation that needs a store which no process has open, or none has open for writing, found
 * that a process has it open.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class StoreInUse extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the data file
     * @param why who has the store open, and what was asked for
     */
    public StoreInUse(Path path, String why) {
        super(path, why, null);
    }
}
