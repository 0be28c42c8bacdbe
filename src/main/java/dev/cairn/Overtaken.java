package dev.cairn;

import java.nio.file.Path;

/**
 * A checkpoint was read without blocking writers, and newer checkpoints overtook it. If a read-only
 * store shows a snapshot, that snapshot is gone then; open the store again.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class Overtaken extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the data file
     * @param why what was overtaken, and the remedy
     */
    public Overtaken(Path path, String why) {
        super(path, why, null);
    }
}
