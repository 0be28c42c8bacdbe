package dev.cairn;

import java.nio.file.Path;

/**
 * The store was used after {@link CairnStore#close()}.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class StoreClosed extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the data file
     */
    public StoreClosed(Path path) {
        super(path, "this store is closed; open it again with Cairn.open", null);
    }
}
