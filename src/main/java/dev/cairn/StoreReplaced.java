package dev.cairn;

import java.nio.file.Path;

/**
 * A file of the store was renamed, removed or replaced while the store was open. The file that has
 * the name by now, if any, is left alone. Who has the store open still reads what is there, and saves
 * it by {@link CairnStore#backup}; nobody else opens it until it is closed everywhere.
 */
public final class StoreReplaced extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * @param path the name that the file had
     * @param why what became of it, and the way out
     */
    public StoreReplaced(Path path, String why) {
        super(path, why, null);
    }
}
