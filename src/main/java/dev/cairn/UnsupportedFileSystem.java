package dev.cairn;

import java.nio.file.Path;

/**
 * The file lies on a file system, such as a network file system, where memory shared by processes
 * is not coherent.
 *
 * {@snippet class="dev.cairn.ExamplesTest" region="exceptions"}
 */
public final class UnsupportedFileSystem extends CairnException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param path the file
     * @param why the type of the file system, and the remedy
     */
    public UnsupportedFileSystem(Path path, String why) {
        super(path, why, null);
    }
}
