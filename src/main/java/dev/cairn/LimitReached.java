package dev.cairn;

import java.nio.file.Path;

/**
 * The greatest possible number of processes has the store open for writing, or the greatest
 * possible number of backups is under way. One of them has to end first; the call did not wait for
 * that.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class LimitReached extends CairnException {
    private static final long serialVersionUID = 1L;

    /** The greatest possible number at the same time. */
    private final int limit;

    /**
     * Creates the exception.
     *
     * @param path the data file
     * @param limit the greatest possible number at the same time
     * @param why what there are too many of
     */
    public LimitReached(Path path, int limit, String why) {
        super(path, why, null);
        this.limit = limit;
    }

    /** {@return the greatest possible number at the same time} */
    public int limit() {
        return limit;
    }
}
