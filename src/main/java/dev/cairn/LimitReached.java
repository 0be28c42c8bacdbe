package dev.cairn;

import java.nio.file.Path;

/**
 * As many processes have the store open for writing, or as many backups of it are under way, as there
 * may be at once. One of them has to end first; no wait was made for that.
 */
public final class LimitReached extends CairnException {
    private static final long serialVersionUID = 1L;

    private final int limit;

    public LimitReached(Path path, int limit, String why) {
        super(path, why, null);
        this.limit = limit;
    }

    /** How many there may be at once. */
    public int limit() {
        return limit;
    }
}
