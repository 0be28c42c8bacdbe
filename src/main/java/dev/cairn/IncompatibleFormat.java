package dev.cairn;

import java.nio.file.Path;

/**
 * The file is not a Cairn store, or it is a store of another format version or with other fixed
 * properties.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class IncompatibleFormat extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the file
     * @param why what the file is, and what was expected
     */
    public IncompatibleFormat(Path path, String why) {
        super(path, why, null);
    }
}
